"""The attentive recurrent family."""

from seq2seq_keras.attention import AdditiveAttention
from seq2seq_keras.bridges import KeepMemory, ProjectStates
from seq2seq_keras.decoders import AttentiveDecoder
from seq2seq_keras.encoders import BidirectionalEncoder
from seq2seq_keras.models.seq2seq import Seq2Seq
from seq2seq_keras.models.tables import tables


def attention(
    source_size: int,
    target_size: int | None = None,
    *,
    width: int = 256,
    depth: int = 1,
    decoder_depth: int | None = None,
    dropout: float = 0.2,
    cell: str = "lstm",
    tied: bool = True,
) -> Seq2Seq:
    """Bidirectional encoder, additive attention, input feeding.

    Args:
        source_size: vocabulary size of the source, or of both sides.
        target_size: vocabulary size of the target; None shares vocabulary and table.
        width: width of embeddings, layers (both directions together) and attention space.
        depth: recurrent layers of the encoder.
        decoder_depth: recurrent layers of the decoder; None is as many, and it cannot be more.
        dropout: share of layer inputs and of the decoder's output set to zero in training.
        cell: `lstm` or `gru`.
        tied: the output projection is the target table itself.

    Reference: Bahdanau et al., 2015; Luong et al., 2015.
    """
    decoder = AttentiveDecoder(cell, width, AdditiveAttention(width), decoder_depth or depth, dropout, name="decoder")
    return Seq2Seq(
        **tables(source_size, target_size, width, tied),
        encoder=BidirectionalEncoder(cell, width, depth, dropout, name="encoder"),
        bridge=KeepMemory(ProjectStates(decoder.state_size), name="bridge"),
        decoder=decoder,
        name="attention",
    )

"""The plain recurrent family: one fixed vector between encoder and decoder."""

from seq2seq_keras.bridges import CopyStates
from seq2seq_keras.decoders import RecurrentDecoder
from seq2seq_keras.encoders import RecurrentEncoder
from seq2seq_keras.models.seq2seq import Seq2Seq
from seq2seq_keras.models.tables import tables


def lstm(
    source_size: int,
    target_size: int | None = None,
    *,
    width: int = 256,
    depth: int = 2,
    decoder_depth: int | None = None,
    dropout: float = 0.2,
    cell: str = "lstm",
    tied: bool = True,
) -> Seq2Seq:
    """Stacked encoder and decoder; the encoder's last states are the decoder's first.

    Args:
        source_size: vocabulary size of the source, or of both sides.
        target_size: vocabulary size of the target; None shares vocabulary and table.
        width: width of embeddings and of every layer.
        depth: recurrent layers of the encoder.
        decoder_depth: recurrent layers of the decoder; None is as many, and it cannot be more.
        dropout: share of layer inputs set to zero in training.
        cell: `lstm` or `gru`.
        tied: the output projection is the target table itself.

    Reference: Sutskever et al., 2014.
    """
    return Seq2Seq(
        **tables(source_size, target_size, width, tied),
        encoder=RecurrentEncoder(cell, width, depth, dropout, name="encoder"),
        bridge=CopyStates(decoder_depth, name="bridge"),
        decoder=RecurrentDecoder(cell, width, decoder_depth or depth, dropout, name="decoder"),
        name="lstm",
    )

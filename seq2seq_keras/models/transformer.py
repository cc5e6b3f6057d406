"""The Transformer family."""

from seq2seq_keras.bridges import KeepMemory
from seq2seq_keras.decoders import TransformerDecoder
from seq2seq_keras.encoders import TransformerEncoder
from seq2seq_keras.models.seq2seq import Seq2Seq
from seq2seq_keras.models.tables import tables


def transformer(
    source_size: int,
    target_size: int | None = None,
    *,
    width: int = 256,
    depth: int = 3,
    decoder_depth: int | None = None,
    heads: int = 4,
    inner: int | None = None,
    dropout: float = 0.1,
    tied: bool = True,
) -> Seq2Seq:
    """Self-attention on both sides, pre-norm, sinusoidal positions.

    Args:
        source_size: vocabulary size of the source, or of both sides.
        target_size: vocabulary size of the target; None shares vocabulary and table.
        width: model width.
        depth: layers of the encoder.
        decoder_depth: layers of the decoder; None is as many.
        heads: attention heads.
        inner: width inside the feed-forward parts; None is four times `width`.
        dropout: share of embeddings and sub-layer outputs set to zero in training.
        tied: the output projection is the target table itself.

    Reference: Vaswani et al., 2017.
    """
    sizes = {"width": width, "heads": heads, "inner": inner or 4 * width, "dropout": dropout}
    return Seq2Seq(
        **tables(source_size, target_size, width, tied),
        encoder=TransformerEncoder(depth=depth, **sizes, name="encoder"),
        bridge=KeepMemory(name="bridge"),
        decoder=TransformerDecoder(depth=decoder_depth or depth, **sizes, name="decoder"),
        name="transformer",
    )

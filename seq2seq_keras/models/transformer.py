"""The Transformer families."""

from seq2seq_keras.bridges import KeepMemory
from seq2seq_keras.decoders import PointerGenerator, TransformerDecoder
from seq2seq_keras.encoders import TransformerEncoder
from seq2seq_keras.models.presets import sized
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
    embedding: int | None = None,
    norm: str = "pre",
    positions: str = "sinusoidal",
    activation: str = "relu",
    memory_heads: int | None = None,
    copy: bool = False,
    name: str = "transformer",
) -> Seq2Seq:
    """Self-attention on both sides.

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
        embedding: width of the tables, where it is not that of the model.
        norm: `pre`, which trains without a slow start, or `post`, as in the paper.
        positions: a name of `embed.POSITIONS`.
        activation: of the feed-forward parts, a name of `attention.ACTIVATIONS`.
        memory_heads: heads of keys and values; None is as many as `heads`.
        copy: words of the source may be said again where the vocabulary is one (pointer-generator); looks where the
            last layer's heads look on average.
        name: of the model.

    Raises:
        ValueError: a name of no such part, heads that do not divide, or copying between two vocabularies.

    Reference: Vaswani et al., 2017; See et al., 2017 (copying).
    """
    if not isinstance(positions, str):
        raise ValueError(f"positions must be a name: each side needs a part of its own; found {positions!r}")
    parts = {"width": width, "heads": heads, "inner": inner or 4 * width, "dropout": dropout}
    parts |= {"norms": norm, "positions": positions, "activation": activation, "memory_heads": memory_heads}
    return Seq2Seq(
        **tables(source_size, target_size, width, tied, embedding),
        encoder=TransformerEncoder(depth=depth, **parts, name="encoder"),
        bridge=KeepMemory(name="bridge"),
        decoder=TransformerDecoder(depth=decoder_depth or depth, **parts, name="decoder"),
        copy=PointerGenerator(name="copy") if copy else None,
        name=name,
    )


transformer_tiny = sized(
    transformer,
    """`transformer` for 30,000 pairs: 4 layers, 128 wide, 4 heads, 256 inside.

    Reference: Wu et al., 2021 (Multi30k).
    """,
    name="transformer_tiny",
    width=128,
    depth=4,
    heads=4,
    inner=256,
    dropout=0.3,
)
transformer_small = sized(
    transformer,
    """`transformer` as Tensor2Tensor's `transformer_small` has it: 2 layers, 256 wide, 4 heads, 1024 inside.

    Reference: Vaswani et al., 2018.
    """,
    name="transformer_small",
    width=256,
    depth=2,
    heads=4,
    inner=1024,
)
transformer_base = sized(
    transformer,
    """`transformer` in the base size of the paper: 6 layers, 512 wide, 8 heads, 2048 inside.
    `norm="post"` has the norms where the paper does.

    Reference: Vaswani et al., 2017, table 3.
    """,
    name="transformer_base",
    width=512,
    depth=6,
    heads=8,
    inner=2048,
)

"""What is built."""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import DisallowNone, arg

Family = Literal[
    "lstm",
    "sutskever",
    "cho",
    "attention",
    "bahdanau",
    "luong",
    "transformer",
    "transformer_tiny",
    "transformer_small",
    "transformer_base",
]


@dataclass(frozen=True)
class Model:
    """What is built: a family, its sizes and its parts. What is not given is as the family has it."""

    family: Annotated[Family, arg(name="model")] = "transformer"
    """Which encoder, bridge and decoder: see the README's table of families."""
    width: int | None = None
    """Width of layers."""
    embedding: int | None = None
    """Width of embeddings, where it is not that of the layers."""
    depth: int | None = None
    """Layers of the encoder."""
    decoder_depth: int | None = None
    """Layers of the decoder; nothing means as many as the encoder's. Fewer are faster and cost little."""
    dropout: float | None = None
    """Share set to zero in training."""
    tied: DisallowNone[bool | None] = None
    """The output projection is the target table itself."""

    cell: Literal["rnn", "gru", "lstm"] | None = None
    """Recurrent cell."""
    residual: DisallowNone[bool | None] = None
    """Each recurrent layer but the first adds its input to its output."""
    layer_norm: DisallowNone[bool | None] = None
    """Layer normalisation of what goes into each recurrent layer."""
    recurrent_dropout: float | None = None
    """Share of the last recurrent state that is not seen in training, the same at every step."""
    bidirectional: DisallowNone[bool | None] = None
    """The recurrent encoder reads both ways."""
    reverse: DisallowNone[bool | None] = None
    """The recurrent encoder reads the source from its end."""
    bridge: Literal["copy", "project", "zero", "last", "mean", "max", "attention"] | None = None
    """What the recurrent decoder begins with: the encoder's last states as they are or projected, zeros, or one vector
    of the source; cho is told that vector at every step, and takes no other bridge."""

    attention: Literal["additive", "dot", "general", "scaled"] | None = None
    """How a recurrent decoder scores what it looks at."""
    input_feeding: DisallowNone[bool | None] = None
    """The next step is told what this one said; without it the fused layers train it whole, about 1.4 times as fast."""
    coverage: DisallowNone[bool | None] = None
    """Additive attention knows where earlier steps looked."""
    coverage_loss: float | None = None
    """Weight of looking again where one has looked, in training (1 in See et al., 2017)."""
    copy: DisallowNone[bool | None] = None
    """Words of the source may be said again; for one vocabulary."""

    heads: int | None = None
    """Attention heads of a Transformer."""
    memory_heads: int | None = None
    """Heads of keys and values; nothing means as many as heads. Fewer are faster to decode."""
    inner: int | None = None
    """Inner width of a Transformer's feed-forward parts; nothing means four times the width."""
    norm: Literal["pre", "post"] | None = None
    """Where a Transformer's layer norms stand: before each part, or after, as first published."""
    positions: Literal["sinusoidal", "learned", "rotary", "relative", "none"] | None = None
    """How a Transformer knows the order of tokens; learned ones know no more than 512."""
    activation: Literal["relu", "gelu", "silu", "reglu", "geglu", "swiglu"] | None = None
    """Inside a Transformer's feed-forward parts; the last three are gated, and half as large again."""

"""The recurrent families' parts by their names."""

from seq2seq_keras.attention import AdditiveAttention, DotAttention
from seq2seq_keras.bridges import (
    AttentionPool,
    CopyStates,
    LastState,
    MaxPool,
    MeanPool,
    ProjectStates,
    Summary,
    ZeroStates,
)
from seq2seq_keras.encoders import BidirectionalEncoder, RecurrentEncoder, ReversedEncoder

_POOLS = {
    "last": lambda width: LastState(),
    "mean": lambda width: MeanPool(),
    "max": lambda width: MaxPool(),
    "attention": lambda width: AttentionPool(width),
}
_STATES = {
    "copy": lambda state_size, **options: CopyStates(len(state_size), **options),
    "project": ProjectStates,
    "zero": ZeroStates,
}
POOLS = tuple(_POOLS)
"""Ways to make the source one vector."""
BRIDGES = (*_STATES, *_POOLS)
"""Ways to make the decoder's first state: the encoder's last ones as they are or projected, zeros, or one vector of
the source projected."""
ATTENTIONS = ("additive", "dot", "general", "scaled")
"""Ways to score a query against a memory."""


def recurrent_encoder(cell, width: int, depth: int, dropout: float, bidirectional: bool, reverse: bool):
    """Left to right or both ways, of the source as it stands or from its end."""
    kind = BidirectionalEncoder if bidirectional else RecurrentEncoder
    if not reverse:
        return kind(cell, width, depth, dropout, name="encoder")
    return ReversedEncoder(kind(cell, width, depth, dropout, name="reader"), name="encoder")


def pool_of(kind: str, width: int):
    """One of `POOLS`; `width` is that of the score space, where there is one."""
    return _POOLS[_known("bridge", kind, POOLS)](width)


def states_of(kind: str, state_size: list[list[int]], width: int, **options):
    """One of `BRIDGES`: `Encoded` to a `Context` whose state has `state_size`."""
    if _known("bridge", kind, BRIDGES) in _STATES:
        return _STATES[kind](state_size, **options)
    return Summary(pool_of(kind, width), state_size, **options)


def attention_of(kind: str, width: int, coverage: bool = False):
    """One of `ATTENTIONS`.

    Raises:
        ValueError: another kind, or coverage of one that multiplies.
    """
    if _known("attention", kind, ATTENTIONS) == "additive":
        return AdditiveAttention(width, coverage=coverage)
    if coverage:
        raise ValueError(f"coverage needs additive attention, found {kind!r}")
    return DotAttention(kind)


def _known(what: str, kind: str, kinds: tuple[str, ...]) -> str:
    if kind not in kinds:
        raise ValueError(f"{what} must be one of {list(kinds)}, found {kind!r}")
    return kind

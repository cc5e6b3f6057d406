"""Positions by their name."""

from seq2seq_keras.embed.learned import LearnedPositions
from seq2seq_keras.embed.positions import NoPositions, Positions, SinusoidalPositions
from seq2seq_keras.embed.relative import RelativePositions
from seq2seq_keras.embed.rotary import RotaryPositions

_KINDS = {
    "sinusoidal": lambda heads, causal: SinusoidalPositions(),
    "learned": lambda heads, causal: LearnedPositions(),
    "rotary": lambda heads, causal: RotaryPositions(),
    "relative": lambda heads, causal: RelativePositions(heads, bidirectional=not causal),
    "none": lambda heads, causal: NoPositions(),
}
POSITIONS = tuple(_KINDS)
"""Names that stand for positions of the usual sizes."""


def positions_of(kind: str | Positions, heads: int, causal: bool) -> Positions:
    """The positions of a stack: those given, or new ones of that name.

    Args:
        kind: a name of `POSITIONS`, or the part itself, which no other stack may have.
        heads: number of heads of the stack.
        causal: whether no position sees what comes after it.

    Raises:
        ValueError: another name, or positions made for another number of heads or another kind of stack.
    """
    if isinstance(kind, Positions):
        if getattr(kind, "heads", heads) != heads:
            raise ValueError(f"positions must have as many heads as their stack, found {kind.heads} and {heads}")
        if getattr(kind, "bidirectional", not causal) == causal:
            raise ValueError(f"positions must be {'one-way' if causal else 'bidirectional'} here, found the other kind")
        return kind
    if kind not in _KINDS:
        raise ValueError(f"positions must be one of {list(_KINDS)} or a part, found {kind!r}")
    return _KINDS[kind](heads, causal)

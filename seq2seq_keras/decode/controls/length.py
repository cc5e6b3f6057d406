"""How short and how long a hypothesis may be."""

import math
from dataclasses import dataclass

from keras import ops

from seq2seq_keras.context import EOS, PAD, Tensor
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.controls.lower import forbid, only

_ROUNDING = 1e-6
"""More than what rounding adds to a product of a length and a factor."""


@dataclass(frozen=True)
class MinLength(Control):
    """Forbids EOS while a hypothesis has fewer ids than the larger of two minima.

    Ids of a hypothesis are counted without EOS, those of a source without EOS and PAD. What would have to be longer
    than the search's `max_length` because of its source is cut there.

    Args:
        length: fewest ids.
        of_source: fewest ids for each id of the source, rounded up.

    Raises:
        ValueError: an argument is negative or not finite; in a search, `length` is above its `max_length`.
    """

    length: int = 0
    of_source: float = 0.0

    def __post_init__(self):
        _check_number("length", self.length, 0 <= self.length < math.inf, "not be negative")
        _check_number("of_source", self.of_source, 0 <= self.of_source < math.inf, "not be negative")

    def begin(self, source: Tensor) -> Tensor:
        return ops.maximum(_source_length(source) * self.of_source, self.length)

    def __call__(self, ranks: Tensor, said: Said, known: Tensor) -> Tensor:
        if self.length > said.ids.shape[-1]:
            raise ValueError(f"length must be at most max_length {said.ids.shape[-1]}, found {self}")
        short = ops.less(ops.cast(said.time, "float64"), known - _ROUNDING)  # (B,)
        ids = ops.full_like(said.ids[..., :1], EOS)
        return forbid(ranks, ids, ops.reshape(short, (-1, 1, 1)))


@dataclass(frozen=True)
class MaxLength(Control):
    """Allows nothing but EOS once a hypothesis has as many ids as the smaller of two maxima.

    Ids are counted as by `MinLength`. Unlike what reaches the search's `max_length`, a hypothesis that reaches
    this limit ends with EOS.

    Args:
        length: most ids; None sets no limit.
        of_source: most ids for each id of the source, rounded down; None sets no limit.

    Raises:
        ValueError: both are None, or one is not positive or not finite.
    """

    length: int | None = None
    of_source: float | None = None

    def __post_init__(self):
        if self.length is None and self.of_source is None:
            raise ValueError("length or of_source must be given, found None for both")
        for name in ("length", "of_source"):
            value = getattr(self, name)
            _check_number(name, value, value is None or 0 < value < math.inf, "be positive")

    def begin(self, source: Tensor) -> Tensor:
        lengths = _source_length(source)
        limit = ops.full_like(lengths, math.inf) if self.of_source is None else lengths * self.of_source
        return limit if self.length is None else ops.minimum(limit, self.length)

    def __call__(self, ranks: Tensor, said: Said, known: Tensor) -> Tensor:
        reached = ops.greater(ops.cast(said.time + 1, "float64"), known + _ROUNDING)  # (B,)
        return ops.where(ops.reshape(reached, (-1, 1, 1)), only(ranks, EOS), ranks)


def _source_length(source: Tensor) -> Tensor:
    """(B,) float64, since a product with a factor must not be rounded past a whole number: ids but EOS and PAD."""
    counted = ops.logical_and(ops.not_equal(source, PAD), ops.not_equal(source, EOS))
    return ops.sum(ops.cast(counted, "float64"), axis=1)


def _check_number(name: str, value, fits: bool, rule: str) -> None:
    if not fits:
        raise ValueError(f"{name} must be finite and {rule}, found {value}")

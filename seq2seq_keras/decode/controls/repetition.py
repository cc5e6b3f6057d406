"""Saying the same again: forbidden, or made less likely."""

import math
from dataclasses import dataclass

from keras import ops

from seq2seq_keras.context import Tensor
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.controls.lower import forbid, lower
from seq2seq_keras.decode.controls.recent import recent


@dataclass(frozen=True)
class NoRepeat(Control):
    """Forbids each id that would end a run of `size` ids which the beginning already holds. EOS is never forbidden.

    Args:
        size: ids of a run that must not come twice; 1 says nothing twice.

    Raises:
        ValueError: `size` is below 1.

    Reference: Paulus et al., 2018, section 2.5 (trigrams).
    """

    size: int

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size must be at least 1, found {self.size}")

    def __call__(self, ranks: Tensor, said: Said, known: tuple[()]) -> Tensor:
        size, length = self.size, said.ids.shape[-1]
        if size >= length:
            return ranks
        last, places = recent(said, size - 1), ops.arange(length, dtype="int32")
        # (B, K, L), growing: here ends a run whose other ids are those said last.
        again = ops.logical_and(ops.greater_equal(places, size - 1), ops.less(places, said.time))
        for back in range(1, size):
            before = ops.pad(said.ids, ((0, 0), (0, 0), (back, 0)))[..., :length]
            again = ops.logical_and(again, ops.equal(before, last[..., size - 1 - back : size - back]))
        return forbid(ranks, said.ids, again)


@dataclass(frozen=True)
class RepetitionPenalty(Control):
    """Multiplies the log probability of each id that the beginning already holds, once however often it was said.

    Args:
        factor: 1 is off; larger repeats less.

    Raises:
        ValueError: `factor` is below 1 or not finite.

    Reference: Keskar et al., 2019, section 4.1, on log probabilities, which have one sign where logits have two.
    """

    factor: float

    def __post_init__(self):
        if not 1 <= self.factor < math.inf:
            raise ValueError(f"factor must be finite and at least 1, found {self.factor}")

    def __call__(self, ranks: Tensor, said: Said, known: tuple[()]) -> Tensor:
        # Places not yet said hold PAD, which has no rank to lower.
        return lower(ranks, said.ids, ops.take_along_axis(ranks, said.ids, axis=-1) * self.factor)

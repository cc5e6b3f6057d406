"""How likely a given target is."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seq2seq_keras.context import PAD, Stepper
from seq2seq_keras.decode.generate import generate
from seq2seq_keras.decode.places import write


class Forced(NamedTuple):
    """Where a forced path stands."""

    log_probs: Any
    """(B, T) float32."""
    targets: Any
    """(B, T) int32: never changes; it is here so that it loses the rows that the batch loses."""


@dataclass(frozen=True, eq=False)
class Force:
    """A search with no choice: it says the targets, whatever their probability.

    Args:
        targets: (B, T) int32, PAD on the right.
    """

    targets: Any
    width: ClassVar[int] = 1
    n_best: ClassVar[int] = 1
    reorders: ClassVar[bool] = False
    needs_attention: ClassVar[bool] = False

    def begin(self, source, max_length: int) -> Forced:
        return Forced(ops.zeros((ops.shape(source)[0], max_length), "float32"), self.targets)

    def advance(self, logits, state: Forced, time, looked=None):
        ids = ops.take(state.targets, time, axis=1)  # (B,)
        log_probs = ops.log_softmax(ops.cast(logits, "float32"))
        said = ops.squeeze(ops.take_along_axis(log_probs, ops.expand_dims(ids, -1), axis=-1), -1)
        said = ops.where(ops.equal(ids, PAD), 0.0, said)
        return ids, None, Forced(write(state.log_probs, time, said), state.targets)

    def finished(self, state: Forced, time):
        places = ops.arange(state.targets.shape[1], dtype="int32")
        left = ops.logical_and(ops.greater_equal(places, time), ops.not_equal(state.targets, PAD))
        return ops.logical_not(ops.any(left, axis=1))

    def finish(self, state: Forced):
        return state.log_probs, ops.sum(state.log_probs, axis=-1)


def score(stepper: Stepper, source, target):
    """Log probabilities of given targets, by the loop that searches: the same numbers for the same ids.

    Args:
        stepper: has `init_state` and `step`.
        source: (B, S) int32 ids, PAD on the right.
        target: (B, T) int32 ids, T static: no BOS, EOS where the target ends, PAD on the right.

    Returns:
        token log probabilities (B, T) float32, 0 at PAD, and their sums (B,) float32.
    """
    target = ops.cast(ops.convert_to_tensor(target), "int32")
    if target.shape[1] is None:
        raise ValueError("target must have a static length; pad it to one")
    return generate(stepper, source, Force(target), max_length=target.shape[1])

"""Several models that decide together."""

import math
from collections.abc import Sequence

from keras import ops

from seq2seq_keras.context import DecodeState, Stepper


class Ensemble:
    """A stepper whose probabilities are the mean of its members': p(y) = sum over m of w_m p_m(y).

    Its logits are log probabilities. Members may be of different kinds (a `Seq2Seq`, a loaded SavedModel, an
    ensemble), but they must share the ids of source and target, which nobody can check here beyond their number.

    Args:
        steppers: the members, at least one.
        weights: one positive number a member, of whatever sum; None counts all alike.

    Raises:
        ValueError: no member; weights of another number or not positive; on the first step, members with
            vocabularies of unequal size.

    Reference: Sutskever et al., 2014 (ensembles of translation models).
    """

    def __init__(self, steppers: Sequence[Stepper], weights: Sequence[float] | None = None):
        self.steppers = tuple(steppers)
        if not self.steppers:
            raise ValueError("steppers must hold at least one member, found none")
        weights = (1.0,) * len(self.steppers) if weights is None else tuple(weights)
        if len(weights) != len(self.steppers):
            raise ValueError(f"weights must be as many as the steppers, {len(self.steppers)}, found {len(weights)}")
        if not all(0 < weight < math.inf for weight in weights):
            raise ValueError(f"weights must be positive and finite, found {weights}")
        self.weights = tuple(weight / sum(weights) for weight in weights)

    def init_state(self, source, max_length: int) -> DecodeState:
        """(B, S) int32 source ids to the state before the first step: a list with the part of each member."""
        states = [stepper.init_state(source, max_length) for stepper in self.steppers]
        return DecodeState([state.carry for state in states], [state.fixed for state in states])

    def step(self, ids, state: DecodeState):
        """(B,) int32 ids just chosen to (B, V) float32 log probabilities and the next state."""
        steps = [
            stepper.step(ids, DecodeState(carry, fixed))
            for stepper, carry, fixed in zip(self.steppers, state.carry, state.fixed, strict=True)
        ]
        sizes = [logits.shape[-1] for logits, _ in steps]
        if len(set(sizes)) > 1:
            raise ValueError(f"steppers must have one vocabulary, found vocabularies of {sizes} ids")
        weighted = [
            ops.log_softmax(ops.cast(logits, "float32")) + math.log(weight)
            for (logits, _), weight in zip(steps, self.weights, strict=True)
        ]
        return ops.logsumexp(ops.stack(weighted), axis=0), DecodeState([after.carry for _, after in steps], state.fixed)

    @property
    def shares_fixed(self) -> bool:
        """Whether the rows of one source can share what never changes in every member."""
        return all(getattr(stepper, "shares_fixed", False) for stepper in self.steppers)

    @property
    def lengthen(self):
        """How the carry gets room for more steps; None unless every member can."""
        if any(getattr(stepper, "lengthen", None) is None for stepper in self.steppers):
            return None
        return self._lengthen

    @property
    def alignment(self):
        """Where the members looked in the step that led to a state, (B, S) float32, weighted as they are; None unless
        every member can say so."""
        if any(getattr(stepper, "alignment", None) is None for stepper in self.steppers):
            return None
        return self._alignment

    def _lengthen(self, carry: list, max_length: int) -> list:
        return [stepper.lengthen(own, max_length) for stepper, own in zip(self.steppers, carry, strict=True)]

    def _alignment(self, state: DecodeState):
        looked = [
            stepper.alignment(DecodeState(carry, fixed)) * weight
            for stepper, carry, fixed, weight in zip(self.steppers, state.carry, state.fixed, self.weights, strict=True)
        ]
        return sum(looked[1:], looked[0])

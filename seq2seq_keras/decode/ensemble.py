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
        return _joined(states)

    def step(self, ids, state: DecodeState):
        """(B,) int32 ids just chosen to (B, V) float32 log probabilities and the next state."""
        steps = [stepper.step(ids, own) for stepper, own in self._each(state)]
        sizes = [logits.shape[-1] for logits, _ in steps]
        if len(set(sizes)) > 1:
            raise ValueError(f"steppers must have one vocabulary, found vocabularies of {sizes} ids")
        weighted = [
            ops.log_softmax(ops.cast(logits, "float32")) + math.log(weight)
            for (logits, _), weight in zip(steps, self.weights, strict=True)
        ]
        return ops.logsumexp(ops.stack(weighted), axis=0), _joined([after for _, after in steps])

    @property
    def shares_fixed(self) -> bool:
        """Whether the rows of one source can share what never changes in every member."""
        return all(getattr(stepper, "shares_fixed", False) for stepper in self.steppers)

    @property
    def branch(self):
        """How a state gets rows that may go on from one another's beginnings; None unless every member can."""
        return self._branch if self._all_have("branch") else None

    @property
    def lengthen(self):
        """How a state gets room for more steps; None unless every member can."""
        return self._lengthen if self._all_have("lengthen") else None

    @property
    def alignment(self):
        """Where the members looked in the step that led to a state, (B, S) float32, weighted as they are; None unless
        every member can say so."""
        return self._alignment if self._all_have("alignment") else None

    def _branch(self, state: DecodeState, rows: int) -> DecodeState:
        return _joined([stepper.branch(own, rows) for stepper, own in self._each(state)])

    def _lengthen(self, state: DecodeState, max_length: int) -> DecodeState:
        return _joined([stepper.lengthen(own, max_length) for stepper, own in self._each(state)])

    def _alignment(self, state: DecodeState):
        each = zip(self._each(state), self.weights, strict=True)
        looked = [stepper.alignment(own) * weight for (stepper, own), weight in each]
        return sum(looked[1:], looked[0])

    def _all_have(self, name: str) -> bool:
        return all(getattr(stepper, name, None) is not None for stepper in self.steppers)

    def _each(self, state: DecodeState) -> list[tuple[Stepper, DecodeState]]:
        """Every member with its part of the state."""
        grown = state.grown or [()] * len(self.steppers)
        return list(zip(self.steppers, map(DecodeState, state.carry, state.fixed, grown), strict=True))


def _joined(states: list[DecodeState]) -> DecodeState:
    """One state, with a list of what each member has."""
    carry, fixed, grown = (list(parts) for parts in zip(*states))
    return DecodeState(carry, fixed, grown if any(grown) else ())

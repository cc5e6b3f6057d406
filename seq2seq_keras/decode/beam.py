"""Beam search with a length penalty."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops

from seq2seq_keras.context import EOS, PAD
from seq2seq_keras.decode.generate import Hypotheses
from seq2seq_keras.decode.places import likeliest, write


class BeamState(NamedTuple):
    """Hypotheses still growing, and the best of those that ended, which never change again."""

    ids: Any
    """(B, K, L) int32, growing."""
    log_probs: Any
    """(B, K) float32; -inf where a place of the beam is empty."""
    length: Any
    """(B,) int32: ids in every growing hypothesis."""
    ended: Hypotheses
    """The best `n_best` that ended."""


@dataclass(frozen=True)
class Beam:
    """Keeps the `width` most likely beginnings; ranks what ended by log p(y) / penalty(|y|).

    penalty(n) = ((5 + n) / 6)^length_penalty, n with EOS. A beginning that takes EOS gives up its place in
    the beam for that step, so `width=1` is greedy search and a wide enough beam is exhaustive search. The
    search of a row goes on until nothing that still grows can overtake what is kept, whatever it may say.
    Only a row in which nothing ended within the length returns hypotheses that were cut.

    Args:
        width: beginnings kept, K.
        length_penalty: 0 ranks by log probability; larger prefers longer hypotheses.
        n_best: hypotheses returned, at most `width`.

    Reference: Sutskever et al., 2014; Wu et al., 2016, equation 14 (penalty).
    """

    width: int = 5
    length_penalty: float = 0.6
    n_best: int = 1

    def __post_init__(self):
        if self.width < 1:
            raise ValueError(f"width must be at least 1, found {self.width}")
        if not 1 <= self.n_best <= self.width:
            raise ValueError(f"n_best must be from 1 to the width {self.width}, found {self.n_best}")
        if not self.length_penalty >= 0:
            raise ValueError(f"length_penalty must not be negative, found {self.length_penalty}")

    def begin(self, batch, max_length: int) -> BeamState:
        # One beginning, the empty one: were there K equal ones, the beam would hold everything K times.
        first = ops.where(ops.equal(ops.arange(self.width), 0), 0.0, float("-inf"))
        return BeamState(
            ids=ops.full((batch, self.width, max_length), PAD, dtype="int32"),
            log_probs=ops.zeros((batch, 1), "float32") + first,
            length=ops.zeros((batch,), "int32"),
            ended=Hypotheses(
                ids=ops.full((batch, self.n_best, max_length), PAD, dtype="int32"),
                lengths=ops.zeros((batch, self.n_best), "int32"),
                scores=ops.full((batch, self.n_best), float("-inf"), dtype="float32"),
                log_probs=ops.full((batch, self.n_best), float("-inf"), dtype="float32"),
            ),
        )

    def advance(self, logits, state: BeamState, time):
        width, kept = self.width, min(self.width, logits.shape[-1])
        # The best of the beam are among the best of each beginning: few numbers are left after one look at all.
        log_probs, ids = likeliest(logits, kept)  # (B*K, N)
        log_probs = ops.reshape(log_probs, (-1, width, kept)) + ops.expand_dims(state.log_probs, -1)
        log_probs, flat = ops.top_k(ops.reshape(log_probs, (-1, width * kept)), width)  # (B, K)
        flat = ops.cast(flat, "int32")
        rows = _rows(ops.floor_divide(flat, kept), width)
        ids = ops.take_along_axis(ops.reshape(ids, (-1, width * kept)), flat, axis=1)

        sequences = ops.take(ops.reshape(state.ids, (-1, state.ids.shape[-1])), rows, axis=0)
        sequences = write(ops.reshape(sequences, (-1, width, state.ids.shape[-1])), time, ids)
        over = ops.equal(ids, EOS)
        length = state.length + 1
        ended = self._keep(state.ended, sequences, length, ops.where(over, log_probs, float("-inf")))
        growing = ops.where(over, float("-inf"), log_probs)
        return ops.reshape(ids, (-1,)), rows, BeamState(sequences, growing, length, ended)

    def done(self, state: BeamState, time):
        # log p only falls and the penalty only grows: the most a beginning can reach is what it has now,
        # divided by the penalty of the full length.
        reachable = state.log_probs / self._penalty(state.ids.shape[-1])  # (B, K)
        return ops.all(ops.less_equal(reachable, state.ended.scores[:, -1:]))

    def finish(self, state: BeamState) -> Hypotheses:
        nothing = ops.equal(state.ended.lengths[:, :1], 0)  # (B, 1)
        cut = ops.where(nothing, state.log_probs, float("-inf"))
        return self._keep(state.ended, state.ids, state.length, cut)

    def _keep(self, kept: Hypotheses, ids, length, log_probs) -> Hypotheses:
        """The best of `kept` and of new ones (B, K), all of `length` (B,); log p of -inf is no hypothesis."""
        scores = log_probs / self._penalty(ops.expand_dims(length, -1))
        real = ops.greater(log_probs, float("-inf"))
        lengths = ops.where(real, ops.expand_dims(length, -1), 0)
        ids = ops.where(ops.expand_dims(real, -1), ids, PAD)
        # Kept ones come first: a tie does not replace what is there.
        every = Hypotheses(
            *(
                ops.concatenate([old, new], axis=1)
                for old, new in zip(kept, (ids, lengths, scores, log_probs), strict=True)
            )
        )
        count = self.n_best + self.width
        scores, best = ops.top_k(every.scores, self.n_best)
        rows = _rows(ops.cast(best, "int32"), count)

        def chosen(leaf):
            tail = tuple(leaf.shape[2:])
            return ops.reshape(ops.take(ops.reshape(leaf, (-1, *tail)), rows, axis=0), (-1, self.n_best, *tail))

        return Hypotheses(chosen(every.ids), chosen(every.lengths), scores, chosen(every.log_probs))

    def _penalty(self, length):
        return ops.power((5.0 + ops.cast(length, "float32")) / 6.0, self.length_penalty)


def _rows(places, width: int):
    """Places (B, N) within rows of `width` to flat rows (B * N,) of a (B * width, ...) tensor."""
    batch = ops.arange(ops.shape(places)[0], dtype="int32")
    return ops.reshape(places + ops.expand_dims(batch, -1) * width, (-1,))

"""Beam search with a length penalty, and a coverage penalty where asked."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from keras import ops

from seq2seq_keras.context import PAD, Nest
from seq2seq_keras.decode import growth
from seq2seq_keras.decode.candidates import begin, candidates
from seq2seq_keras.decode.controls.conflicts import check
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.hypotheses import Hypotheses
from seq2seq_keras.decode.places import top_k

_UNSEEN = 1e-4
"""The least that counts as attention, so that a source position nobody looked at costs much and not everything."""


class BeamState(NamedTuple):
    """Hypotheses still growing, and the best of those that ended, which never change again."""

    growing: Hypotheses
    """(B, K), all of one length."""
    ended: Hypotheses
    """(B, n_best), best first."""
    count: Any
    """(B,) int32: hypotheses that ended so far."""
    looked: Any
    """(B, K, S) float32: attention that each source position got so far; `()` without coverage penalty."""
    real: Any
    """(B, S) bool: source positions that want attention; `()` without coverage penalty."""
    known: Nest
    """What the controls know of the sources, leaves (B, ...)."""


@dataclass(frozen=True)
class Beam:
    """Keeps the `width` most likely beginnings; ranks what ended by log p(y) / lp(|y|) + cp(x, y).

    lp(n) = ((5 + n) / 6)^length_penalty, n with EOS; cp = coverage_penalty * sum over source positions j of
    log min(sum over steps of attention to j, 1). A beginning that takes EOS gives up its place in
    the beam for that step, so `width=1` is greedy search and a wide enough beam is exhaustive search. Only a row
    in which nothing ended within the length returns hypotheses that were cut.

    Args:
        width: beginnings kept, K.
        length_penalty: 0 ranks by log probability; larger prefers longer hypotheses.
        n_best: hypotheses returned, at most `width`.
        coverage_penalty: 0 is off; larger prefers hypotheses that looked at all of the source. Needs attention.
        stop: `sure` goes on until nothing that still grows can overtake what is kept, whatever it may say; `full`
            stops when `width` hypotheses have ended, as most toolkits do: sooner, and sometimes too soon.
        controls: rules about what may be said.

    Reference: Sutskever et al., 2014; Wu et al., 2016, equation 14 (penalties).
    """

    width: int = 5
    length_penalty: float = 0.6
    n_best: int = 1
    coverage_penalty: float = 0.0
    stop: Literal["sure", "full"] = "sure"
    controls: tuple[Control, ...] = ()
    reorders: ClassVar[bool] = True

    def __post_init__(self):
        check(self.controls)
        growth.check_sizes("width", self.width, self.n_best)
        for name in ("length_penalty", "coverage_penalty"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, found {getattr(self, name)}")
        if self.stop not in ("sure", "full"):
            raise ValueError(f"stop must be sure or full, found {self.stop!r}")

    @property
    def needs_attention(self) -> bool:
        return self.coverage_penalty > 0

    def begin(self, source, max_length: int) -> BeamState:
        batch, places = ops.shape(source)
        # One beginning, the empty one: were there K equal ones, the beam would hold everything K times.
        first = ops.where(ops.equal(ops.arange(self.width), 0), 0.0, float("-inf"))
        looked, real = (), ()
        if self.needs_attention:
            looked, real = ops.zeros((batch, self.width, places), "float32"), ops.not_equal(source, PAD)
        return BeamState(
            growing=growth.empty(ops.zeros((batch, 1), "float32") + first, max_length),
            ended=growth.none(batch, self.n_best, max_length),
            count=ops.zeros((batch,), "int32"),
            looked=looked,
            real=real,
            known=begin(self.controls, source),
        )

    def advance(self, logits, state: BeamState, time, looked=None):
        width, kept = self.width, min(self.width, logits.shape[-1])
        # The best of the beam are among the best of each beginning: few numbers are left after one look at all.
        found = candidates(logits, kept, self.controls, Said(state.growing.ids, time), state.known)  # (B*K, N)
        scores = ops.reshape(found.ranks, (-1, width, kept)) + ops.expand_dims(state.growing.scores, -1)
        scores, places = top_k(ops.reshape(scores, (-1, width * kept)), width)  # (B, K)
        best = growth.picked(places, width * kept)
        rows = ops.floor_divide(best, kept)
        ids, log_probs = (
            ops.reshape(ops.take(ops.reshape(leaf, (-1,)), best), (-1, width)) for leaf in (found.ids, found.log_probs)
        )
        growing, ending = growth.grow(state.growing, rows, time, ids, scores, log_probs)
        if self.needs_attention:
            looked = growth.chosen(state.looked + ops.reshape(looked, ops.shape(state.looked)), rows)
        after = state._replace(
            growing=growing,
            count=state.count + ops.sum(ops.cast(ops.greater(ending.scores, float("-inf")), "int32"), axis=1),
            looked=looked if self.needs_attention else (),
        )
        after = after._replace(ended=growth.best(state.ended, self._ranked(ending, after)))
        return ops.reshape(ids, (-1,)), rows, after

    def finished(self, state: BeamState, time):
        # Coverage costs at least nothing.
        sure = growth.settled(state.growing, state.ended, self.length_penalty)
        return ops.logical_or(sure, ops.greater_equal(state.count, self.width)) if self.stop == "full" else sure

    def finish(self, state: BeamState) -> Hypotheses:
        cut = growth.where_none_ended(state.growing, state.ended)
        return growth.best(state.ended, self._ranked(cut, state))

    def _ranked(self, ending: Hypotheses, state: BeamState) -> Hypotheses:
        ending = growth.ranked(ending, self.length_penalty)
        if not self.needs_attention:
            return ending
        missing = ops.log(ops.clip(state.looked, _UNSEEN, 1.0))
        missing = ops.sum(ops.where(ops.expand_dims(state.real, 1), missing, 0.0), axis=-1)  # (B, K), 0 or less
        return ending._replace(scores=ending.scores + self.coverage_penalty * missing)

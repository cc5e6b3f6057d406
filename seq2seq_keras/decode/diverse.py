"""Beam search in groups that avoid saying the same."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops, tree

from seq2seq_keras.context import EOS, PAD, Nest
from seq2seq_keras.decode import growth
from seq2seq_keras.decode.candidates import begin, candidates
from seq2seq_keras.decode.controls.conflicts import check
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.hypotheses import Hypotheses


class DiverseState(NamedTuple):
    """Beams side by side, G groups of K/G beginnings each."""

    growing: Hypotheses
    """(B, K); their scores know nothing of diversity."""
    paid: Any
    """(B, K) float32: what each beginning paid so far for ids that earlier groups said at the same time."""
    ended: Hypotheses
    """(B, G*M): the best M of each group, those first that score best less what they paid."""
    cost: Any
    """(B, G*M) float32: what each of them paid, divided by the penalty as its score is."""
    known: Nest
    """What the controls know of the sources, leaves (B, ...)."""


@dataclass(frozen=True)
class DiverseBeam:
    """Beams in groups, one after the other within a step: an id costs `diversity` for every time it was just said.

    "Just said" means by a beginning of an earlier group at this step (Hamming diversity). What was paid counts from
    then on where hypotheses of a group compete; EOS costs nothing, since a text ends where it is complete. The scores
    returned are those of `Beam`, without what was paid. `groups=1` and `diversity=0` are `Beam`, of all or of each
    group.

    The groups take turns in what is returned: the best hypothesis of every group, then the second best ones, and so
    on; sorted by score in the end. So `n_best=groups` is one from each. Two groups may find the same hypothesis.

    Args:
        width: beginnings kept, K, in all groups together.
        groups: a divisor of the width.
        diversity: 0 is off; 0.2 to 0.8 suits most tasks, says the paper.
        length_penalty: 0 ranks by log probability; larger prefers longer hypotheses.
        n_best: hypotheses returned, at most `width`.
        controls: rules about what may be said.

    Reference: Vijayakumar et al., 2018, algorithm 1.
    """

    width: int = 6
    groups: int = 3
    diversity: float = 0.5
    length_penalty: float = 0.6
    n_best: int = 1
    controls: tuple[Control, ...] = ()
    reorders: ClassVar[bool] = True
    needs_attention: ClassVar[bool] = False

    def __post_init__(self):
        check(self.controls)
        growth.check_sizes("width", self.width, self.n_best)
        if self.groups < 1 or self.width % self.groups:
            raise ValueError(f"groups must divide the width {self.width}, found {self.groups}")
        for name in ("diversity", "length_penalty"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be finite and not negative, found {getattr(self, name)}")

    @property
    def _size(self) -> int:
        """Beginnings of a group."""
        return self.width // self.groups

    @property
    def _kept(self) -> int:
        """Hypotheses kept of a group."""
        return -(-self.n_best // self.groups)

    def begin(self, source, max_length: int) -> DiverseState:
        batch = ops.shape(source)[0]
        # One empty beginning a group; equal ones would hold everything many times.
        first = ops.where(ops.equal(ops.arange(self.width) % self._size, 0), 0.0, float("-inf"))
        return DiverseState(
            growing=growth.empty(ops.zeros((batch, 1), "float32") + first, max_length),
            paid=ops.zeros((batch, self.width), "float32"),
            ended=growth.none(batch, self.groups * self._kept, max_length),
            cost=ops.zeros((batch, self.groups * self._kept), "float32"),
            known=begin(self.controls, source),
        )

    def advance(self, logits, state: DiverseState, time, looked=None):
        # A group of k looks at its best k and as many more as earlier groups can have made costly: at most K in all.
        count = min(self.width, logits.shape[-1])
        found = candidates(logits, count, self.controls, Said(state.growing.ids, time), state.known)
        ids, log_probs, ranks = (
            ops.reshape(leaf, (-1, self.width, count)) for leaf in (found.ids, found.log_probs, found.ranks)
        )
        scores = ranks + ops.expand_dims(state.growing.scores, -1)
        paid = ops.zeros_like(scores) + ops.expand_dims(state.paid, -1)
        choices, earlier = [], []
        for start in range(0, self.width, self._size):
            group = [leaf[:, start : start + self._size] for leaf in (ids, log_probs, scores, paid)]
            if earlier:
                group[-1] = group[-1] + self.diversity * _times_said(group[0], ops.concatenate(earlier, axis=1))
            parents, said = _choose(*group)
            choices.append((parents + start, *said))
            earlier.append(_said_anew(said[0], said[2]))
        parents, ids, log_probs, scores, paid = (ops.concatenate(leaves, axis=1) for leaves in zip(*choices))
        rows = growth.picked(parents, self.width)
        growing, ending = growth.grow(state.growing, rows, time, ids, scores, log_probs)
        state = state._replace(growing=growing, paid=paid)
        return ops.reshape(ids, (-1,)), rows, self._kept_of(ending, state)

    def finished(self, state: DiverseState, time):
        growing = state.growing._replace(scores=state.growing.scores - state.paid)
        ended = state.ended._replace(scores=state.ended.scores - state.cost)
        growing, ended = growth.regrouped(growing, self._size), growth.regrouped(ended, self._kept)
        settled = growth.settled(growing, ended, self.length_penalty)
        return ops.all(ops.reshape(settled, (-1, self.groups)), axis=1)

    def finish(self, state: DiverseState) -> Hypotheses:
        state = self._kept_of(growth.where_none_ended(state.growing, state.ended), state)
        return _in_turns(state.ended, self._kept, self.n_best)

    def _kept_of(self, ending: Hypotheses, state: DiverseState) -> DiverseState:
        """The best of each group among what is kept and (B, K) hypotheses that ended."""
        cost = state.paid / growth.penalty(ending.lengths, self.length_penalty)
        old = growth.regrouped((state.ended, state.cost), self._kept)
        new = growth.regrouped((growth.emptied(growth.ranked(ending, self.length_penalty)), cost), self._size)
        best, _ = growth.best_by(old, new, *(ended.scores - cost for ended, cost in (old, new)))
        ended, cost = growth.regrouped(best, self.groups * self._kept)
        return state._replace(ended=ended, cost=cost)


def _times_said(ids, earlier):
    """(B, k, C) ids to how often each is among the (B, E) ids said by earlier groups, float32."""
    same = ops.equal(ops.expand_dims(ids, -1), earlier[:, None, None, :])
    return ops.sum(ops.cast(same, "float32"), axis=-1)


def _said_anew(ids, scores):
    """(B, k) ids without those that cost nothing: EOS, and what stands in an empty place."""
    counts = ops.logical_and(ops.not_equal(ids, EOS), ops.greater(scores, float("-inf")))
    return ops.where(counts, ids, PAD)


def _choose(ids, log_probs, scores, paid):
    """The k best by `scores - paid` of (B, k, C) candidates: beginnings they continue, and these four, (B, k)."""
    _, size, count = ids.shape
    _, places = ops.top_k(ops.reshape(scores - paid, (-1, size * count)), size)
    places = ops.cast(places, "int32")
    rows = growth.picked(places, size * count)
    said = [
        ops.reshape(ops.take(ops.reshape(leaf, (-1,)), rows), (-1, size)) for leaf in (ids, log_probs, scores, paid)
    ]
    return ops.floor_divide(places, count), said


def _in_turns(ended: Hypotheses, kept: int, count: int) -> Hypotheses:
    """`count` of (B, G*kept) hypotheses, the best of every group before any second best, sorted by score."""
    total = ended.scores.shape[1]
    scores, order = ops.top_k(ended.scores, total)
    order = ops.cast(order, "int32")
    turn = ops.where(ops.equal(scores, float("-inf")), kept, order % kept)
    late = ops.cast(turn * total + ops.arange(total, dtype="int32"), "float32")
    _, first = ops.top_k(-late, count)
    # Places in the order of scores, so that what is left is in that order again.
    rows = growth.picked(ops.take_along_axis(order, ops.sort(ops.cast(first, "int32"), axis=1), axis=1), total)
    return tree.map_structure(lambda leaf: growth.chosen(leaf, rows, count), ended)

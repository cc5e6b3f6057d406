"""Beam search whose hypotheses hold what they must."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seq2seq_keras.context import BOS, EOS, PAD, Nest
from seq2seq_keras.decode import growth
from seq2seq_keras.decode.candidates import begin, controlled, log_softmax
from seq2seq_keras.decode.controls.conflicts import check
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.hypotheses import Hypotheses
from seq2seq_keras.decode.phrases import Progress, after, chosen, distinct, missing, nothing_said, padded


class LexicalState(NamedTuple):
    """Banks side by side: bank m holds beginnings that miss m ids of the phrases. K = (banks) * bank."""

    growing: Hypotheses
    """(B, K), bank 0 first."""
    progress: Progress
    """Of each beginning with each phrase."""
    ended: Hypotheses
    """(B, n_best), best first; all of them hold every phrase."""
    phrases: Any
    """(B, W, P) int32."""
    asked: Any
    """(B, W*P) int32: the ids in the phrases, once each."""
    known: Nest
    """What the controls know of the sources, leaves (B, ...)."""


@dataclass(frozen=True)
class LexicalBeam:
    """Beam search in which every hypothesis that ends holds every phrase, its ids beside each other.

    Beginnings compete only with those that miss as many ids of the phrases, so that one that has said an unlikely
    phrase is not lost to those that have it before them. What the next id of a phrase is, is always considered,
    however unlikely. Phrases may come in any order and may share ids ("a b" and "b c" are held by "a b c"), one that
    was begun may be given up, and one named twice is as one named once. EOS may be said only where nothing is missing.
    Only a row in which nothing ended within the length returns hypotheses that were cut: those that miss least.
    Controls come before phrases: what they forbid is not said.

    The model runs `bank * (ids in all phrases + 1)` rows for each source.

    Args:
        phrases: ids of each phrase, without PAD, BOS and EOS; none at all makes `Beam`. Or a (B, W, P) int32 tensor,
            W and P static, PAD on the right and for phrases that a source has not: phrases of each source. It is
            not checked: a phrase with an id that may not be said is never held. Such a search cannot be hashed.
        bank: beginnings kept of those that miss as many ids.
        length_penalty: 0 ranks by log probability; larger prefers longer hypotheses.
        n_best: hypotheses returned, at most `bank`.
        controls: rules about what may be said.

    Reference: Hokamp and Liu, 2017 (banks); Post and Vilar, 2018 (phrases given up).
    """

    phrases: Any
    bank: int = 5
    length_penalty: float = 0.6
    n_best: int = 1
    controls: tuple[Control, ...] = ()
    reorders: ClassVar[bool] = True
    needs_attention: ClassVar[bool] = False

    def __post_init__(self):
        check(self.controls)
        growth.check_sizes("bank", self.bank, self.n_best)
        if not self.length_penalty >= 0:
            raise ValueError(f"length_penalty must not be negative, found {self.length_penalty}")
        if isinstance(self.phrases, tuple):
            for phrase in self.phrases:
                if not isinstance(phrase, tuple) or not phrase or min(phrase) < 0 or {PAD, BOS, EOS} & {*phrase}:
                    raise ValueError(f"phrases must be tuples of ids without PAD, BOS and EOS, found {phrase!r}")
        elif len(getattr(self.phrases, "shape", ())) != 3 or None in self.phrases.shape[1:]:
            raise ValueError(f"phrases must be a tuple or a tensor (B, W, P), W and P static, found {self.phrases!r}")

    @property
    def _once(self) -> tuple[tuple[int, ...], ...]:
        """Phrases of all sources, each of them once."""
        return tuple(dict.fromkeys(self.phrases))

    @property
    def _banks(self) -> int:
        if isinstance(self.phrases, tuple):
            return 1 + sum(len(phrase) for phrase in self._once)
        return 1 + self.phrases.shape[1] * self.phrases.shape[2]

    @property
    def width(self) -> int:
        return self.bank * self._banks

    def begin(self, source, max_length: int) -> LexicalState:
        batch = ops.shape(source)[0]
        asked = self._of_each(batch, max_length)
        progress = nothing_said(asked, self.width)
        # One beginning, the empty one, in the bank of those that miss everything.
        place = self.bank * missing(progress, asked)[:, :1]
        first = ops.where(ops.equal(ops.arange(self.width, dtype="int32"), place), 0.0, float("-inf"))
        return LexicalState(
            growing=growth.empty(first, max_length),
            progress=progress,
            ended=growth.none(batch, self.n_best, max_length),
            phrases=asked,
            asked=distinct(asked),
            known=begin(self.controls, source),
        )

    def _of_each(self, batch, max_length: int):
        """(B, W, P) phrases of each source."""
        if not isinstance(self.phrases, tuple):
            return ops.cast(ops.convert_to_tensor(self.phrases), "int32")
        # Phrases may share ids, so this is no promise that a longer text has room for them.
        least = 1 + max([len({i for phrase in self.phrases for i in phrase}), *map(len, self.phrases)])
        if self.phrases and max_length < least:
            raise ValueError(f"phrases need a max_length of at least {least}, found {max_length}")
        return padded(self._once, batch)

    def advance(self, logits, state: LexicalState, time, looked=None):
        ids, ranks, log_probs, misses = self._candidates(logits, state, time)  # (B, K, C)
        count = ids.shape[1] * ids.shape[2]
        scores = ops.reshape(ranks + ops.expand_dims(state.growing.scores, -1), (-1, 1, count))
        banks = ops.expand_dims(ops.arange(self._banks, dtype="int32"), -1)
        belongs = ops.equal(ops.reshape(misses, (-1, 1, count)), banks)
        scores, places = ops.top_k(ops.where(belongs, scores, float("-inf")), self.bank)  # (B, banks, bank)
        scores, places = (ops.reshape(leaf, (-1, self.width)) for leaf in (scores, places))
        best = growth.picked(ops.cast(places, "int32"), count)
        rows = ops.floor_divide(best, ids.shape[2])
        ids, log_probs = (
            ops.reshape(ops.take(ops.reshape(leaf, (-1,)), best), (-1, self.width)) for leaf in (ids, log_probs)
        )
        growing, ending = growth.grow(state.growing, rows, time, ids, scores, log_probs)
        progress = after(chosen(state.progress, rows), state.phrases, ops.expand_dims(ids, -1))
        state = state._replace(
            growing=growing,
            progress=Progress(*(ops.squeeze(leaf, 2) for leaf in progress)),
            ended=growth.best(state.ended, growth.ranked(ending, self.length_penalty)),
        )
        return ops.reshape(ids, (-1,)), rows, state

    def _candidates(self, logits, state: LexicalState, time):
        """What may be said, each id once: ids, ranks, log p by the model, and ids that are missing then, (B, K, C)."""
        size, asked = logits.shape[-1], state.asked.shape[-1]
        if isinstance(self.phrases, tuple) and any(max(phrase) >= size for phrase in self.phrases):
            raise ValueError(f"phrases must be ids below {size}, the size of the vocabulary, found {self.phrases}")
        model = log_softmax(logits)
        ranks = controlled(model, self.controls, Said(state.growing.ids, time), state.known)
        # PAD stands for what is in no vocabulary and for what comes twice: it is in no phrase and never said.
        inside = ops.logical_and(state.asked >= 0, state.asked < size)
        wanted = ops.expand_dims(ops.where(inside, state.asked, PAD), 1)  # (B, 1, A)
        # The best `bank` ids that are in no phrase are among these, whatever else is.
        _, free = ops.top_k(ranks, min(self.bank + asked, size))
        free = ops.reshape(ops.cast(free, "int32"), (-1, self.width, free.shape[-1]))
        free = ops.where(_among(free, wanted), PAD, free)
        follow = after(state.progress, state.phrases, ops.pad(wanted, [(0, 0), (0, 0), (0, 1)]))
        misses = missing(follow, state.phrases)  # (B, K, A + 1), the last with an id that is in no phrase
        misses = ops.concatenate([misses[..., :-1], ops.zeros_like(free) + misses[..., -1:]], axis=-1)
        ids = ops.concatenate([ops.zeros_like(free[..., :1]) + wanted, free], axis=-1)
        rows = growth.picked(ops.reshape(ids, (-1, ids.shape[-1])), size)
        ranks, log_probs = (
            ops.reshape(ops.take(ops.reshape(leaf, (-1,)), rows), ops.shape(ids)) for leaf in (ranks, model)
        )
        early = ops.logical_and(ops.equal(ids, EOS), ops.greater_equal(ops.arange(self.width)[:, None], self.bank))
        return ids, ops.where(early, float("-inf"), ranks), log_probs, misses

    def finished(self, state: LexicalState, time):
        return growth.settled(state.growing, state.ended, self.length_penalty)

    def finish(self, state: LexicalState) -> Hypotheses:
        cut = growth.ranked(growth.where_none_ended(state.growing, state.ended), self.length_penalty)
        bank = ops.arange(self.width, dtype="int32") // self.bank
        places = ops.where(ops.greater(cut.scores, float("-inf")), bank, self._banks)
        fullest = ops.min(places, axis=1, keepdims=True, initial=self._banks)
        cut = cut._replace(scores=ops.where(ops.equal(bank, fullest), cut.scores, float("-inf")))
        return growth.best(state.ended, cut)


def _among(ids, others):
    """(B, K, N) bool: whether (B, K, N) ids are among (B, 1, A) others."""
    return ops.any(ops.equal(ops.expand_dims(ids, -1), ops.expand_dims(others, 2)), axis=-1)

"""Sampling, and the best of several samples."""

import math
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seq2seq_keras.context import Tensor
from seq2seq_keras.decode import path
from seq2seq_keras.decode.candidates import begin, controlled, log_softmax
from seq2seq_keras.decode.controls.conflicts import check
from seq2seq_keras.decode.controls.control import Control
from seq2seq_keras.decode.hypotheses import Hypotheses
from seq2seq_keras.decode.randomness import joined, key_of, uniform
from seq2seq_keras.decode.truncation import drawn, most_likely, weights


class Samples(NamedTuple):
    """Samples that grow."""

    paths: path.Path
    """`count` a source."""
    keys: Any
    """(B, K) int32: what the random numbers of each sample are made of."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Draws each id by its probability. The score of a sample is its log probability by the model.

    Controls come first, then temperature, then `top_k`, then `top_p` of the mass that is left, then `min_p`.
    What is drawn depends on the seed, the ids of the source, the number of the sample and the step, not on the
    batch: equal sources get equal samples, and a source gets the same ones alone, padded, or beside others (as far as
    the model's numbers for it are the same; a difference in rounding seldom changes an id).

    `temperature`, `top_k`, `top_p`, `min_p` and `seed` may be scalar tensors, so that a graph takes them as inputs.
    Nothing is refused then: a temperature of 0 or less is nearly greedy, `top_k` of 0 or less, `top_p` of 1 or more and
    `min_p` of 0 or less leave out nothing, and the most likely id always stays. Such searches are equal where they
    hold the same tensors.

    Args:
        temperature: probabilities to the power 1/temperature: below 1 keeps to what is likely, above 1 strays.
        top_k: only so many of the most likely ids.
        top_p: only the fewest of the most likely ids that together have so much of the probability. Without `top_k`
            all of the vocabulary is sorted for it, which takes time.
        min_p: only ids with at least this share of the probability of the most likely one.
        count: samples a source; rows of the model.
        n_best: hypotheses returned, the most likely of the samples, those that ended before those that were cut:
            `count=8, n_best=1` is the best of eight. Equal samples are not made one.
        seed: another seed draws other samples; from 0 to 2^32 - 1.
        controls: rules about what may be said.

    Reference: Fan et al., 2018 (top-k); Holtzman et al., 2020 (top-p); Nguyen et al., 2024 (min-p).
    """

    temperature: float | Tensor = 1.0
    top_k: int | Tensor | None = None
    top_p: float | Tensor | None = None
    min_p: float | Tensor | None = None
    count: int = 1
    n_best: int = 1
    seed: int | Tensor = 0
    controls: tuple[Control, ...] = ()
    reorders: ClassVar[bool] = False
    needs_attention: ClassVar[bool] = False

    def __post_init__(self):
        check(self.controls)
        self._check("temperature", lambda t: 0 < t < math.inf, "more than 0; for the most likely text use Greedy()")
        self._check("top_k", lambda k: isinstance(k, Integral) and k >= 1, "a whole number of at least 1, or None")
        self._check("top_p", lambda p: 0 < p <= 1, "more than 0 and at most 1; for the most likely text use Greedy()")
        self._check("min_p", lambda p: 0 <= p <= 1, "from 0 to 1")
        self._check("seed", lambda s: isinstance(s, Integral) and 0 <= s < 2**32, "a whole number from 0 to 2^32 - 1")
        if self.count < 1:
            raise ValueError(f"count must be at least 1, found {self.count}")
        if not 1 <= self.n_best <= self.count:
            raise ValueError(f"n_best must be from 1 to the count {self.count}, found {self.n_best}")

    def _check(self, name: str, fits, expected: str) -> None:
        value = getattr(self, name)
        if ops.is_tensor(value):
            if len(value.shape):
                raise ValueError(f"{name} must be a scalar, found a tensor of shape {tuple(value.shape)}")
        elif value is None and name in ("temperature", "seed") or value is not None and not fits(value):
            raise ValueError(f"{name} must be {expected}; found {value}")

    def _key(self) -> tuple:
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(("tensor", id(value)) if ops.is_tensor(value) else value for value in values)

    def __eq__(self, other):
        return self._key() == other._key() if type(self) is type(other) else NotImplemented

    def __hash__(self):
        return hash(self._key())

    @property
    def width(self) -> int:
        return self.count

    def begin(self, source, max_length: int) -> Samples:
        of_source = ops.expand_dims(joined(key_of(source), self.seed), -1)
        return Samples(
            paths=path.begin(ops.shape(source)[0], self.count, max_length, begin(self.controls, source)),
            keys=joined(of_source, ops.arange(self.count, dtype="int32")),
        )

    def advance(self, logits, state: Samples, time, looked=None):
        log_probs = log_softmax(logits)
        ranks = controlled(log_probs, self.controls, path.said(state.paths, time), state.paths.known)
        ids = drawn(self._truncated(ranks), ops.reshape(uniform(joined(state.keys, time)), (-1,)))

        def of_drawn(leaf):
            return ops.take_along_axis(leaf, ops.expand_dims(ids, -1), axis=-1)

        said, paths = path.follow(state.paths, time, ids, of_drawn(ranks), of_drawn(log_probs))
        return said, None, Samples(paths, state.keys)

    def _truncated(self, ranks):
        """(B*K, V) weights, 0 for what is left out."""
        found = weights(ranks, self.temperature)
        stays = ops.greater(found, 0.0)
        if self.top_k is not None or self.top_p is not None:
            stays = ops.logical_and(stays, most_likely(ranks, found, self.top_k, self.top_p))
        if self.min_p is not None:
            # The best one stays, whatever a tensor holds.
            likely = ops.logical_or(ops.greater_equal(found, self.min_p), ops.equal(found, 1.0))
            stays = ops.logical_and(stays, likely)
        return ops.where(stays, found, 0.0)

    def finished(self, state: Samples, time):
        return ops.all(state.paths.ended, axis=1)

    def finish(self, state: Samples) -> Hypotheses:
        every = path.hypotheses(state.paths, ops.sum(state.paths.token_log_probs, axis=-1))
        whole = ops.logical_and(state.paths.ended, ops.greater(every.lengths, 0))
        # Of equals the first comes first, so the second order keeps the first one among those of a kind.
        _, order = ops.top_k(every.scores, self.count)
        _, first = ops.top_k(ops.cast(ops.take_along_axis(whole, order, axis=1), "float32"), self.n_best)
        order = ops.take_along_axis(ops.cast(order, "int32"), ops.cast(first, "int32"), axis=1)

        def chosen(leaf):
            return ops.take_along_axis(leaf, ops.expand_dims(order, -1) if len(leaf.shape) == 3 else order, axis=1)

        return Hypotheses(*(chosen(leaf) for leaf in every))

"""Rows that may go on from one another's beginnings, without a copy of what was said.

The keys and values of all K rows of a source lie side by side, (B, M, L*K, d), those of a step next to each other, and
are only ever added to. What a search reorders is small: which row said each place of a row's beginning.

A cache is a list of parts along L*K. Where shapes are open there are two: what was said up to the last call of
`lengthen`, which no step touches, and what was said since, which each makes longer. Where shapes must not change there
is one, with all the room.
"""

from typing import Any, NamedTuple

from keras import ops

from seq2seq_keras.context import Tensor
from seq2seq_keras.decoders.transformer_state import TransformerCarry


class BranchedCarry(NamedTuple):
    """What search reorders, for N = B*K rows."""

    position: Any
    """(N,) int32: how many steps were taken, by all alike."""
    family: Any
    """(N, L, K) bool: which row of its source said each place of a row's beginning; `()` where K is 1."""
    weights: Any
    """(N, S) float32: where the last layer's heads looked in the last step, on average; `()` without a memory."""


class Growth:
    """How one step adds to the caches, and what its rows see of them.

    Args:
        carry: the one before the step.
        cache: any, as it was before the step.
    """

    def __init__(self, carry: BranchedCarry, cache: list[Tensor]):
        self._open = len(cache) > 1
        self.rows = rows_of(carry)
        """K."""
        keys = sum(ops.shape(part)[2] for part in cache)
        room = keys // self.rows + int(self._open)
        now, places = carry.position[:1], ops.arange(room, dtype="int32")
        self._here = ops.equal(places, now)  # (L,)
        self.where = ops.repeat(now, self.rows)
        """(K,) int32: where the rows stand."""
        self.places = ops.repeat(places, self.rows)
        """(L*K,) int32: where the keys stand."""
        self.family = self._with_this_step(carry.family) if self.rows > 1 else ()
        """The family after the step."""
        self.seen = None
        """(B, 1, K, L*K) or (1, 1, 1, L) bool, which keys each row sees; None is all of them."""
        if self.rows > 1:
            self.seen = ops.expand_dims(ops.reshape(self.family, (-1, self.rows, room * self.rows)), 1)
        elif not self._open:
            self.seen = ops.reshape(ops.less_equal(places, now), (1, 1, 1, -1))

    def write(self, cache: list[Tensor], new: Tensor) -> list[Tensor]:
        """The cache with the keys or values of this step, (B, M, K, d)."""
        if self._open:
            return [*cache[:-1], ops.concatenate([cache[-1], new], axis=2)]
        _, heads, room, width = cache[0].shape
        by_step = ops.reshape(cache[0], (-1, heads, room // self.rows, self.rows, width))
        by_step = ops.where(ops.reshape(self._here, (-1, 1, 1)), ops.expand_dims(new, 2), by_step)
        return [ops.reshape(by_step, (-1, heads, room, width))]

    def _with_this_step(self, family: Tensor) -> Tensor:
        own = ops.expand_dims(ops.tile(ops.eye(self.rows, dtype="bool"), (ops.shape(family)[0] // self.rows, 1)), 1)
        if self._open:
            return ops.concatenate([family, own], axis=1)
        return ops.logical_or(family, ops.logical_and(ops.expand_dims(self._here, -1), own))


def rows_of(carry: BranchedCarry) -> int:
    """K."""
    return 1 if isinstance(carry.family, tuple) else carry.family.shape[-1]


def first_carry(carry: TransformerCarry, rows: int) -> BranchedCarry:
    """Of K = `rows` branches, from the carry of each source before the first step."""
    position, caches, weights = carry
    if rows == 1:
        return BranchedCarry(position, (), weights)
    position = ops.repeat(position, rows, axis=0)
    weights = weights if isinstance(weights, tuple) else ops.repeat(weights, rows, axis=0)
    family = ops.zeros((ops.shape(position)[0], ops.shape(caches[0][0])[2], rows), "bool")
    return BranchedCarry(position, family, weights)


def first_caches(caches: list, rows: int) -> list:
    """Of so many branches, from those of each source (B, M, L, d), in which nothing was said yet."""

    def parts(cache):
        cache = ops.tile(cache, (1, 1, rows, 1))
        return [cache, cache] if cache.shape[2] is None else [cache]

    return [[parts(cache) for cache in layer] for layer in caches]


def lengthened_carry(carry: BranchedCarry, room) -> BranchedCarry:
    """With so many places; where shapes are open a step makes its own."""
    if rows_of(carry) == 1 or carry.family.shape[1] is None:
        return carry
    return carry._replace(family=ops.pad(carry.family, [[0, 0], [0, room - carry.family.shape[1]], [0, 0]]))


def lengthened_caches(caches: list, room) -> list:
    """With room for so many keys; where shapes are open, no step touches what was said until now."""

    def parts(cache):
        if len(cache) == 1:
            return [ops.pad(cache[0], [[0, 0], [0, 0], [0, room - cache[0].shape[2]], [0, 0]])]
        whole = ops.concatenate(cache, axis=2)
        return [whole, whole[:, :, ops.shape(whole)[2] :]]  # of a length that no trace knows

    return [[parts(cache) for cache in layer] for layer in caches]

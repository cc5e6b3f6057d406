"""Keys and values of earlier positions, kept for later ones."""

from collections.abc import Callable

from keras import ops

from seq2seq_keras.context import Tensor


def writer(position: Tensor, count: int, like: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """How `count` positions get into a cache: (B, H, L, d) and what is new (B, H, count, d) to the new cache.

    Made once for all caches of a step. What comes after the room L of a cache is not kept.

    Args:
        position: (B,) int32, the first of the new ones.
        like: a cache of the same shape as those to write to.
    """
    _, heads, _, width = like.shape
    room = ops.shape(like)[2]
    if count == 1 and like.shape[2] is None:
        # Only where shapes may change, and so without XLA, which is slow at it. Such a loop never runs out of room.
        rows = ops.arange(ops.shape(like)[0] * heads, dtype="int32") * room
        places = ops.expand_dims(rows + ops.repeat(position, heads), -1)

        def scatter(cache, new):
            flat = ops.scatter_update(ops.reshape(cache, (-1, width)), places, ops.reshape(new, (-1, width)))
            return ops.reshape(flat, (-1, heads, room, width))

        return scatter
    ahead = ops.subtract(ops.arange(room, dtype="int32"), ops.expand_dims(position, -1))  # (B, L)
    here = [ops.expand_dims(ops.expand_dims(ops.equal(ahead, n), 1), -1) for n in range(count)]

    def select(cache, new):
        for place, one in zip(here, ops.split(new, count, axis=2)):
            cache = ops.where(place, one, cache)
        return cache

    return select

"""Positions as a bias for every distance."""

import math

from keras import ops

from seq2seq_keras.embed.positions import Positions
from seq2seq_keras.serial import serializable


def bucket(distance: int, buckets: int, farthest: int) -> int:
    """The bucket of a distance of 0 or more: the first half of them holds one distance each, the others ever more.

    n = floor(buckets / 2); distance itself below n, then n + floor(log(distance / n) / log(farthest / n) *
    (buckets - n)), at most the last one.
    """
    exact = buckets // 2
    if distance < exact:
        return distance
    beyond = math.log(distance / exact) / math.log(farthest / exact) * (buckets - exact)
    return min(exact + math.floor(beyond + 1e-9), buckets - 1)


@serializable
class RelativePositions(Positions):
    """Adds to every score a learned number for how far the key stands from the query, one for each head.

    Distances share buckets, the farther the more. All layers of a stack share the numbers.

    Args:
        heads: number of heads H of the stack.
        buckets: how many numbers each head learns; even. Of both directions each gets half of them.
        distance: so far and farther lies in the last bucket.
        bidirectional: tells a key behind the query from one before it. Without it every key behind the query, which
            the causal mask hides, counts as distance 0.

    Call: as `Positions`; nothing is added to the inputs.

    Raises:
        ValueError: too few buckets, an odd number of them, or a distance that they reach one by one.

    Reference: Raffel et al., 2020, section 2.1; Shaw et al., 2018 for the idea.
    """

    def __init__(self, heads: int, buckets: int = 32, distance: int = 128, bidirectional: bool = True, **kwargs):
        super().__init__(**kwargs)
        own = buckets // 2 if bidirectional else buckets
        if buckets % 2 or own < 2:
            raise ValueError(f"buckets must be even, and at least 2 a direction, found {buckets}")
        if distance <= own // 2:
            raise ValueError(f"distance must be more than the {own // 2} buckets of one distance, found {distance}")
        self.heads, self.buckets, self.distance, self.bidirectional = heads, buckets, distance, bidirectional
        # A list by distance is exact everywhere: logarithms in float32 land on either side of a bucket's edge.
        near = [bucket(steps, own, distance) for steps in range(distance + 1)]
        ahead = [own + place for place in near[1:]] if bidirectional else []
        self._buckets = (*near[::-1], *ahead)  # of key minus query, from -distance on

    def build(self, inputs_shape, positions_shape=None):
        # Scores are float32 under every policy, and so is what is added to them.
        self.table = self.add_weight((self.buckets, self.heads), initializer="zeros", autocast=False, name="table")

    def bias(self, queries, keys):
        by_distance = ops.take(self.table, ops.convert_to_tensor(self._buckets, "int32"), axis=0)
        apart = ops.subtract(ops.cast(keys, "int32"), ops.expand_dims(ops.cast(queries, "int32"), -1))  # (..., T, S)
        places = ops.clip(apart, -self.distance, self.distance if self.bidirectional else 0) + self.distance
        bias = ops.moveaxis(ops.take(by_distance, places, axis=0), -1, -3)  # (..., H, T, S)
        return ops.expand_dims(bias, 0) if len(bias.shape) == 3 else bias

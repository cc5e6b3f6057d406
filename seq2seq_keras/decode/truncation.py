"""From how likely each id is to one that is drawn: temperature, truncation, the draw."""

from keras import ops

from seq2seq_keras.context import Tensor

_COLD = 1e-6
"""The least temperature; anything less, and what is no number, counts as this."""
_FEW = 256
"""Best ids looked at before all are sorted: nearly always they are enough, and they are found much sooner."""


def weights(ranks: Tensor, temperature: float | Tensor) -> Tensor:
    """How likely each id is beside the best one, p^(1/temperature) to a factor.

    Args:
        ranks: (N, V) float32 log probabilities to a constant; -inf forbids.

    Returns:
        (N, V) float32: 1 at the best, 0 where forbidden.
    """
    temperature = ops.where(ops.greater(temperature, _COLD), temperature, _COLD)
    best = ops.max(ranks, axis=-1, keepdims=True)
    beside = ops.where(ops.greater(ranks, float("-inf")), (ranks - best) / temperature, float("-inf"))
    return ops.exp(beside)


def most_likely(ranks: Tensor, weights: Tensor, top_k: int | Tensor | None, top_p: float | Tensor | None) -> Tensor:
    """The `top_k` best ids, and of these the fewest that hold `top_p` of their mass; of equals, smaller ids are better.

    Args:
        ranks: (N, V) float32.
        weights: (N, V) float32, as `weights` makes of them.
        top_k: at least 1, or a scalar int32 tensor, of which 0 and less take all.
        top_p: above 0 and at most 1, or a scalar float32 tensor, of which 1 and more take all.

    Returns:
        (N, V) bool, True at one or more ids of each row.
    """
    size = ranks.shape[-1]
    many = size if top_k is None else top_k
    many = ops.minimum(ops.where(ops.greater(many, 0), ops.cast(many, "int32"), size), size)
    share = 1.0 if top_p is None else top_p
    everything = ops.logical_and(ops.equal(many, size), ops.greater_equal(share, 1.0))
    few = min(_FEW if top_k is None or ops.is_tensor(top_k) else top_k, size)
    worst, its_id, found = _last(ranks, weights, few, many, share)
    if few < size and (ops.is_tensor(top_k) or few != top_k):
        worst, its_id = ops.cond(
            ops.logical_or(found, everything),
            lambda: (worst, its_id),
            lambda: _last(ranks, weights, size, many, share)[:2],
        )
    not_after = ops.less_equal(ops.arange(size, dtype="int32"), its_id)
    stays = ops.logical_or(ops.greater(ranks, worst), ops.logical_and(ops.equal(ranks, worst), not_after))
    return ops.logical_or(stays, everything)


def _last(ranks, weights, count: int, many, share):
    """Rank and id (N, 1) of the last that stays, and whether it was sure to be among the `count` best of each row."""
    size = ranks.shape[-1]
    best, order = ops.top_k(ranks, count)
    order = ops.cast(order, "int32")
    mass = ops.take_along_axis(weights, order, axis=-1)
    until = ops.cumsum(ops.where(ops.less(ops.arange(count, dtype="int32"), many), mass, 0.0), axis=-1)
    # Of all, the sum is taken in one order, however many are looked at.
    whole = ops.sum(weights, axis=-1, keepdims=True)
    wanted = share * ops.where(ops.less(many, size), until[:, -1:], whole)
    fewer = ops.sum(ops.cast(ops.less(until, wanted), "int32"), axis=-1, keepdims=True)
    reached = ops.logical_and(ops.equal(many, size), ops.all(ops.less(fewer, count)))
    place = ops.minimum(ops.where(ops.less(share, 1.0), fewer, size), ops.minimum(many, count) - 1)
    worst, its_id = (ops.take_along_axis(leaf, place, axis=-1) for leaf in (best, order))
    return worst, its_id, ops.logical_or(ops.less_equal(many, count), reached)


def drawn(weights: Tensor, uniform: Tensor) -> Tensor:
    """One id of each row, in proportion to its weight; never one of weight 0 where there is another.

    Args:
        weights: (N, V) float32, 0 or more.
        uniform: (N,) float32, between 0 and 1.

    Returns:
        (N,) int32; 0 for a row without weight.
    """
    mass = ops.cumsum(weights, axis=-1)
    reached = ops.greater(mass, ops.expand_dims(uniform, -1) * mass[:, -1:])
    # The first that is reached. Sums in another order than from the left may reach none: then the first there is.
    fitness = ops.where(ops.greater(weights, 0.0), ops.cast(reached, "int32") + 1, 0)
    return ops.cast(ops.argmax(fitness, axis=-1), "int32")

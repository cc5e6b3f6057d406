"""Which positions may be seen: boolean masks, True where they may."""

from keras import ops

HIDDEN = -1e4
"""Score of a hidden position: e^-10000 is 0 in every dtype, and float16 can hold it."""


def causal(length):
    """Each position sees itself and what came before: (1, 1, T, T) bool.

    For T = 3, one row a query:

        1 0 0
        1 1 0
        1 1 1
    """
    places = ops.arange(length)
    return ops.reshape(ops.expand_dims(places, 1) >= ops.expand_dims(places, 0), (1, 1, length, length))


def hide(scores, seen, bias=None):
    """Attention scores with every hidden position out of the running; float32, so that softmax is exact enough.

    Args:
        scores: (..., S) float.
        seen: bool, broadcast to `scores`; None hides nothing.
        bias: float32, broadcast to `scores`, added where they are seen; None adds nothing.
    """
    scores = ops.cast(scores, "float32")
    scores = scores if bias is None else scores + bias
    return scores if seen is None else ops.where(seen, scores, HIDDEN)

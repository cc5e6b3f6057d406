"""Reading and writing places of a sequence buffer without changing its shape."""

from keras import ops

from seq2seq_keras.context import BOS, PAD


def write(buffer, time, values):
    """`buffer` (..., L) with `values` (...) at position `time` (scalar) of its last axis."""
    here = ops.equal(ops.arange(buffer.shape[-1], dtype="int32"), time)  # (L,)
    return ops.where(here, ops.expand_dims(values, -1), buffer)


def speakable(scores):
    """(..., V) scores with those of PAD and BOS made -inf: no hypothesis may hold them."""
    ids = ops.arange(scores.shape[-1], dtype="int32")
    silent = ops.logical_or(ops.equal(ids, PAD), ops.equal(ids, BOS))
    return ops.where(silent, float("-inf"), scores)


def likeliest(logits, count: int):
    """The `count` most likely ids of each row (N, V) that may be said: log probabilities (N, count) float32, ids int32.

    Best first; of equals the smaller id.
    """
    logits = ops.cast(logits, "float32")
    best, ids = ops.top_k(speakable(logits), count)
    return best - ops.logsumexp(logits, axis=-1, keepdims=True), ops.cast(ids, "int32")

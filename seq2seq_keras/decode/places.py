"""Reading and writing places of a sequence buffer without changing its shape."""

from keras import ops

from seq2seq_keras.context import BOS, PAD


def write(buffer, time, values):
    """`buffer` (..., L) with `values` (...) at position `time` (scalar) of its last axis."""
    here = ops.equal(ops.arange(buffer.shape[-1], dtype="int32"), time)  # (L,)
    return ops.where(here, ops.expand_dims(values, -1), buffer)


def speakable(log_probs):
    """(..., V) with PAD and BOS made impossible: no hypothesis may hold them."""
    ids = ops.arange(log_probs.shape[-1], dtype="int32")
    silent = ops.logical_or(ops.equal(ids, PAD), ops.equal(ids, BOS))
    return ops.where(silent, float("-inf"), log_probs)

"""Reading and writing places of a sequence buffer without changing its shape."""

import math

from keras import ops

from seq2seq_keras.context import BOS, PAD

_LOOKS = 16
"""So often the highest of a row is looked for; more are sorted."""
_LONG = 512
"""Rows from this length on are gone through in parts."""
_LOWEST = -3.4e38
"""The lowest of float32, nearly."""


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

    Best first; of equals the smaller id. -inf all over a row with NaN.
    """
    logits = ops.cast(logits, "float32")
    if count == 1 and _fixed(logits):
        # Where shapes are fixed, as XLA wants them: it fuses all of this, and would sort for `top_k`.
        log_probs = speakable(logits) - ops.logsumexp(logits, axis=-1, keepdims=True)
        best = _peak(log_probs)
        return ops.where(ops.isnan(best), float("-inf"), best), _first(log_probs, best)
    # Two more, since PAD and BOS may be among them: cheaper than to go through the vocabulary and hide them.
    best, ids = _highest(logits, min(count + 2, logits.shape[-1]))
    highest = best[:, :1]
    log_probs = best - highest - ops.log(ops.sum(ops.exp(logits - highest), axis=-1, keepdims=True))
    said = ops.logical_not(ops.logical_or(ops.equal(ids, PAD), ops.equal(ids, BOS)))
    log_probs = ops.where(ops.logical_and(said, ops.logical_not(ops.isnan(log_probs))), log_probs, float("-inf"))
    log_probs, places = top_k(log_probs, count)
    return log_probs, ops.take_along_axis(ids, places, axis=-1)


def top_k(scores, count: int):
    """The highest of each row (N, S) float32, best first, of equals the smaller place: (N, count), and places int32.

    Where shapes are fixed, as XLA wants them, the highest is looked for again and again: XLA would sort whole rows.
    """
    if not _looked_for(scores, count):
        best, places = ops.top_k(scores, count)
        return best, ops.cast(places, "int32")
    size = scores.shape[-1]
    if size >= _LONG:
        width = math.isqrt(size // count)  # as many parts as places in the best of them
        even = (one for one in range(width // 2 + 1, 2 * width) if size % one == 0)
        width = min(even, key=lambda one: abs(one - width), default=width)  # else XLA copies all rows to pad them
        padded = ops.pad(scores, [[0, 0], [0, -size % width]], constant_values=float("-inf"))
        return _by_parts(padded, count, width)
    everywhere = ops.arange(size, dtype="int32")
    whole = ops.maximum(scores, _LOWEST)  # above what was found already, also where it was -inf
    left, found = whole, []
    for _ in range(count):
        best = _peak(left)
        found.append(_first(left, best))
        # What is left is told by the last one alone: with all of them XLA would ask for each at every place.
        after = ops.logical_and(ops.equal(whole, best), ops.greater(everywhere, found[-1]))
        left = ops.where(ops.logical_or(ops.less(whole, best), after), whole, float("-inf"))
    places = ops.concatenate(found, axis=-1)
    return ops.take_along_axis(scores, places, axis=-1), places


def _highest(scores, count: int):
    """`top_k` of (N, V), through parts also where shapes are open, if V can be cut into parts."""
    size, width = scores.shape[-1], None
    if not _looked_for(scores, count):
        width = max((w for w in range(16, 257) if size % w == 0 and size // w >= 2 * count), default=None)
    return _by_parts(scores, count, width) if width else top_k(scores, count)


def _by_parts(scores, count: int, width: int):
    """`top_k` of (N, S) through the highest of each part of `width` places.

    To find the highest of a part takes one quick look at it; only the best `count` parts are gone through.
    """
    parts = ops.reshape(scores, (-1, scores.shape[-1] // width, width))
    _, chosen = top_k(_peak(parts, keepdims=False), count)
    chosen = ops.sort(chosen, axis=-1)  # of equal scores the smaller id has to come first
    rows = ops.expand_dims(ops.arange(ops.shape(scores)[0], dtype="int32") * parts.shape[1], -1) + chosen
    some = ops.take(ops.reshape(parts, (-1, width)), ops.reshape(rows, (-1,)), axis=0)
    best, places = top_k(ops.reshape(some, (-1, count * width)), count)
    part = ops.take_along_axis(chosen, ops.floor_divide(places, width), axis=-1)
    return best, part * width + ops.mod(places, width)


def _looked_for(scores, count: int) -> bool:
    """Whether the highest are looked for one after the other."""
    return _fixed(scores) and count <= _LOOKS


def _peak(scores, keepdims: bool = True):
    """The highest along the last axis. Of no rows there is none, where Keras would raise without `initial`."""
    initial = float("-inf") if scores.shape[0] == 0 else None  # an operation more, which steps are spared
    return ops.max(scores, axis=-1, keepdims=keepdims, initial=initial)


def _first(scores, value):
    """Of each row (N, S) the first place (N, 1) that has this value (N, 1); the last place where none has it.

    XLA looks for `argmax` one place after the other, for this at many at once.
    """
    size = scores.shape[-1]
    here = ops.where(ops.equal(scores, value), ops.arange(size, dtype="int32"), size - 1)
    return ops.min(here, axis=-1, keepdims=True, initial=size - 1)


def _fixed(scores) -> bool:
    """Whether rows are as many in every call, as in what XLA compiles."""
    return scores.shape[0] is not None

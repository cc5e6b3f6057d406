"""What every attention over one memory does with its scores."""

from keras import ops

from seq2seq_keras.attention.masks import hide


def look(scores, memory, seen):
    """Softmax over real positions, weighted sum of the memory.

    Args:
        scores: (B, S) float of one query for each source, or (B, T, S) of several.
        memory: (B, S, M) float.
        seen: (B, S) bool, True where real.

    Returns:
        context (B, M) or (B, T, M) in the memory's dtype, and weights like the scores, float32, that sum to 1.
    """
    several = len(scores.shape) == 3
    weights = ops.softmax(hide(scores, ops.expand_dims(seen, 1) if several else seen))
    mixed = "bts,bsm->btm" if several else "bs,bsm->bm"
    return ops.einsum(mixed, ops.cast(weights, memory.dtype), memory), weights

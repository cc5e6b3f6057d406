"""Heads of queries that share heads of keys and values."""

from keras import ops

from seq2seq_keras.attention.cache import mixture, products
from seq2seq_keras.attention.masks import hide


def mix_grouped(queries, keys, values, seen, bias=None):
    """softmax(Q K^T + b) V, G = H / M heads of queries side by side over each head of keys and values.

    No key is copied: the G queries are rows of one product with the keys they share.

    Args:
        queries: (B, H, T, d), scaled.
        keys: in parts, each (B, M, S_i, d), S of them in all, and so `values`.
        seen: bool, broadcast to (B, 1, T, S); None hides nothing.
        bias: broadcast to (B, H, T, S), float32; None adds nothing.

    Returns:
        (B, T, M, G, d), and the weights (B, H, T, S) float32.

    Reference: Ainslie et al., 2023.
    """
    groups = keys[0].shape[1]
    bias = None if bias is None else _by_group(bias, groups)
    scores = products("bmgtk,bmsk->bmgts", _by_group(queries, groups), keys)
    weights = ops.softmax(hide(scores, seen if seen is None else ops.expand_dims(seen, 1), bias))
    mixed = mixture("bmgts,bmsk->btmgk", ops.cast(weights, values[0].dtype), values)
    # Not a reshape: neither B nor S need be known.
    return mixed, ops.concatenate(ops.unstack(weights, groups, axis=1), axis=1)


def _by_group(heads, groups: int):
    """(B, H, T, x) to (B, M, G, T, x), M = `groups`."""
    batch, count, *rest = ops.shape(heads)
    # Symbolic shapes do not know B, and know the rest of a step.
    return ops.reshape(heads, (-1 if batch is None else batch, groups, count // groups, *rest))

"""What a Transformer decoder remembers between two steps."""

from typing import Any, NamedTuple

from keras import ops, tree


class TransformerCarry(NamedTuple):
    """What changes from step to step."""

    position: Any
    """(B,) int32: how many steps were taken."""
    caches: list
    """One [keys, values] a layer, each (B, M, L, d): what earlier positions offer."""
    weights: Any
    """(B, S) float32: where the last layer's heads looked in the last step, on average; `()` without a memory."""


class TransformerFixed(NamedTuple):
    """What stays for the whole sentence."""

    caches: list
    """One [keys, values] a layer, each (B, M, S, d): the source as each layer's attention sees it; none without a
    memory."""
    mask: Any
    """(B, S) bool; `()` without a memory."""


def nothing_said(context, depth: int, heads: int, max_length: int, width: int, dtype: str) -> TransformerCarry:
    """The carry before the first step.

    Args:
        context: `Context`; it says how many rows there are.
        depth: number of layers.
        heads: heads of keys and values M.
        max_length: steps there is room for.
        width: width of a head d.
        dtype: of the caches.

    Raises:
        ValueError: a context of no leaf at all.
    """
    first = next(iter(tree.flatten(context)), None)
    if first is None:
        raise ValueError("context must have a leaf, memory or state, for the number of rows; found none")
    zero = ops.cast(ops.zeros_like(first[(slice(None), *[0] * (len(first.shape) - 1))]), dtype)  # (B,)
    empty = ops.tile(ops.reshape(zero, (-1, 1, 1, 1)), (1, heads, max_length, width))
    weights = () if isinstance(context.mask, tuple) else ops.zeros_like(ops.cast(context.mask, "float32"))
    return TransformerCarry(ops.cast(zero, "int32"), [[empty, empty] for _ in range(depth)], weights)


def last_look(weights, count: int, rows):
    """(B, H, T, S) of `count` steps just taken, rows of one source side by side, to (B, S) of the last of them."""
    looked = ops.mean(weights, axis=1)
    if rows is not None:  # symbolic shapes do not know it, and there every row has a cache of its own
        looked = ops.reshape(looked, (rows, count, ops.shape(weights)[-1]))
    return looked[:, -1]

"""Keys and values of earlier positions, kept for later ones."""

from collections.abc import Callable

from keras import ops

from seq2seq_keras.context import Tensor

_FEW = 8
"""Queries of a source whose products with the keys are turned around, in place of the keys."""


def writer(position: Tensor, count: int, like: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """How `count` positions get into a cache: (B, M, L, d) and what is new (B, M, count, d) to the new cache.

    Made once for all caches of a step. What comes after the room L of a cache is not kept.

    Args:
        position: (B,) int32, the first of the new ones.
        like: a cache of the same shape as those to write to.
    """
    ahead = ops.subtract(ops.arange(ops.shape(like)[2], dtype="int32"), ops.expand_dims(position, -1))  # (B, L)
    here = [ops.expand_dims(ops.expand_dims(ops.equal(ahead, n), 1), -1) for n in range(count)]

    def select(cache, new):
        for place, one in zip(here, ops.split(new, count, axis=2)):
            cache = ops.where(place, one, cache)
        return cache

    return select


def products(equation: str, queries: Tensor, parts: list[Tensor]) -> Tensor:
    """Queries times keys, which may come in several parts (B, M, S_i, d): the products (..., S) with all of them.

    Args:
        equation: of `einsum`, for one part: `...t.,...s.->...ts`.
    """
    batch, few = queries.shape[0], queries.shape[-2]
    if batch is not None and few is not None and few <= _FEW:
        # Where shapes are fixed, as XLA wants them, it turns what comes second around: not the keys, which are many.
        given, result = equation.split("->")
        left, right = given.split(",")
        turned = f"{right},{left}->{result[:-2]}{result[-1]}{result[-2]}"
        found = [ops.swapaxes(ops.einsum(turned, part, queries), -1, -2) for part in parts]
    else:
        found = [ops.einsum(equation, queries, part) for part in parts]
    return found[0] if len(found) == 1 else ops.concatenate(found, axis=-1)


def mixture(equation: str, weights: Tensor, parts: list[Tensor]) -> Tensor:
    """The sum of values by their weights (..., S); they come in the parts of their keys."""
    if len(parts) == 1:
        return ops.einsum(equation, weights, parts[0])
    begin, found = 0, None
    for part in parts:
        end = begin + ops.shape(part)[2]
        mixed = ops.einsum(equation, weights[..., begin:end], part)
        begin, found = end, mixed if found is None else found + mixed
    return found

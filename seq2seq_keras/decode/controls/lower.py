"""Lowering the ranks of some ids and leaving those of the others."""

from collections.abc import Sequence

from keras import ops

from seq2seq_keras.context import PAD, Tensor


def lower(ranks: Tensor, ids: Tensor, to: Tensor) -> Tensor:
    """(B, K, V) ranks, at `ids` (B, K, N) int32 not above `to` (B, K, N) float32; an id may come more than once."""
    size, count = ranks.shape[-1], ids.shape[-1]
    flat = ops.reshape(ids, (-1, count))
    rows = ops.expand_dims(ops.arange(ops.shape(flat)[0], dtype="int32"), -1) + ops.zeros_like(flat)
    places = ops.reshape(ops.stack([rows, flat], axis=-1), (-1, 2))
    found = ops.scatter_update(ops.reshape(ranks, (-1, size)), places, ops.reshape(to, (-1,)), reduction="min")
    return ops.reshape(found, ops.shape(ranks))


def forbid(ranks: Tensor, ids: Tensor, where: Tensor) -> Tensor:
    """(B, K, V) ranks, -inf at `ids` where `where`; both broadcast to (B, K, N)."""
    # PAD is never said, so that to forbid it once more does nothing.
    ids = ops.where(where, ids, PAD)
    return lower(ranks, ids, ops.full_like(ids, float("-inf"), dtype="float32"))


def only(ranks: Tensor, ids: Tensor) -> Tensor:
    """(B, K, V) ranks, -inf but at one id each: `ids` broadcasts to (B, K, 1)."""
    return ops.where(ops.equal(ops.arange(ranks.shape[-1], dtype="int32"), ids), ranks, float("-inf"))


def everywhere(ranks: Tensor, ids: Sequence[int], *, but: bool) -> Tensor:
    """(B, K, V) ranks, in every beginning -inf at `ids` or, with `but`, at all others."""
    there, elsewhere = (0.0, float("-inf")) if but else (float("-inf"), 0.0)
    row = ops.full((ranks.shape[-1],), elsewhere, dtype="float32")
    places = ops.expand_dims(ops.convert_to_tensor(ids, "int32"), -1)
    return ranks + ops.scatter_update(row, places, ops.full((len(ids),), there, dtype="float32"))

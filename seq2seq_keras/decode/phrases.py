"""Which phrases a text holds, followed id by id."""

from typing import Any, NamedTuple

from keras import ops

from seq2seq_keras.context import PAD, Tensor
from seq2seq_keras.decode import growth


class Progress(NamedTuple):
    """How far K beginnings are with W phrases of at most P ids."""

    begun: Any
    """(B, K, W, P) bool: the last p + 1 ids said are the first p + 1 ids of the phrase."""
    whole: Any
    """(B, K, W) bool: the phrase was said; stays so."""


def padded(phrases: tuple[tuple[int, ...], ...], batch: Tensor) -> Tensor:
    """The same phrases for each of `batch` sources: (B, W, P) int32, PAD on the right; one of PAD if there is none."""
    longest = max((len(phrase) for phrase in phrases), default=0)
    rows = [[*phrase, *[PAD] * (longest - len(phrase))] for phrase in phrases] or [[PAD]]
    return ops.zeros((batch, 1, 1), "int32") + ops.convert_to_tensor([rows], "int32")


def nothing_said(phrases: Tensor, beginnings: int) -> Progress:
    """Before the first id. Phrases are (B, W, P) int32, PAD on the right; one of PAD alone is held by any text."""
    batch, count, length = ops.shape(phrases)
    void = ops.all(ops.equal(phrases, PAD), axis=-1)
    return Progress(
        begun=ops.zeros((batch, beginnings, count, length), "bool"),
        whole=ops.logical_and(ops.ones((batch, beginnings, 1), "bool"), ops.expand_dims(void, 1)),
    )


def after(progress: Progress, phrases: Tensor, ids: Tensor) -> Progress:
    """Each beginning with each of N ids that may follow it: (B, K, N) ids, or (B, 1, N), to leaves (B, K, N, ...).

    One comparison and one conjunction for each id of a phrase: Shift-And (Baeza-Yates and Gonnet, 1992).
    """
    known = ops.not_equal(phrases, PAD)
    so_far = ops.concatenate([ops.ones_like(progress.begun[..., :1]), progress.begun[..., :-1]], axis=-1)
    same = ops.equal(ids[..., None, None], phrases[:, None, None])
    begun = ops.logical_and(ops.logical_and(same, known[:, None, None]), ops.expand_dims(so_far, 2))
    more = ops.concatenate([known[..., 1:], ops.zeros_like(known[..., :1])], axis=-1)
    last = ops.logical_and(known, ops.logical_not(more))
    now = ops.any(ops.logical_and(begun, last[:, None, None]), axis=-1)
    return Progress(begun, ops.logical_or(ops.expand_dims(progress.whole, 2), now))


def missing(progress: Progress, phrases: Tensor) -> Tensor:
    """Leaves (B, ..., W, P) to (B, ...) int32: ids of phrases that are still to be said.

    What is begun of a phrase counts as said, as far as the last ids are the beginning of it.
    """
    length = phrases.shape[-1]
    lengths = ops.sum(ops.cast(ops.not_equal(phrases, PAD), "int32"), axis=-1)  # (B, W)
    for _ in range(len(progress.whole.shape) - 2):
        lengths = ops.expand_dims(lengths, 1)
    said = ops.max(ops.where(progress.begun, ops.arange(1, length + 1, dtype="int32"), 0), axis=-1, initial=0)
    return ops.sum(ops.where(progress.whole, 0, lengths - said), axis=-1)


def chosen(progress: Progress, rows: Tensor) -> Progress:
    """The beginnings named by rows (B*K,) from `growth.picked`."""
    return Progress(growth.chosen(progress.begun, rows), growth.chosen(progress.whole, rows))


def distinct(phrases: Tensor) -> Tensor:
    """(B, W, P) to (B, W*P) int32: the ids in all phrases; PAD in place of one that came before."""
    count = phrases.shape[1] * phrases.shape[2]
    flat = ops.reshape(phrases, (-1, count))
    earlier = ops.less(ops.arange(count), ops.expand_dims(ops.arange(count), -1))  # (this, other)
    seen = ops.any(ops.logical_and(ops.equal(flat[:, :, None], flat[:, None, :]), earlier), axis=-1)
    return ops.where(seen, PAD, flat)

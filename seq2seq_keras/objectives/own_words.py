"""Targets in which a model finds its own words in the place of some true ones."""

from keras import ops

from seq2seq_keras.context import BOS, PAD, DecodeState


def step_by_step(model, x, keep, choose):
    """What the model feeds itself where it goes on from what it was fed before: one step after the other.

    Args:
        model: a `Seq2Seq`; nothing of it is in training mode here, so that it errs as it would when it is used.
        x: dict of `source` (B, S) and `target` (B, T), int32, BOS first, PAD on the right.
        keep: (B, T) bool, True where the true word is fed.
        choose: (B, V) float32 logits, -inf for PAD and BOS, and the place in time, a scalar int32, to ids (B,) int32.

    Returns:
        (B, T) int32: the targets to feed. BOS and PAD stay, and are fed nowhere else.
    """
    true = x["target"]
    length, places = ops.shape(true)[1], ops.arange(ops.shape(true)[1], dtype="int32")
    start = model.init_state(x["source"], length)

    def step(time, ids, carry, fed):
        logits, after = model.step(ids, DecodeState(carry, start.fixed))
        following = ops.add(time, 1)
        said = choose(_speakable(logits), following)
        ids = _fed(ops.take(true, following, axis=1), said, ops.take(keep, following, axis=1))
        here = ops.expand_dims(ops.equal(places, following), 0)
        return following, ids, after.carry, ops.where(here, ops.expand_dims(ids, 1), fed)

    begin = (ops.convert_to_tensor(0, "int32"), true[:, 0], start.carry, true)
    return ops.while_loop(lambda time, *_: ops.less(time, length - 1), step, begin)[-1]


def in_one_pass(model, x, keep, choose):
    """What the model would say next after each true beginning, mixed into the true words: one pass over all of them.

    Args and result as those of `step_by_step`, but `choose` takes logits (B, T - 1, V) and the places (T - 1,) to ids
    (B, T - 1).
    """
    true = x["target"]
    places = ops.arange(1, ops.shape(true)[1], dtype="int32")
    own = choose(_speakable(model(x, training=False)[:, :-1]), places)
    return ops.concatenate([true[:, :1], _fed(true[:, 1:], own, keep[:, 1:])], axis=1)


def _fed(true, own, keep):
    return ops.where(ops.logical_or(keep, ops.equal(true, PAD)), true, own)


def _speakable(logits):
    """(..., V) logits as float32, those of PAD and BOS -inf: search says neither."""
    ids = ops.arange(logits.shape[-1], dtype="int32")
    silent = ops.logical_or(ops.equal(ids, PAD), ops.equal(ids, BOS))
    return ops.where(silent, float("-inf"), ops.cast(logits, "float32"))

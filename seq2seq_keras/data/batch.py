"""Examples to padded batches for teacher forcing, through tf.data."""

import itertools
import threading
from collections.abc import Callable
from functools import singledispatch

import numpy as np
import tensorflow as tf

from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.data.examples import Examples, Ragged
from seq2seq_keras.data.plan import plan

_AHEAD = 8
"""Batches made while the model trains on earlier ones."""


@singledispatch
def batch(
    examples: Examples,
    tokens_per_batch: int = 4_096,
    *,
    seed: int = 0,
    shuffle: bool = True,
    epoch: int = 0,
    step: int = 0,
) -> tf.data.Dataset:
    """Right-padded batches of alike length; one pass is one epoch, and each new pass is the next epoch.

    The order depends on `seed` and epoch alone, so a run resumes exactly from the two numbers `epoch` and `step`.
    Python runs once a pass; the rest is a gather inside tf.data, ahead of the model.

    Args:
        examples: pairs as ids, `Examples` or `Shards`.
        tokens_per_batch: see `BatchPlan`; `plan(examples, tokens_per_batch, seed)` tells the batches an epoch has.
        seed: of the order.
        shuffle: False gives the batches in one order of lengths, the same in every pass: for validation.
        epoch: of the first pass.
        step: batches already seen of that epoch; the first pass starts after them.

    Returns:
        Batches `({"source": (B, S), "target": (B, T)}, labels (B, T))`, int32, PAD on the right: target is BOS and
        the tokens, labels are the tokens and EOS.
    """
    chosen = plan(examples, tokens_per_batch, seed)
    following = passes(len(chosen), epoch, step)

    def next_pass():
        number, start = following()
        batches = (chosen.epoch(number) if shuffle else chosen.ordered())[start:]
        splits = np.cumsum([0, *map(len, batches)], dtype=np.int64)
        return np.concatenate(batches).astype(np.int64), splits

    source, target = _tensor(examples.source), _tensor(examples.target)

    def one_pass(_):
        indices, splits = tf.numpy_function(next_pass, [], [tf.int64, tf.int64])
        splits = tf.ensure_shape(splits, [None])
        made = tf.data.Dataset.from_tensor_slices((splits[:-1], splits[1:]))
        return made.map(lambda begin, end: padded(source, target, indices[begin:end]))

    return steady(tf.data.Dataset.from_tensors(0).flat_map(one_pass), len(chosen), whole=not step % len(chosen))


def passes(batches: int, epoch: int, step: int) -> Callable[[], tuple[int, int]]:
    """Gives, each time it is called and from whatever thread, the epoch of the next pass and its first batch.

    Args:
        batches: of a whole epoch.
        epoch, step: see `batch`.
    """
    skipped, step = divmod(step, batches)
    following = zip(itertools.count(epoch + skipped), itertools.chain([step], itertools.repeat(0)))
    once = threading.Lock()

    def next_pass():
        with once:
            return next(following)

    return next_pass


def steady(dataset: tf.data.Dataset, batches: int, whole: bool) -> tf.data.Dataset:
    """Batches in one order, made ahead of the model, that tell how many an epoch has.

    Args:
        batches: of a whole epoch.
        whole: whether the first pass begins at the first batch.
    """
    if whole:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches))
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False  # the work is too small to be worth tuning threads away from the model
    dataset = dataset.prefetch(_AHEAD).with_options(options)
    if not whole:
        # A Keras `fit` that does not know the size takes it from the first pass, which is short here, and would
        # cut every later epoch to it. What is told is the size of a whole epoch.
        dataset.cardinality = lambda: tf.constant(batches, tf.int64)
    return dataset


def padded(source: tf.RaggedTensor, target: tf.RaggedTensor, indices: tf.Tensor):
    """A batch of `batch`: the rows of both sides at (B,) indices."""
    indices = tf.ensure_shape(indices, [None])
    rows = tf.gather(target, indices)
    tokens = rows.to_tensor(PAD)  # (B, T - 1)
    edge = tf.zeros_like(indices, tf.int32)[:, None]
    ends = tf.one_hot(rows.row_lengths(), tf.shape(tokens)[1] + 1, on_value=EOS, off_value=PAD, dtype=tf.int32)
    inputs = {
        "source": tf.gather(source, indices).to_tensor(PAD),
        "target": tf.concat([edge + BOS, tokens], axis=1),
    }
    return inputs, tf.concat([tokens, edge + PAD], axis=1) + ends


def _tensor(rows: Ragged) -> tf.RaggedTensor:
    with tf.device("cpu"):
        return tf.RaggedTensor.from_row_splits(tf.constant(rows.values), tf.constant(rows.splits), validate=False)

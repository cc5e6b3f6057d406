"""Shards to padded batches, in an order that depends on seed and epoch alone."""

import numpy as np
import tensorflow as tf

from seq2seq_keras.data.batch import batch, padded, passes, steady
from seq2seq_keras.data.plan import BatchPlan, plan
from seq2seq_keras.data.shard_files import read_shard
from seq2seq_keras.data.shards import Shards
from seq2seq_keras.errors import InputError


class ShardPlan:
    """Which pairs share a batch: one shard after the other, in another order each epoch, each by its own `BatchPlan`.

    A shard is a random sample of the corpus, so its batches are like those of the whole. Only the number of batches is
    kept; a shard is planned when its turn comes.

    Args:
        shards: of one corpus.
        tokens_per_batch: see `BatchPlan`.
        seed: of the order; not negative. Of one shard alone the plan is that of `BatchPlan`.

    Raises:
        InputError: a pair alone exceeds the budget.
    """

    def __init__(self, shards: Shards, tokens_per_batch: int, seed: int):
        if seed < 0:
            raise InputError(f"seed is {seed}", expected="0 or more")
        self.shards, self.tokens_per_batch, self.seed = shards, tokens_per_batch, seed
        if tokens_per_batch not in shards.batches:
            shards.batches[tokens_per_batch] = [
                len(self.shard(number)) if size else 0 for number, size in enumerate(shards.sizes)
            ]
        self.batches = np.array(shards.batches[tokens_per_batch])
        """(shards,) batches of each, the same in every epoch."""

    def __len__(self) -> int:
        """Batches of an epoch."""
        return int(self.batches.sum())

    def shard(self, number: int) -> BatchPlan:
        """The plan of one shard."""
        lengths = self.shards.lengths(number)
        return BatchPlan(lengths[:, 0], lengths[:, 1], self.tokens_per_batch, self.seed + (number << 64))

    def order(self, epoch: int | None, step: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the shards of an epoch from batch `step` on, and which batch of each is its first.

        Args:
            epoch: None for the order that they are written in.
        """
        numbers = np.flatnonzero(self.batches)
        if epoch is not None:
            np.random.default_rng([self.seed, epoch, 1]).shuffle(numbers)
        ends = np.cumsum(self.batches[numbers])
        gone = int(np.searchsorted(ends, step, side="right"))
        starts = np.zeros(len(numbers) - gone, np.int64)
        starts[:1] = step - (ends[gone - 1] if gone else 0)
        return numbers[gone:], starts


@plan.register
def _(examples: Shards, tokens_per_batch: int = 4_096, seed: int = 0) -> ShardPlan:
    return ShardPlan(examples, tokens_per_batch, seed)


@batch.register
def _(
    examples: Shards,
    tokens_per_batch: int = 4_096,
    *,
    seed: int = 0,
    shuffle: bool = True,
    epoch: int = 0,
    step: int = 0,
) -> tf.data.Dataset:
    chosen = ShardPlan(examples, tokens_per_batch, seed)
    following = passes(len(chosen), epoch, step)
    paths = [str(examples.records(number)) for number in range(len(examples.sizes))]

    def next_pass():
        number, start = following()
        numbers, firsts = chosen.order(number if shuffle else None, start)
        return numbers.astype(np.int64), firsts, np.full(len(numbers), number, np.int64)

    def planned(number, first, epoch):
        of_shard = chosen.shard(int(number))
        batches = (of_shard.epoch(int(epoch)) if shuffle else of_shard.ordered())[int(first) :]
        return np.concatenate(batches).astype(np.int64), np.cumsum([0, *map(len, batches)], dtype=np.int64)

    def load(number, first, epoch):
        source, target = read_shard(tf.gather(paths, number), tf.gather(tf.constant(examples.sizes, tf.int64), number))
        indices, splits = tf.numpy_function(planned, [number, first, epoch], [tf.int64, tf.int64])
        return source, target, tf.ensure_shape(indices, [None]), tf.ensure_shape(splits, [None])

    def cut(source, target, indices, splits):
        made = tf.data.Dataset.from_tensor_slices((splits[:-1], splits[1:]))
        return made.map(lambda begin, end: padded(source, target, indices[begin:end]))

    def one_pass(_):
        order = tf.numpy_function(next_pass, [], [tf.int64] * 3)
        order = tuple(tf.ensure_shape(part, [None]) for part in order)
        # The next shard is read while the model trains on this one.
        return tf.data.Dataset.from_tensor_slices(order).map(load).prefetch(1).flat_map(cut)

    return steady(tf.data.Dataset.from_tensors(0).flat_map(one_pass), len(chosen), whole=not step % len(chosen))

"""How weights and gradients are distributed."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.histogram.summary_v2 import histogram_pb

from seq2seq_keras.training.tensorboard.board import Page

MOST = 10_000
"""Values drawn of one weight: TensorBoard's histogram makes a table of 30 numbers for each."""


class Histograms(Page):
    """`weights/PATH` and `gradients/PATH` of every trained weight, every so many epochs; of large ones of `MOST` values
    drawn at random, always the same.

    Gradients are those of the loss of one batch, always the same, without dropout: what a step would do to the model
    as it is. They are not those of the last training step.

    Args:
        every: epochs.
        batch: returns (inputs, labels) as `fit` takes them; None leaves the gradients out.

    Raises:
        ValueError: `every` is not positive.
    """

    def __init__(self, every: int = 1, batch: Callable[[], tuple] | None = None):
        if every < 1:
            raise ValueError(f"every must be 1 or more, found {every}")
        self.every, self.batch = every, batch

    def after_epoch(self, model, epoch, logs):
        if epoch % self.every:
            return
        for weight in model.trainable_variables:
            _write(f"weights/{weight.path}", weight.value)
        for weight, gradient in self._gradients(model):
            _write(f"gradients/{weight.path}", gradient)

    def _gradients(self, model: keras.Model) -> list[tuple]:
        if self.batch is None:
            return []
        inputs, labels = self.batch()
        weights = model.trainable_variables
        with tf.GradientTape() as tape:
            predicted = model(inputs, training=False)
            loss = model.compute_loss(inputs, labels, predicted, training=False)
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        found = [(weight, gradient) for weight, gradient in zip(weights, gradients) if gradient is not None]
        return [(weight, tf.cast(tf.convert_to_tensor(gradient), tf.float32)) for weight, gradient in found]


def _write(name: str, values: tf.Tensor) -> None:
    # Six times as fast as `tf.summary.histogram`, which runs twenty operations one by one.
    tf.summary.experimental.write_raw_pb(histogram_pb(name, some(values).numpy()).SerializeToString())


def some(values: tf.Tensor) -> tf.Tensor:
    """(n,) all values of a tensor, or `MOST` of them, with repetition; those of one size always at the same places."""
    flat = tf.reshape(values, [-1])
    count = int(flat.shape[0])
    return flat if count <= MOST else tf.gather(flat, np.random.default_rng(count).integers(count, size=MOST))

"""How much is learned from a second."""

import time

import keras
from keras import ops

from seq2seq_keras.context import PAD
from seq2seq_keras.serial import serializable


@serializable
class TokenCount(keras.metrics.Metric):
    """Real tokens of the labels seen, padding apart.

    Call:
        y_true: (B, T) int labels.
        y_pred: unused.
    """

    def __init__(self, name: str = "tokens"):
        super().__init__(name=name, dtype="float32")
        self.real = self.add_variable((), "zeros", name="real")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.real.assign_add(ops.sum(ops.cast(ops.not_equal(y_true, PAD), "float32")))

    def result(self):
        return self.real + 0.0  # a value of its own: Keras resets the variable before it reads the figures of an epoch


@serializable
class PaddingShare(keras.metrics.Metric):
    """Share of the label positions that are padding: work done for nothing.

    Call:
        y_true: (B, T) int labels.
        y_pred: unused.
    """

    def __init__(self, name: str = "padding"):
        super().__init__(name=name, dtype="float32")
        self.padding = self.add_variable((), "zeros", name="padding")
        self.positions = self.add_variable((), "zeros", name="positions")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.padding.assign_add(ops.sum(ops.cast(ops.equal(y_true, PAD), "float32")))
        self.positions.assign_add(ops.cast(ops.size(y_true), "float32"))

    def result(self):
        return self.padding / ops.maximum(self.positions, 1.0)


class Throughput(keras.callbacks.Callback):
    """Adds `tokens_per_second` (real target tokens) to the logs of every epoch, and of every step for who reads it.

    The model is compiled with `metrics=[..., TokenCount()]`, which counts `tokens` in an epoch. Time spent in
    validation and decoding does not count.
    """

    def __init__(self):
        super().__init__()
        self.rate = 0.0
        """Target tokens a second since the epoch began."""

    def on_epoch_begin(self, epoch, logs=None):
        self._begun, self._first = time.monotonic(), None

    def on_train_batch_end(self, batch, logs=None):
        tokens = float((logs or {}).get("tokens", 0.0))
        if self._first is None:
            # The first step is left out: it may hold the tracing of the graph, and on resume the count is not 0.
            self._first, self._begun = tokens, time.monotonic()
            return
        self.rate = (tokens - self._first) / max(time.monotonic() - self._begun, 1e-9)
        if logs is not None:
            logs["tokens_per_second"] = self.rate

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["tokens_per_second"] = self.rate
            for name in ("val_tokens", "val_padding"):
                logs.pop(name, None)

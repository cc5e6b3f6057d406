"""Stops before what is not a number spreads."""

import math

import keras

from seq2seq_keras.training.state import Diverged


class RequireFinite(keras.callbacks.Callback):
    """Ends training with a clear error at the first step whose loss is NaN or infinite.

    Raises:
        Diverged: what was saved before is good.
    """

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            raise Diverged(
                f"the loss is {loss} after step {batch + 1} of this epoch",
                remedy="begin a new run with a lower learning rate, a longer warmup, or clipped gradients",
            )

"""Averages of weights along the way of training: they are often better than where it stands."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable
from seq2seq_keras.training.around import Around


@serializable
class Averaged(Around):
    """After each update of another optimizer: a = d a + (1 - d) w, d = min(decay, (1 + n) / (10 + n)) at update n.

    So the average forgets the first weights early, and later remembers about 1 / (1 - decay) updates. It begins as the
    weights that `build` finds (Keras' own `use_ema` begins with zeros, and keeps `decay` from the start). Training
    goes on with w; `ShowAverages` lets others see a, and when `fit` ends, the model has a: what `Best` and
    `Checkpoints` wrote is to be gone on from.

    Args:
        inner_optimizer: does the work.
        decay: d in the long run, from 0 to below 1.

    Raises:
        ValueError: `decay` is outside of that.

    Reference: Polyak and Juditsky, 1992; the rising d as in TensorFlow's `ExponentialMovingAverage`.
    """

    def __init__(self, inner_optimizer: keras.optimizers.Optimizer, decay: float = 0.999, name: str | None = None):
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, found {decay}")
        super().__init__(inner_optimizer, name)
        self.decay = decay

    def build(self, variables):
        """Makes an average of each of them, and the other optimizer's variables."""
        self.averages = [
            self.add_variable_from_reference(variable, "average", lambda *_, now=variable, **__: ops.copy(now))
            for variable in variables
        ]
        super().build(variables)

    def apply(self, grads, trainable_variables=None):
        """One update, and its share in the averages; arguments as of every optimizer."""
        weights = self._weights(trainable_variables)
        self.inner_optimizer.apply(grads, weights)
        n = ops.cast(self.iterations, "float32")
        keep = ops.minimum(self.decay, (1.0 + n) / (10.0 + n))
        for weight in weights:
            average = self.averages[self._get_variable_index(weight)]
            average.assign(average + (weight - average) * ops.cast(1.0 - keep, weight.dtype))

    def finalize_variable_values(self, var_list):
        """Gives weights their averages; `fit` calls it when it ends."""
        for weight in var_list:
            weight.assign(self.averages[self._get_variable_index(weight)])


class ShowAverages(keras.callbacks.Callback):
    """Callbacks between this one and its `end` find the averages in the model when an epoch ends; so does validation.

        shown = ShowAverages()
        model.fit(..., callbacks=[shown, best, shown.end, checkpoints])

    `Checkpoints` stands behind the end, since training goes on from the weights themselves. For any optimizer whose
    `finalize_variable_values` knows averages: `Averaged`, also inside others, and Keras' own with `use_ema`.
    """

    def __init__(self):
        super().__init__()
        self._weights: list | None = None
        self.end = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs=None: self.hide())

    def show(self) -> None:
        """Gives the model the averages until `hide`."""
        if self._weights is None:
            self._weights = [ops.convert_to_numpy(weight) for weight in self.model.trainable_variables]
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def hide(self) -> None:
        """Gives the model its weights back, bit for bit."""
        if self._weights is not None:
            for variable, weight in zip(self.model.trainable_variables, self._weights):
                variable.assign(weight)
            self._weights = None

    def on_test_begin(self, logs=None):
        self.show()

    def on_test_end(self, logs=None):
        self.hide()

    def on_epoch_end(self, epoch, logs=None):
        self.show()

"""Several small batches that count as one large one."""

import keras
from keras import ops

from seq2seq_keras.context import PAD
from seq2seq_keras.serial import serializable
from seq2seq_keras.training.around import Around


@serializable
class Accumulated(Around):
    """Adds up the gradients of `steps` batches and hands their mean to another optimizer, once for all of them.

    g = sum_i n_i g_i / sum_i n_i, n_i the tokens of batch i: of a loss that is a mean over tokens this is the gradient
    of one batch that holds all of them. `Seq2Seq.train_step` tells n_i by `weigh`; where nobody does all batches count
    alike, as with Keras' own `gradient_accumulation_steps`.

    What stands inside counts updates, not batches: `iterations`, a schedule of the learning rate, averages of weights,
    and `global_clipnorm`, which then clips the mean. Sums are kept from epoch to epoch, and are part of `variables`: a
    checkpoint may fall between two batches of one update. Batches after the last update of all are not learned from.

    Args:
        inner_optimizer: does the work.
        steps: batches of an update.
        mean: False hands on the sum of the gradients, for a loss that is a sum over tokens.

    Raises:
        ValueError: `steps` is below 1.
    """

    def __init__(
        self, inner_optimizer: keras.optimizers.Optimizer, steps: int, mean: bool = True, name: str | None = None
    ):
        if steps < 1:
            raise ValueError(f"steps must be at least 1, found {steps}")
        super().__init__(inner_optimizer, name)
        self.steps, self.mean = steps, mean
        self.taken = self._number("taken", "zeros", "int32")
        """() int32 variable: batches since the last update."""
        self.weight = self._number("weight", "ones", "float32")
        """() float32 variable: n_i of the batch at hand."""
        self.total = self._number("total", "zeros", "float32")
        """() float32 variable: sum of n_i since the last update."""

    def build(self, variables):
        """Makes a sum for each of them, and the other optimizer's variables."""
        self.sums = [self.add_variable_from_reference(variable, name="sum") for variable in variables]
        super().build(variables)

    def weigh(self, labels) -> None:
        """Tells, before `apply`, which labels the gradients are of: (B, T) int, PAD where there is nothing to learn."""
        self.weight.assign(ops.sum(ops.cast(ops.not_equal(labels, PAD), "float32")))

    def apply(self, grads, trainable_variables=None):
        """Adds one batch; the last of `steps` ends in an update.

        Args:
            grads: a tensor for each variable; None where there is no gradient.
            trainable_variables: as `build` was given; needed only if it was not called.
        """
        weights = self._weights(trainable_variables)
        sums = [self.sums[self._get_variable_index(weight)] for weight in weights]
        weight, total = (self.weight, self.total + self.weight) if self.mean else (1.0, 1.0)
        grads = [None if gradient is None else ops.convert_to_tensor(gradient) for gradient in grads]
        whole = [
            None if gradient is None else before + gradient * ops.cast(weight, gradient.dtype)
            for gradient, before in zip(grads, sums)
        ]

        def update():
            share = 1.0 / ops.maximum(total, 1.0)
            means = [None if one is None else one * ops.cast(share, one.dtype) for one in whole]
            self.inner_optimizer.apply(means, weights)
            for variable in (*sums, self.total, self.taken):
                variable.assign(ops.zeros_like(variable))

        def keep():
            for variable, one in zip(sums, whole):
                if one is not None:
                    variable.assign(one)
            self.total.assign(ops.add(total, 0.0))
            self.taken.assign_add(1)

        ops.cond(ops.equal(self.taken, self.steps - 1), update, keep)

    def _number(self, name: str, first: str, dtype: str):
        return self.add_variable((), first, dtype, aggregation="only_first_replica", name=name)

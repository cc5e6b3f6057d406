"""What optimizers have in common that stand around another one."""

import keras


class Around(keras.optimizers.Optimizer):
    """Hands on to another optimizer what a kind of it makes of the gradients; `apply` is the kind's own.

    `iterations` and `learning_rate` are those of the other optimizer, whose state is part of `variables`.

    Args:
        inner_optimizer: the other one; it may stand around a third.
    """

    def __init__(self, inner_optimizer: keras.optimizers.Optimizer, name: str | None = None):
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer

    def build(self, variables):
        """Makes the other optimizer's variables for the same weights."""
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self):
        """Own ones, then all of the other optimizer."""
        return super().variables + self.inner_optimizer.variables

    @property
    def iterations(self):
        """Updates taken, by the other optimizer's count."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        """The other optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    def finalize_variable_values(self, var_list):
        """As the other optimizer does, for one that keeps averages of the weights."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def _weights(self, trainable_variables) -> list:
        """Those that `apply` was given, or those that `build` was."""
        if not self.built:
            self.build(list(trainable_variables))
        return self._trainable_variables if trainable_variables is None else list(trainable_variables)

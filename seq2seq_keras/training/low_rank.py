"""Training of a few numbers in place of a matrix: LoRA."""

import math
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq_keras.serial import serializable
from seq2seq_keras.training.around import Around


class _Adapter(NamedTuple):
    """What is learned in place of one matrix; of a weight that is none, nothing."""

    base: Any
    """W_0, as the weight was."""
    down: Any
    """A (rows, rank)."""
    up: Any
    """B (rank, columns)."""


@serializable
class LowRank(Around):
    """W = W_0 + (alpha / rank) A B: another optimizer trains A and B, and W_0 stays.

    The gradients are those of the chain rule, dL/dA = s G B^T and dL/dB = s A^T G with s = alpha / rank, G = dL/dW; so
    no layer has to know, recurrent cells and tied tables included, and the weights of the model are W at any time:
    there is nothing to merge before it is saved or exported. A layer that knows (Keras' `enable_lora`) computes the
    same W and G in each pass, at the same cost. A begins as He and others (2015) have it, B as zeros, so W_0 begins.

    Weights of fewer than two axes are trained as they are, those of more as matrices over their last. Weights that are
    not to be trained at all are to be frozen before (`freeze`). Weights given to the model after `build` are gone with
    the next update, which makes W anew.

    Args:
        inner_optimizer: does the work.
        rank: columns of A, and rows of B.
        alpha: of s; None is `rank`, s = 1.

    Raises:
        ValueError: `rank` is below 1 or `alpha` not positive.

    Reference: Hu et al., 2022.
    """

    def __init__(
        self,
        inner_optimizer: keras.optimizers.Optimizer,
        rank: int = 8,
        alpha: float | None = None,
        name: str | None = None,
    ):
        if rank < 1:
            raise ValueError(f"rank must be at least 1, found {rank}")
        if alpha is not None and alpha <= 0:
            raise ValueError(f"alpha must be positive or None, found {alpha}")
        super().__init__(inner_optimizer, name)
        self.rank, self.alpha = rank, alpha

    def build(self, variables):
        """Makes A, B and W_0 for each matrix among them, and the other optimizer's variables for A and B."""
        self.adapters = [self._adapter(variable) for variable in variables]
        trained = [
            one
            for variable, adapter in zip(variables, self.adapters)
            for one in ((variable,) if adapter is None else (adapter.down, adapter.up))
        ]
        self.inner_optimizer.build(trained)
        keras.optimizers.Optimizer.build(self, variables)

    def apply(self, grads, trainable_variables=None):
        """One update of what is trained, and the weights that follow from it; arguments as of every optimizer."""
        weights = self._weights(trainable_variables)
        adapters = [self.adapters[self._get_variable_index(weight)] for weight in weights]
        handed = []
        for gradient, weight, adapter in zip(grads, weights, adapters):
            if adapter is None:
                handed.append((gradient, weight))
            else:
                handed += zip(self._gradients(gradient, adapter), (adapter.down, adapter.up))
        self.inner_optimizer.apply(*(list(column) for column in zip(*handed)))
        for weight, adapter in zip(weights, adapters):
            if adapter is not None:
                change = self.scale * ops.matmul(adapter.down, adapter.up)
                weight.assign(adapter.base + ops.cast(ops.reshape(change, weight.shape), weight.dtype))

    @property
    def scale(self) -> float:
        """s."""
        return (self.alpha or self.rank) / self.rank

    def _gradients(self, gradient, adapter: _Adapter) -> tuple:
        if gradient is None:
            return None, None
        matrix = ops.reshape(ops.cast(ops.convert_to_tensor(gradient), "float32"), (adapter.down.shape[0], -1))
        down = ops.matmul(matrix, ops.transpose(adapter.up))
        up = ops.matmul(ops.transpose(adapter.down), matrix)
        return self.scale * down, self.scale * up

    def _adapter(self, weight) -> _Adapter | None:
        if len(weight.shape) < 2:
            return None
        rows, columns = as_matrix(weight.shape)
        name = weight.path.replace("/", "_")
        return _Adapter(
            self.add_variable_from_reference(weight, "base", lambda *_, **__: ops.copy(weight)),
            self.add_variable((rows, self.rank), "he_uniform", "float32", name=f"{name}_down"),
            self.add_variable((self.rank, columns), "zeros", "float32", name=f"{name}_up"),
        )


def as_matrix(shape) -> tuple[int, int]:
    """Rows and columns of a weight taken as a matrix over its last axis."""
    return math.prod(shape[:-1]), shape[-1]


def adapted_numbers(shape, rank: int) -> int:
    """How many numbers are trained in place of a weight of this shape."""
    return math.prod(shape) if len(shape) < 2 else rank * sum(as_matrix(shape))

"""No update that is not a number ever reaches a weight."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable
from seq2seq_keras.training.around import Around


@serializable
class GuardedOptimizer(Around):
    """Measures the gradients of a step, clips them, and hands them to another optimizer only if they are finite.

    Where the norm of all gradients together is NaN or infinite nothing moves but the counts: weights, moments and
    `iterations` of the other optimizer stay as they were. `iterations` and `learning_rate` are those of the other
    optimizer; so are weight decay, averages and accumulation, which it is to be given.

    Of gradients that are accumulated inside the other optimizer each part is measured and guarded alone; clip their
    mean there (`global_clipnorm`), not here. With several replicas, call `apply` outside `strategy.run`, with the sum
    over the replicas: all must agree on whether it is finite. Under mixed_float16 Keras puts a `LossScaleOptimizer`
    around this one; what that skips while it looks for its scale is not seen, and not counted, here.

    Args:
        inner_optimizer: does the work.
        clip: longest norm of all gradients together, longer ones are shortened to it; None is no limit.

    Raises:
        ValueError: `clip` is not positive, or the other optimizer clips too, or scales the loss.
    """

    def __init__(self, inner_optimizer: keras.optimizers.Optimizer, clip: float | None = None, name: str | None = None):
        super().__init__(inner_optimizer, name)
        if clip is not None and clip <= 0:
            raise ValueError(f"clip must be positive or None, found {clip}")
        limits = {limit: getattr(inner_optimizer, limit) for limit in ("clipnorm", "clipvalue", "global_clipnorm")}
        if clip is not None and any(limits.values()):
            raise ValueError(f"gradients are clipped in one place: clip is {clip} and inner_optimizer has {limits}")
        if inner_optimizer.loss_scale_factor is not None:
            raise ValueError(
                f"inner_optimizer scales the loss by {inner_optimizer.loss_scale_factor}; expected a "
                "keras.optimizers.LossScaleOptimizer around the GuardedOptimizer"
            )
        self.clip = clip
        self.gradient_norm = self._count("gradient_norm", "float32")
        """() float32 variable: norm of all gradients of the last step together, before clipping; NaN or infinite if
        the step was skipped."""
        self.skipped = self._count("skipped", "int64")
        """() int64 variable: steps skipped in all."""
        self.skipped_in_a_row = self._count("skipped_in_a_row", "int64")
        """() int64 variable: steps skipped since the last that was taken."""

    def apply(self, grads, trainable_variables=None):
        """One step, or none.

        Args:
            grads: a tensor for each variable; None where there is no gradient.
            trainable_variables: as `build` was given; needed only if it was not called.
        """
        weights = self._weights(trainable_variables)
        # A dense tensor adds up what sparse slices hold several times: the norm is of the sum, and so are the moments.
        grads = [None if gradient is None else ops.convert_to_tensor(gradient) for gradient in grads]
        norm = _norm([gradient for gradient in grads if gradient is not None])
        self.gradient_norm.assign(norm)
        ops.cond(ops.isfinite(norm), lambda: self._take(self._clipped(grads, norm), weights), self.skip)

    def skip(self) -> None:
        """Counts a step that was not taken, here or by an optimizer around this one."""
        self.skipped.assign_add(1)
        self.skipped_in_a_row.assign_add(1)

    def _take(self, grads, weights) -> None:
        self.inner_optimizer.apply(grads, weights)
        self.skipped_in_a_row.assign(ops.zeros_like(self.skipped_in_a_row))

    def _clipped(self, grads, norm) -> list:
        if self.clip is None:
            return grads
        share = self.clip / ops.maximum(norm, self.clip)
        return [None if gradient is None else gradient * ops.cast(share, gradient.dtype) for gradient in grads]

    def _count(self, name: str, dtype: str):
        return self.add_variable((), "zeros", dtype, aggregation="only_first_replica", name=name)


def _norm(grads: list):
    squares = [ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in grads]
    return ops.sqrt(ops.sum(ops.stack(squares)))


def guard(model: keras.Model) -> GuardedOptimizer | None:
    """The guard among a compiled model's optimizers, also inside of another; None if there is none."""
    optimizer = model.optimizer
    while optimizer is not None and not isinstance(optimizer, GuardedOptimizer):
        optimizer = getattr(optimizer, "inner_optimizer", None)
    return optimizer

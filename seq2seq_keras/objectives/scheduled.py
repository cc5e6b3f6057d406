"""Training on beginnings that are the model's own."""

import keras
from keras import ops

from seq2seq_keras.objectives import own_words
from seq2seq_keras.serial import serializable

_WAYS = {"steps": own_words.step_by_step, "pass": own_words.in_one_pass}


@serializable
class ScheduledSampling(keras.losses.Loss):
    """The loss of a model that is fed, with probability 1 - p at each place, its own word instead of the true one.

    It changes what a training step feeds, and nothing else: `loss` and the metrics see one pass over the targets that
    `inputs` made, with dropout and gradients as ever (choosing a word has no gradient, here as in the paper). While
    p = 1 nothing is added to a step of teacher forcing. Evaluation is `loss` under teacher forcing.

    Which words the model would say is found without dropout and without gradients, in one of two ways: `steps` feeds
    the model step by step what it is to be fed, so that errors pile up as they do in use (Bengio et al.); `pass` takes
    what it says after each true beginning, all places at once (Mihaylova and Martins; Duckworth et al.).

    Args:
        loss: of one pass, such as `CrossEntropy` or `RDrop`.
        schedule: count to p, such as `Linear(0.05)`.
        steps_per_epoch: training steps of an epoch, where the schedule counts epochs; nothing means that it counts
            steps. Both count from 0, by the optimizer.
        way: `steps` or `pass`; nothing means `pass` where every step of a decoder looks at all earlier ones
            (`model.lengthen` is there), as in a Transformer, and `steps` elsewhere.
        sample: feeds a word drawn from the model's distribution instead of the likeliest one.
        seed: of which places are fed, and of what is drawn. Numbers depend on it and on the optimizer's count of
            steps only, so that a resumed run draws what it would have drawn.

    Call:
        y_true: (B, T) int labels, PAD where there is nothing to learn.
        y_pred: as `loss` takes it.
        returns: scalar float32.

    Raises:
        ValueError: another way, or an epoch of no step.

    Reference: Bengio et al., 2015; Duckworth et al., 2019; Mihaylova and Martins, 2019.
    """

    def __init__(
        self,
        loss,
        schedule,
        steps_per_epoch: int | None = None,
        way: str | None = None,
        sample: bool = False,
        seed: int = 0,
        name: str = "scheduled_sampling",
    ):
        if way not in (None, *_WAYS):
            raise ValueError(f"way must be one of {sorted(_WAYS)} or None, found {way!r}")
        if steps_per_epoch is not None and steps_per_epoch < 1:
            raise ValueError(f"steps_per_epoch must be 1 or more, found {steps_per_epoch}")
        super().__init__(name=name, reduction=loss.reduction, dtype="float32")
        self.loss, self.schedule, self.steps_per_epoch = loss, schedule, steps_per_epoch
        self.way, self.sample, self.seed = way, sample, seed

    def share(self, steps):
        """p after so many training steps: scalar int to scalar float32."""
        steps = ops.cast(steps, "int32")
        return self.schedule(steps if self.steps_per_epoch is None else ops.floor_divide(steps, self.steps_per_epoch))

    def inputs(self, model, x):
        """What this training step feeds: `x` with own words in its `target`, (B, T) int32, BOS first."""
        steps = ops.cast(ops.convert_to_tensor(model.optimizer.iterations), "int32")
        x = {name: ops.cast(ids, "int32") for name, ids in x.items()}
        share, shape = self.share(steps), ops.shape(x["target"])
        way = self._way_of(model)

        def mixed():
            keep = ops.less(_uniform(shape, self.seed, 2 * steps), share)
            return way(model, x, keep, self._drawn(shape, steps) if self.sample else _likeliest)

        return {**x, "target": ops.cond(ops.less(share, 1.0), mixed, lambda: x["target"])}

    def predictions(self, model, x, y_pred):
        """Those that `loss` wants, over the same inputs."""
        wanted = getattr(self.loss, "predictions", None)
        return y_pred if wanted is None else wanted(model, x, y_pred)

    def call(self, y_true, y_pred):
        return self.loss(y_true, y_pred)

    def _way_of(self, model):
        return _WAYS[self.way or ("steps" if model.lengthen is None else "pass")]

    def _drawn(self, shape, steps):
        """A word of each distribution: the first at which the sum of probabilities passes a uniform number."""
        numbers = _uniform(shape, self.seed, 2 * steps + 1)

        def choose(logits, places):
            passed = ops.cumsum(ops.softmax(logits), axis=-1)
            threshold = ops.expand_dims(ops.take(numbers, places, axis=1), -1)
            before = ops.sum(ops.cast(ops.less_equal(passed, threshold), "int32"), axis=-1)
            return ops.minimum(before, logits.shape[-1] - 1)  # the sum of all may end just below 1

        return choose


def _likeliest(logits, places):
    return ops.cast(ops.argmax(logits, axis=-1), "int32")


class _Seed(keras.random.SeedGenerator):
    """A seed that is a tensor and has no state: Keras' generators take a number, or an object of this kind."""

    def __init__(self, seed: int, number):
        self.pair = ops.stack([ops.full((), seed % 2**31, dtype="int32"), number])

    def next(self, ordered=True):
        return self.pair


def _uniform(shape, seed: int, number):
    """Numbers from 0 to below 1 that depend on the seed and the number only."""
    return keras.random.uniform(shape, dtype="float32", seed=_Seed(seed, number))

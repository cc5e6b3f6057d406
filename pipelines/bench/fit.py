"""One turn of one family: `compile` and `fit` as a user writes them, with a stopwatch; and the machine's peak."""

import time
from typing import NamedTuple

import keras
import numpy as np

from pipelines import demands
from pipelines import peak as products
from pipelines.bench import flops
from pipelines.bench.corpora import Material
from pipelines.settings import Bench
from seq2seq_keras import data, models, objectives
from seq2seq_keras.serial import global_policy

HEADS = 4
"""Attention heads of the Transformer; more or fewer cost the same products."""


class Turn(NamedTuple):
    """What was trained on between the two marks of a stopwatch."""

    seconds: float
    steps: int
    target: int
    """Real target positions, EOS included."""
    padding: float
    """Share of all positions, of both sides, that are padding."""
    work: float
    """Useful operations; see `bench.flops`."""

    def figures(self) -> dict:
        """For the report: rates a second."""
        return {
            "target_tokens_per_second": self.target / self.seconds,
            "padding": self.padding,
            "useful_gflops": self.work / self.seconds / 1e9,
            "seconds": self.seconds,
            "steps": self.steps,
        }


class Stopwatch(keras.callbacks.Callback):
    """Lets the warm-up pass, times what follows, then stops the training.

    Which pairs a step saw is not asked of the model: the plan says it, at no cost.

    Args:
        plan: the one `data.batch` follows.
        warmup: most seconds of warm-up, which else ends with the first epoch.
        seconds: at least so many are timed.
    """

    def __init__(self, plan: data.BatchPlan, warmup: float, seconds: float):
        super().__init__()
        self._plan, self._warmup, self._seconds = plan, warmup, seconds
        self._first = self._begun = None
        self.batches: list[np.ndarray] = []
        """Indices of the pairs of every timed step."""
        self.took = 0.0
        """Seconds they took."""

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._order = epoch, self._plan.epoch(epoch)

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if self._first is None:
            self._first = now
        if self._begun is None:
            last = batch + 1 == len(self._order)
            if last or self._epoch or now - self._first >= self._warmup:
                self._begun = _wait(logs)
            return
        self.batches.append(self._order[batch])
        if now - self._begun >= self._seconds:
            self.took = _wait(logs) - self._begun
            self.model.stop_training = True


def check_width(settings) -> None:
    """Refuses a `width` that the heads cannot share."""
    demands.demand(settings, ["width"], lambda width: width % HEADS == 0, f"a multiple of {HEADS}")


def turn(family: str, precision: str, settings: Bench, material: Material) -> Turn:
    """Trains a fresh model of the family under a policy; its first steps are not timed."""
    with global_policy(precision):
        keras.utils.set_random_seed(0)
        model = build(family, settings, material.vocabulary)
    watch = Stopwatch(data.plan(material.examples, settings.batch_tokens), settings.warmup, settings.seconds)
    batches = data.batch(material.examples, settings.batch_tokens)
    model.fit(batches, epochs=1_000_000, callbacks=[watch], shuffle=False, verbose=0)  # the batches are shuffled
    keras.backend.clear_session()  # a model a turn would add up
    sizes = flops.Sizes(family, material.vocabulary, settings.width, settings.depth)
    return _counted(watch, sizes, *material.lengths)


def build(family: str, settings: Bench, vocabulary: int) -> keras.Model:
    """A compiled model of the bench's sizes; gradients are not clipped, as the peer does not."""
    options = {"heads": HEADS} if family == "transformer" else {}
    model = getattr(models, family)(vocabulary, width=settings.width, depth=settings.depth, dropout=0.1, **options)
    model.compile(
        keras.optimizers.Adam(1e-4),
        objectives.CrossEntropy(smoothing=0.1),
        jit_compile=False,  # batches differ in shape: XLA would compile each anew
    )
    return model


def peak(precision: str, settings: Bench) -> float:
    """Fastest matrix product of several shapes, in operations a second, in the numbers that a policy computes in.

    Threads are as TensorFlow chose them. The shapes are large squares and those of the models: a batch's positions
    by width, inner width and vocabulary.
    """
    rows, width = settings.batch_tokens, settings.width
    shapes = [(1024,) * 3, (2048,) * 3, (rows, width, 4 * width), (rows, 4 * width, width)]
    shapes.append((rows, width, settings.vocabulary))
    dtype = keras.dtype_policies.get(precision).compute_dtype
    return max(products.rate(*shape, dtype) for shape in shapes)


def _wait(logs) -> float:
    """The time when the step that gave these logs is done: a graphics card answers before it is."""
    float(logs["loss"])
    return time.perf_counter()


def _counted(watch: Stopwatch, sizes: flops.Sizes, source: np.ndarray, target: np.ndarray) -> Turn:
    positions = sum(len(rows) * int(source[rows].max() + target[rows].max()) for rows in watch.batches)
    seen = np.concatenate(watch.batches)
    real = int(source[seen].sum() + target[seen].sum())
    work = flops.training(sizes, source[seen], target[seen])
    return Turn(watch.took, len(watch.batches), int(target[seen].sum()), 1 - real / positions, work)

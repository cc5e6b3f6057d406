"""What watching and keeping cost: a run with everything switched on, against `fit` alone on the same model and batches.

    python -m pipelines bench overhead --output reports/bench

Everything: the guarded optimizer, metrics, TensorBoard with curves, histograms and projector, checkpoints, best
weights, history and progress. Left out on both sides are validation and decoding, which `fit` alone does not do. A
turn trains both, in alternating order; times are of whole epochs and all that comes between them, but for the first.
"""

import math
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import keras

from pipelines import families, objective, runs, scores, steps, watch
from pipelines.bench import corpora, tables
from pipelines.settings import BenchOverhead, Board, Model, Translate, Vocabulary
from seq2seq_keras import data
from seq2seq_keras.errors import InputError

FILE = "bench_overhead.md"
LIMIT = 0.05
"""What it may cost: share of the time of `fit` alone."""


class Epochs(keras.callbacks.Callback):
    """Notes when each epoch begins, and when the last has ended."""

    def __init__(self):
        super().__init__()
        self.moments: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.moments.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Of every epoch but the first, which holds the tracing, and the last, whose end is not seen."""
        return [after - before for before, after in zip(self.moments[1:], self.moments[2:])]


def run(settings: BenchOverhead) -> int:
    """The command; returns the exit code."""
    for name in ("width", "depth", "vocabulary", "batch_tokens", "pairs", "turns", "epochs"):
        if (value := getattr(settings, name)) < 1:
            raise InputError(f"--{name.replace('_', '-')} is {value}", expected="1 or more")
    if settings.output:
        runs.check_folder(settings.output)
    asked = _asked(settings)
    corpus = steps.read(settings.train, "train") or corpora.made_up(settings.pairs)
    material = steps.prepare(corpus, None, asked, asked.output, resumed=False)
    print(f"{corpus.name}: {len(material.train):,} pairs, {material.epoch:,} steps an epoch", flush=True)
    turns = [_turn(number, asked, material) for number in range(1, settings.turns + 1)]
    shares = [row["everything"] / row["fit"] - 1 for row in turns]
    summary = {name: _spread([row[name] for row in turns]) for name in ("fit", "everything")}
    report = {
        **tables.about(settings),
        "settings": runs.plain(settings),
        "turns": turns,
        "steps": material.epoch,
        "data": {"name": corpus.name, "pairs": len(material.train)},
        "summary": summary | {"overhead": _spread(shares)},
    }
    tables.show(render(report), settings.output, FILE)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def render(report: dict) -> str:
    """The report as Markdown."""
    summary, steps_in_all = report["summary"], report["steps"]
    rows = [
        (name, tables.span([1000 * second / steps_in_all for second in summary[name]], "{:,.2f}"))
        for name in ("fit", "everything")
    ]
    rows.append(("overhead", tables.span(summary["overhead"], "{:.1%}")))
    notes = [
        f"Median (least to most) of {report['settings']['turns']} turns, each of {report['settings']['epochs']} timed "
        f"epochs of {steps_in_all:,} steps of either; overhead is by turn, and may be {LIMIT:.0%}.",
        "Everything: guarded optimizer, metrics, TensorBoard (curves, HParams, histograms each epoch, projector), "
        "checkpoints, best weights, history, progress; without validation and decoding.",
        f"Data: {report['data']['name']}, {report['data']['pairs']:,} pairs.",
        *tables.origin(report),
    ]
    return tables.page(("", "ms a step"), rows, notes)


def _turn(number: int, asked: Translate, material: steps.Material) -> dict:
    """Seconds of the median epoch of both."""
    ways, seconds = {"fit": _alone, "everything": _watched}, {}
    for name in list(ways) if number % 2 else reversed(ways):
        seconds[name] = statistics.median(ways[name](asked, material))
        keras.backend.clear_session()  # a model a turn would add up
        print(f"turn {number}: {name} {1000 * seconds[name] / material.epoch:,.2f} ms a step", flush=True)
    return {"turn": number, **seconds}


def _alone(asked: Translate, material: steps.Material) -> list[float]:
    """`compile` and `fit` as a user writes them."""
    clock = Epochs()
    keras.utils.set_random_seed(0)
    model = families.build(asked.model, material.source.size, None)
    rate = keras.optimizers.Adam(asked.lr, beta_2=0.98, epsilon=1e-9, global_clipnorm=asked.clip)
    model.compile(rate, objective.loss(asked, material.epoch), jit_compile=False)
    batches = data.batch(material.train, asked.batch_tokens)
    model.fit(batches, epochs=asked.epochs, callbacks=[clock], shuffle=False, verbose=0)
    return clock.seconds()


def _watched(asked: Translate, material: steps.Material) -> list[float]:
    """What `translate` does between reading and saving."""
    clock, budget = Epochs(), watch.Budget(math.inf, time.monotonic())
    with tempfile.TemporaryDirectory() as folder:
        asked = replace(asked, output=Path(folder))
        model = steps.build(asked, material)
        translator = steps.translator(model, material, asked)
        steps.fit(model, translator, material, asked, scores.judge(asked), budget, (clock,))
    return clock.seconds()


def _asked(settings: BenchOverhead) -> Translate:
    """What is trained; two epochs more than are timed."""
    return Translate(
        Path(),
        model=Model(settings.family, width=settings.width, depth=settings.depth, dropout=0.1),
        tokens=Vocabulary(size=settings.vocabulary),
        epochs=settings.epochs + 2,
        batch_tokens=settings.batch_tokens,
        precision="float32",
        board=Board(histograms=1),
    )


def _spread(values: list[float]) -> list[float]:
    return [statistics.median(values), min(values), max(values)]

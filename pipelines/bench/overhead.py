"""What watching and keeping cost: a run with everything switched on, against `fit` alone on the same model and batches.

    python -m pipelines bench overhead --output reports/bench

Everything: the guarded optimizer, metrics, TensorBoard with curves, histograms and projector, checkpoints, best
weights, history, progress, and operations that give the same bits again, without which no resume is exact. Left out
on both sides are validation and decoding, which `fit` alone does not do. The two train in turns, an epoch each; times
are of whole epochs and all that comes between them, but for the first.
"""

import math
import tempfile
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import keras

from pipelines import demands, families, objective, runs, scores, steps, watch
from pipelines.bench import alternating, corpora, tables
from pipelines.settings import BenchOverhead, Board, Model, Translate, Vocabulary
from seq2seq_keras import data

FILE = "bench_overhead.md"
LIMIT = 0.05
"""What it may cost: share of the time of `fit` alone."""
WAYS = ("fit", "everything")


class Turns(keras.callbacks.Callback):
    """Waits before each epoch until it is this training's turn."""

    def __init__(self, connection: Connection):
        super().__init__()
        self._baton = alternating.Baton(connection, time.perf_counter)

    def on_epoch_begin(self, epoch, logs=None):
        self._baton()


def run(settings: BenchOverhead) -> int:
    """The command; returns the exit code."""
    demands.from_one(settings, "width", "depth", "vocabulary", "batch_tokens", "pairs", "turns")
    if settings.output:
        runs.check_folder(settings.output)
    _, material = prepared(settings)  # what is wrong with the pairs is told here, once
    print(f"{len(material.train):,} pairs, {material.epoch:,} steps an epoch", flush=True)
    turns = measured(settings, material.epoch)
    shares = [row["everything"] / row["fit"] - 1 for row in turns]
    summary = {name: tables.spread([row[name] for row in turns]) for name in WAYS}
    report = {
        **tables.about(settings),
        "settings": runs.plain(settings),
        "turns": turns,
        "steps": material.epoch,
        "data": {"name": material.report["train"]["name"], "pairs": len(material.train)},
        "summary": summary | {"overhead": tables.spread(shares)},
    }
    tables.show(render(report), settings.output, FILE)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def measured(settings: BenchOverhead, steps_in_all: int) -> list[dict]:
    """Seconds of an epoch of both, turn by turn, in alternating order."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        calls = {"fit": (settings,), "everything": (settings, Path(folder))}
        with alternating.trainings(__name__, calls) as started:
            for name in WAYS:
                started[name].epoch()  # which holds the tracing
            for number in range(1, settings.turns + 1):
                row = {name: started[name].epoch() for name in (WAYS if number % 2 else reversed(WAYS))}
                said = ", ".join(f"{name} {1000 * row[name] / steps_in_all:,.2f} ms a step" for name in WAYS)
                print(f"turn {number}: {said}, {row['everything'] / row['fit'] - 1:.1%} more", flush=True)
                rows.append({"turn": number, **row})
    return rows


def render(report: dict) -> str:
    """The report as Markdown."""
    summary, steps_in_all = report["summary"], report["steps"]
    rows = [
        (name, tables.span([1000 * second / steps_in_all for second in summary[name]], "{:,.2f}"))
        for name in ("fit", "everything")
    ]
    rows.append(("overhead", tables.span(summary["overhead"], "{:.1%}")))
    notes = [
        f"Median (least to most) of {report['settings']['turns']} turns, each an epoch of {steps_in_all:,} steps of "
        f"either; overhead is by turn, and may be {LIMIT:.0%}.",
        "Everything: guarded optimizer, metrics, TensorBoard (curves, HParams, histograms each epoch, projector), "
        "checkpoints, best weights, history, progress, reproducible operations; without validation and decoding.",
        f"Data: {report['data']['name']}, {report['data']['pairs']:,} pairs.",
        *tables.origin(report),
    ]
    return tables.page(("", "ms a step"), rows, notes)


def prepared(settings: BenchOverhead) -> tuple[Translate, steps.Material]:
    """What is trained, and on what: the same in every process."""
    asked = _asked(settings)
    corpus = steps.read(settings.train, "train") or corpora.made_up(settings.pairs)
    return asked, steps.prepare(corpus, None, asked, asked.output, resumed=False)


def fit(settings: BenchOverhead, connection: Connection) -> None:
    """`compile` and `fit` as a user writes them."""
    asked, material = prepared(settings)
    keras.utils.set_random_seed(0)
    model = families.build(asked.model, material.source.size, None)
    rate = keras.optimizers.Adam(asked.lr, beta_2=0.98, epsilon=1e-9, global_clipnorm=asked.clip)
    model.compile(rate, objective.loss(asked, material.epoch), jit_compile=False)
    batches = data.batch(material.train, asked.batch_tokens)
    model.fit(batches, epochs=asked.epochs, callbacks=[Turns(connection)], shuffle=False, verbose=0)


def everything(settings: BenchOverhead, folder: Path, connection: Connection) -> None:
    """What `translate` does between reading and saving."""
    asked, material = prepared(settings)
    asked, budget = replace(asked, output=folder), watch.Budget(math.inf, time.monotonic())
    model = steps.build(asked, material)
    translator = steps.translator(model, material, asked)
    steps.fit(model, translator, material, asked, scores.judge(asked), budget, (Turns(connection),))


def _asked(settings: BenchOverhead) -> Translate:
    """What is trained: an epoch before those that are timed, and one that only begins."""
    return Translate(
        Path(),
        model=Model(settings.family, width=settings.width, depth=settings.depth, dropout=0.1),
        tokens=Vocabulary(size=settings.vocabulary),
        epochs=settings.turns + 2,
        batch_tokens=settings.batch_tokens,
        precision="float32",
        board=Board(histograms=1),
    )

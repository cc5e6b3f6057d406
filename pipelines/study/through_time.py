"""Gradients through time: dL/dh_t by distance, for each cell, before and after training, with and without clipping."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from pipelines import runs
from pipelines.settings import Study
from pipelines.study import earlier_seeds, recall
from pipelines.study.trained import Row, slug
from seq2seq_keras import training

LENGTH = 40
"""Positions of a row."""
STEPS = 800
"""Of training."""
_BATCH, _RATE, _ROWS = 32, 3e-3, 256
_CELLS = {"rnn": ("rnn", 1.0), "rnn x2": ("rnn", 2.0), "gru": ("gru", 1.0), "lstm": ("lstm", 1.0)}
"""Name to cell and gain of the first recurrent weights: twice an orthogonal matrix makes gradients explode."""
BUDGET = f"recall, {STEPS} steps"
"""What the rows are called together."""
DESCRIBED = (
    f"Recall of one symbol in {LENGTH} positions of noise, {STEPS} steps of {_BATCH} rows, Adam at {_RATE:g}; "
    "recalled and measured with the symbol at the first position. A factor a step is by what the norm changes from one "
    "position to the one before. Largest: norm of the gradient of all weights. x2: first recurrent weights twice an "
    "orthogonal matrix."
)
"""The task, for the report."""


def rows(settings: Study, folder: Path) -> list[Row]:
    """One row for each cell, with and without clipping, and seed; what is in the folder is not trained again.

    Seeds with which all cells were trained earlier join those that are given.
    """
    found, units = [], settings.model.width
    place = folder / "recall" / f"{units}-units"
    variants = [f"{name}, clipped" if clip else name for name in _CELLS for clip in (0, 1)]
    for seed in earlier_seeds.joined(settings.seeds, _trained_before(place, variants)):
        for name, (kind, gain) in _CELLS.items():
            for clip in (0.0, 1.0):
                variant = f"{name}, clipped" if clip else name
                kept = place / f"{slug(variant)}-seed-{seed}.json"
                if not kept.exists():
                    runs.write_json(kept, measured(variant, kind, gain, clip, seed, units)._asdict())
                row = Row(**runs.read_json(kept))
                row = row._replace(figures=row.figures | told(row.norms))  # which earlier files do not all hold
                shown = "  ".join(f"{title} {value:.3g}" for title, value in row.figures.items())
                print(f"seed {seed}: {row.variant}: {shown}", flush=True)
                found.append(row)
    return found


def _trained_before(place: Path, variants: list[str]) -> set[int]:
    """Seeds with which every variant was measured."""
    names = [path.stem for path in place.glob("*.json")]
    return set.intersection(*(earlier_seeds.found(names, f"{slug(variant)}-") for variant in variants))


def measured(variant: str, kind: str, gain: float, clip: float, seed: int, units: int) -> Row:
    """Trains one cell on the task and measures it before and after.

    Args:
        clip: largest global norm of the gradient; 0 is none.
        units: width of the state.
    """
    training.use_precision("float32")
    keras.utils.set_random_seed(seed)
    memory, random = recall.Memory(kind, units, gain), np.random.default_rng(seed)
    asked = recall.draw(np.random.default_rng(seed + 1_000_000), _ROWS, LENGTH, first=True)
    norms = {"first": memory.gradients(*asked)}
    begun = time.monotonic()
    sizes = memory.train(random, LENGTH, STEPS, _RATE, clip, _BATCH)
    seconds = time.monotonic() - begun
    norms["trained"] = memory.gradients(*asked)
    figures = {
        **told(norms),
        "largest": float(sizes.max()),
        "right": 100 * memory.right(*asked),
        "seconds": seconds,
    }
    plain = {name: [float(value) for value in each] for name, each in norms.items()}
    return Row(variant, BUDGET, seed, figures, norms=plain)


def told(norms: dict[str, Sequence[float]]) -> dict[str, float]:
    """Figures of norms by position, with the `first` weights and `trained`."""
    figures = {}
    for moment, suffix in (("first", "_first"), ("trained", "")):
        held = np.array(norms[moment])
        figures[f"factor{suffix}"] = factor(held)
        figures[f"unsteadiness{suffix}"] = abs(math.log(figures[f"factor{suffix}"]))
        figures[f"oldest{suffix}"] = float(held[0] / held[-1])
    return figures


def factor(norms: np.ndarray) -> float:
    """What the norm is multiplied by from one position to the one before: the least-squares line through its logarithm.

    Args:
        norms: (T,) by position; those that have underflown to 0 are left out.
    """
    distances = np.arange(len(norms))[::-1]
    alive = norms > 0
    return float(np.exp(np.polyfit(distances[alive], np.log(norms[alive]), 1)[0]))

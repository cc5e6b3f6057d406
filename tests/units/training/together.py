"""What a process does that trains small models with others, or on several devices.

It writes `CASE-HOW.npz` with the weights and the history; HOW is `fit`, `devices` or `cluster-NUMBER`.
"""

import json
import os
from pathlib import Path

import keras
import numpy as np

from seq2seq_keras import data, metrics, models, objectives, training
from tests.units.training import small

CASES = {
    # Batches of one to three rows: some devices have none. And two of them are one update.
    "few_rows": ("lstm", {}, objectives.CrossEntropy(0.1), 2, 14),
    "sum_and_coverage": (
        "attention",
        {"coverage_loss": 0.5, "input_feeding": False},
        objectives.CrossEntropy(reduction="sum"),
        1,
        small.BUDGET,
    ),
}
"""Family, its options, the loss, batches of an update, and positions of a batch."""
EPOCHS = 1


def trained(case: str, workers=None) -> tuple[list[np.ndarray], dict[str, list[float]]]:
    """Weights and history of a training without dropout."""
    family, options, loss, accumulate, budget = CASES[case]
    keras.utils.set_random_seed(5)
    model = getattr(models, family)(12, width=8, depth=1, dropout=0.0, **options)
    optimizer = training.GuardedOptimizer(keras.optimizers.Adam(1e-3), clip=1.0)
    if accumulate > 1:
        optimizer = training.Accumulated(optimizer, accumulate)
    watched = [metrics.Perplexity(), metrics.TokenAccuracy(), training.TokenCount(), training.PaddingShare()]
    model.compile(optimizer, loss, metrics=watched, jit_compile=False)
    made, _ = small.examples()
    batches = data.batch(made, budget, seed=2)
    if workers is None:
        history = model.fit(batches, epochs=EPOCHS, shuffle=False, verbose=0)
    else:
        if not workers.chief:
            model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        history = training.fit_together(model, batches, workers, epochs=EPOCHS)
    return model.get_weights(), history.history


def keep(folder: Path, name: str, weights: list[np.ndarray], history: dict) -> None:
    arrays = {f"weights-{number:03d}": weight for number, weight in enumerate(weights)}
    np.savez(folder / f"{name}.npz", history=json.dumps(history), **arrays)


def main(folder: str, mode: str, what: str) -> None:
    """Each case on so many parts of the processor, and with Keras' `fit`; or one case as `TF_CONFIG` says.

    Args:
        mode: `devices` or `cluster`.
        what: number of devices, or name of the case.
    """
    if mode == "cluster":
        team = training.Workers.of_cluster(training.read_cluster(os.environ["TF_CONFIG"]))
        keep(Path(folder), f"{what}-cluster-{team.number}", *trained(what, team))
        team.add([0])
        return
    team = training.Workers.devices(int(what))
    for case in CASES:
        keep(Path(folder), f"{case}-fit", *trained(case))
        keep(Path(folder), f"{case}-devices", *trained(case, team))

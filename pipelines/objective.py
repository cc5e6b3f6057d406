"""From the flags of an objective to the loss that training lowers."""

import math

from pipelines.settings import Objective, Translate
from seq2seq_keras import objectives
from seq2seq_keras.errors import InputError

_SCHEDULES = {
    "constant": (objectives.Constant, 0.5, "from 0 to 1", lambda k: 0 <= k <= 1),
    "linear": (objectives.Linear, 0.05, "0 or more", lambda k: k >= 0),
    "exponential": (objectives.Exponential, 0.95, "from 0 to 1", lambda k: 0 <= k <= 1),
    "inverse-sigmoid": (objectives.InverseSigmoid, 5.0, "1 or more", lambda k: k >= 1),
}
"""Of scheduled sampling: the schedule, its k for epochs where none is given, and which k will do."""


def check(settings: Objective) -> None:
    """Refuses flags that mean nothing, or nothing together.

    Raises:
        InputError: names the first such flag, what was found and what would do.
    """
    if settings.r_drop is not None and settings.r_drop <= 0:
        raise InputError(f"--r-drop is {settings.r_drop}", expected="more than 0")
    if settings.sampling is None:
        alone = next((name for name in ("k", "floor", "by") if getattr(settings, f"sampling_{name}") is not None), None)
        if alone:
            raise InputError(f"--sampling-{alone} without --sampling", remedy="add --sampling linear")
        return
    _, _, expected, good = _SCHEDULES[settings.sampling]
    if settings.sampling_k is not None and not (math.isfinite(settings.sampling_k) and good(settings.sampling_k)):
        raise InputError(
            f"--sampling-k is {settings.sampling_k} with --sampling {settings.sampling}", expected=expected
        )
    if settings.sampling_k is None and settings.sampling_by == "step" and settings.sampling != "constant":
        raise InputError("--sampling-by step without --sampling-k", remedy="add it, for a training step")
    if settings.sampling_floor is None:
        return
    if settings.sampling != "linear":
        raise InputError(f"--sampling-floor with --sampling {settings.sampling}", expected="--sampling linear")
    if not 0 <= settings.sampling_floor <= 1:
        raise InputError(f"--sampling-floor is {settings.sampling_floor}", expected="from 0 to 1")


def loss(settings: Translate, steps_per_epoch: int):
    """What training lowers: the cross-entropy of the next token, and what is asked for beside it."""
    wanted, asked = objectives.CrossEntropy(settings.smoothing, settings.reduction), settings.objective
    if asked.r_drop is not None:
        wanted = objectives.RDrop(wanted, asked.r_drop)
    if asked.sampling is None:
        return wanted
    schedule, usual, _, _ = _SCHEDULES[asked.sampling]
    floor = {} if asked.sampling_floor is None else {"floor": asked.sampling_floor}
    return objectives.ScheduledSampling(
        wanted,
        schedule(usual if asked.sampling_k is None else asked.sampling_k, **floor),
        steps_per_epoch=None if asked.sampling_by == "step" else steps_per_epoch,
        seed=settings.seed,
    )

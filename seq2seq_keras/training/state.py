"""Everything a training step reads and changes: weights, seeds, optimizer, running metrics, as named arrays.

Names are `part/position/path`. Position, shape and type decide what belongs to what; the path is compared without the
counters that Keras adds to automatic names (`dense_1`), for these depend on what else the process built before.
"""

import re

import keras
import numpy as np
from keras import ops

from seq2seq_keras.errors import InputError

WEIGHTS, OPTIMIZER, METRICS = "model", "optimizer", "metrics"
_SHOWN = 5


class Diverged(InputError):
    """Training left the finite numbers; what was saved before is good."""


def weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Weights and states of random generators."""
    return _gather(WEIGHTS, model.variables)


def training_state(model: keras.Model) -> dict[str, np.ndarray]:
    """All of a compiled model: weights, random generators, optimizer with its step count, running metrics."""
    return {
        **weights(model),
        **_gather(OPTIMIZER, _optimizer_variables(model)),
        **_gather(METRICS, model.metrics_variables),
    }


def check_finite(arrays: dict[str, np.ndarray], remedy: str) -> None:
    """Refuses weights that are not numbers any more.

    Raises:
        Diverged: names the first such weights.
    """
    bad = [name for name, array in arrays.items() if name.startswith(WEIGHTS) and not _finite(array)]
    if bad:
        raise Diverged(f"weights are not finite any more: {', '.join(bad[:_SHOWN])}", remedy=remedy)


def set_weights(model: keras.Model, arrays: dict[str, np.ndarray], where: object = "") -> None:
    """Gives a model the weights and random generators of `weights(model)`.

    Raises:
        InputError: they are of another model; nothing was changed.
    """
    _assign(_pair(WEIGHTS, model.variables, arrays, where))


def set_training_state(model: keras.Model, arrays: dict[str, np.ndarray], where: object = "") -> None:
    """Gives a compiled model everything of `training_state(model)` but its metrics, which `fit` will reset.

    Raises:
        InputError: it is of another model or optimizer; nothing was changed.
    """
    found = _pair(WEIGHTS, model.variables, arrays, where)
    _assign(found + _pair(OPTIMIZER, _optimizer_variables(model), arrays, where))


def set_metrics(model: keras.Model, arrays: dict[str, np.ndarray], where: object = "") -> None:
    """Gives a model the running metrics of `training_state(model)`, in the middle of an epoch.

    Raises:
        InputError: the model was compiled with other metrics.
    """
    build_metrics(model)
    _assign(_pair(METRICS, model.metrics_variables, arrays, where))


def _gather(part: str, variables: list) -> dict[str, np.ndarray]:
    return {
        f"{part}/{number:04d}/{variable.path}": ops.convert_to_numpy(variable.value)
        for number, variable in enumerate(_unique(variables))
    }


def _pair(part: str, variables: list, arrays: dict[str, np.ndarray], where: object) -> list[tuple]:
    stored = [(name, array) for name, array in arrays.items() if name.startswith(part + "/")]
    variables = _unique(variables)
    problems = [
        f"{name.split('/', 2)[2]} {array.shape} {array.dtype} "
        f"is {variable.path} {tuple(variable.shape)} {variable.dtype} here"
        for (name, array), variable in zip(stored, variables)
        if array.shape != tuple(variable.shape)
        or str(array.dtype) != variable.dtype
        or _plain(name.split("/", 2)[2]) != _plain(variable.path)
    ]
    extra = [name.split("/", 2)[2] for name, _ in stored[len(variables) :]]
    missing = [variable.path for variable in variables[len(stored) :]]
    problems += [f"{path} is not in this model" for path in extra]
    problems += [f"{path} is not in the file" for path in missing]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(
            f"does not fit this model's {part}: {'; '.join(problems[:_SHOWN])}{more}",
            where=where,
            remedy="build and compile the model with the settings it was trained with, or use another folder",
        )
    return [(variable, array) for variable, (_, array) in zip(variables, stored)]


def _assign(pairs: list[tuple]) -> None:
    for variable, array in pairs:
        variable.assign(array)


def _optimizer_variables(model: keras.Model) -> list:
    if model.optimizer is None:
        raise InputError("the model is not compiled", remedy="call model.compile(...) first")
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return model.optimizer.variables


def build_metrics(model: keras.Model) -> None:
    """Keras makes compiled metrics on their first batch: show them one of zeros, which is then overwritten."""
    if len(getattr(model, "outputs", None) or ()) == 1:
        predicted = ops.zeros([size or 1 for size in model.outputs[0].shape], model.outputs[0].dtype)
        model.compute_metrics(None, ops.zeros(predicted.shape[:-1], "int32"), predicted, sample_weight=None)


def _unique(variables: list) -> list:
    return list({id(variable): variable for variable in variables}.values())


def _plain(path: str) -> str:
    # The slots inside a loss-scaling optimizer bear its name only where training made them.
    path = re.sub(r"^loss_scale_optimizer(_\d+)?/(?=.+/)", "", path)
    return re.sub(r"_\d+(?=[_/]|$)", "", path)


def _finite(array: np.ndarray) -> bool:
    if array.dtype.kind in "iub" or array.dtype.kind == "U":
        return True
    # A sum is one pass without a mask in memory; only if it overflows is a closer look needed.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum(dtype="float64"))) or bool(np.isfinite(array.astype("float32")).all())

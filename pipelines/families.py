"""From the flags of a model to the model: which family takes which, and what each means to its builder."""

import dataclasses
import inspect

import keras

from pipelines.settings import Model
from seq2seq_keras import models
from seq2seq_keras.errors import InputError
from seq2seq_keras.recurrence import Cell

_OF_CELLS = {
    "cell": "kind",
    "residual": "residual",
    "layer_norm": "normalize",
    "recurrent_dropout": "recurrent_dropout",
}
"""Flags that are one argument of a builder together, and what a `Cell` calls them."""


def flag(name: str) -> str:
    """How a field is typed."""
    return "--model" if name == "family" else f"--{name.replace('_', '-')}"


def given(settings: Model) -> dict:
    """The flags that say something, without the family."""
    flags = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    del flags["family"]
    return {name: value for name, value in flags.items() if value is not None}


def own(family: str) -> dict:
    """What a family's builder takes, with its own values."""
    parameters = inspect.signature(models.FAMILIES[family]).parameters.values()
    taken = {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    del taken["name"]
    return taken


def takes(family: str, name: str) -> bool:
    """Whether a flag means something to a family."""
    return ("cell" if name in _OF_CELLS else name) in own(family)


def check(settings: Model) -> None:
    """Refuses flags that the family has no use for.

    Raises:
        InputError: names the first such flag, and the families that take it.
    """
    for name in given(settings):
        if not takes(settings.family, name):
            others = [family for family in models.FAMILIES if takes(family, name)]
            raise InputError(
                f"{flag(name)} is not for --model {settings.family}",
                expected=f"it with one of {', '.join(others)}",
                remedy="leave it out",
            )


def arguments(settings: Model) -> dict:
    """Every keyword argument of the family's builder, as the flags and its own values have it."""
    flags = given(settings)
    parts = {theirs: flags.pop(ours) for ours, theirs in _OF_CELLS.items() if ours in flags}
    every = own(settings.family) | flags
    if parts:
        usual = Cell.of(every["cell"])
        every["cell"] = Cell(**({name: getattr(usual, name) for name in _OF_CELLS.values()} | parts))
    return every


def build(settings: Model, source_size, target_size) -> models.Seq2Seq:
    """The model, not compiled.

    Args:
        source_size: vocabulary size of the source, or its table.
        target_size: vocabulary size of the target, or its table; None shares vocabulary and table.
    """
    return models.FAMILIES[settings.family](source_size, target_size, **arguments(settings))


def summary(model: models.Seq2Seq, family: str) -> list[str]:
    """For people: the family, parameters by part, and what the decoder hands from step to step."""
    parts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in models.parameters(model).items())
    always, each_step = models.capacity(model.decoder)
    held = f"{always:,} numbers from step to step" if always else f"{each_step:,} numbers more with every step"
    return [
        f"model: {family}, {model.count_params():,} parameters ({parts}), {keras.config.dtype_policy().name}",
        f"state of the decoder: {held}",
    ]

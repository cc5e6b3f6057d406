"""Weights by their names, and how they are kept from learning."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import keras

from seq2seq_keras.errors import InputError

_SHOWN = 24


def named(model: keras.Model, patterns: Iterable[str]) -> list[keras.Variable]:
    """The weights of a model that any of the patterns means.

    A pattern means a weight if it fits its path (`decoder/join/kernel`) or the path of anything it lies in (`decoder`,
    `decoder/join`). `*` stands for any characters, `?` for one, `[...]` for one of several.

    Raises:
        InputError: a pattern means no weight; the names there are, are named.
    """
    found = {}
    for pattern in patterns:
        meant = [weight for weight in model.weights if any(fnmatchcase(name, pattern) for name in _names(weight))]
        if not meant:
            raise InputError(
                f"no weight is called {pattern!r}",
                expected=f"a name or a pattern of names such as {', '.join(_shown(model))}",
            )
        found |= {id(weight): weight for weight in meant}
    return [weight for weight in model.weights if id(weight) in found]


def freeze(weights: Iterable[keras.Variable]) -> None:
    """Keeps weights as they are in training. Do it before `compile`: the optimizer is built for those that learn."""
    for weight in weights:
        weight.trainable = False


def _names(weight: keras.Variable) -> list[str]:
    """The path of a weight, and of all that it lies in."""
    parts = weight.path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _shown(model: keras.Model) -> list[str]:
    """Names of what lies at the top of a model and below it, as many as a reader takes in."""
    names = dict.fromkeys(
        name for depth in (1, 2) for weight in model.weights for name in _names(weight)[depth - 1 :][:1]
    )
    return [*names][:_SHOWN]

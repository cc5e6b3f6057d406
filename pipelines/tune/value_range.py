"""One thing to search: a few values, or all between two."""

import types
import typing
from dataclasses import fields
from typing import NamedTuple

from pipelines import families
from pipelines.settings import Model, Translate
from seq2seq_keras.errors import InputError

TRAINING = ("lr", "batch_tokens", "warmup", "optimizer", "schedule", "smoothing", "clip")
"""Settings of `translate` that can be searched, beside those of the model."""
_FORM = "NAME=VALUE,VALUE or NAME=LOW:HIGH or NAME=LOW:HIGH:log"


class Range(NamedTuple):
    """What a setting may be: one of `values`, or without them anything from `low` to `high`."""

    name: str
    """As the flag is called, with underscores."""
    values: tuple = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    """Equal factors are equally likely, not equal steps."""
    whole: bool = False
    """Whole numbers only."""

    @property
    def path(self) -> str:
        """Of the field in `Translate`."""
        return self.name if self.name in TRAINING else f"model.{self.name}"

    @property
    def tried(self) -> tuple:
        """What to check before the search: the values, or both ends."""
        return self.values or (self.low, self.high)

    def ask(self, hp):
        """The value that a `keras_tuner.HyperParameters` has for it; None where its condition does not hold.

        What is drawn between two ends is rounded to three digits, as a settings file should have it.
        """
        if self.values:
            drawn = hp.Choice(self.name, list(self.values))
            return next((value for value in self.values if value == drawn), None)  # KerasTuner makes True a 1
        kind = hp.Int if self.whole else hp.Float
        drawn = kind(self.name, self.low, self.high, sampling="log" if self.log else "linear")
        return drawn if drawn is None or self.whole else float(f"{drawn:.3g}")


def known() -> tuple[str, ...]:
    """Names of all that can be searched; the family is searched by naming several with `--model`."""
    return (*(field.name for field in fields(Model) if field.name != "family"), *TRAINING)


def parse(text: str) -> Range:
    """A word of `--space`.

    Raises:
        InputError: it is of another form, of no setting, or of values that the setting cannot have.
    """
    name, equals, rest = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    if not equals or not rest:
        raise InputError(f"--space has {text!r}", expected=_FORM)
    if name not in known():
        raise InputError(f"--space: {name!r} cannot be searched", expected=f"one of {', '.join(sorted(known()))}")
    kind = _kind(name)
    if ":" not in rest:
        values = tuple(_read(name, kind, word) for word in rest.split(","))
        if len(set(values)) < len(values):
            raise InputError(f"--space: {text} names a value twice", remedy="name it once")
        return Range(name, values)
    low, high, *more = rest.split(":")
    if kind not in (int, float) or more not in ([], ["log"]):
        raise InputError(f"--space has {text!r}", expected=_FORM if kind in (int, float) else f"{name}=VALUE,VALUE")
    found = Range(name, (), _read(name, kind, low), _read(name, kind, high), bool(more), kind is int)
    if not found.low < found.high or (found.log and found.low <= 0):
        raise InputError(f"--space: {text} is no range", expected="LOW below HIGH" + ", and above 0" * found.log)
    return found


def _kind(name: str):
    """Type of a setting, without its None: int, float, bool, or a Literal."""
    hints = typing.get_type_hints(Translate if name in TRAINING else Model)[name]
    parts = typing.get_args(hints) if typing.get_origin(hints) in (typing.Union, types.UnionType) else (hints,)
    return next(part for part in parts if part is not type(None))


def _read(name: str, kind, word: str):
    flag = families.flag(name)
    if typing.get_origin(kind) is typing.Literal:
        if word not in typing.get_args(kind):
            raise InputError(f"{flag} cannot be {word!r}", where="--space", expected=", ".join(typing.get_args(kind)))
        return word
    if kind is bool:
        if word not in ("true", "false"):
            raise InputError(f"{flag} cannot be {word!r}", where="--space", expected="true, false")
        return word == "true"
    try:
        return kind(word)
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise InputError(f"{flag} cannot be {word!r}", where="--space", expected=expected) from None

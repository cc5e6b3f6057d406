"""The command line that gives certain settings, for a table that others read."""

import shlex
from dataclasses import fields, is_dataclass
from pathlib import Path

from pipelines import families
from pipelines.settings import Model


def of(settings, *words: str, without: str = "") -> str:
    """What to type for these settings; files by name only.

    Args:
        words: the command.
        without: a field that is among the words.
    """
    typed = ["python", "-m", "pipelines", *words]
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name == without or value == field.default:
            continue
        if is_dataclass(value):
            typed += _nested(field.name, value, field.default)
        else:
            typed += _flag(field.name, value)
    return shlex.join(typed)


def _nested(name: str, value, default) -> list[str]:
    changed = [part.name for part in fields(value) if getattr(value, part.name) != getattr(default, part.name)]
    if isinstance(value, Model):  # whose flags have no prefix
        names = {part: families.flag(part).removeprefix("--") for part in changed}
    else:
        names = {part: f"{name}.{part}" for part in changed}
    return [word for part in changed for word in _flag(names[part], getattr(value, part))]


def _flag(name: str, value) -> list[str]:
    group, dot, last = name.replace("_", "-").rpartition(".")
    if isinstance(value, bool):
        return [f"--{group}{dot}{'' if value else 'no-'}{last}"]
    return [f"--{group}{dot}{last}", *_words(value)]


def _words(value) -> list[str]:
    if isinstance(value, tuple):
        return [word for item in value for word in _words(item)]
    return [value.name if isinstance(value, Path) else str(value)]

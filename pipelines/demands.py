"""Refusing values of flags, in the same words everywhere."""

from collections.abc import Callable, Iterable

from seq2seq_keras.errors import InputError


def demand(settings, names: Iterable[str], good: Callable[..., bool], expected: str) -> None:
    """Refuses the first of these settings whose value is not good; None, which is a default, is.

    Raises:
        InputError: names the flag, its value and what was expected.
    """
    for name in names:
        value = getattr(settings, name)
        if value is not None and not good(value):
            raise InputError(f"--{name.replace('_', '-')} is {value}", expected=expected)


def above_zero(settings, *names: str) -> None:
    """`demand` of numbers."""
    demand(settings, names, lambda value: value > 0, "more than 0")


def from_zero(settings, *names: str) -> None:
    """`demand` of numbers."""
    demand(settings, names, lambda value: value >= 0, "0 or more")


def from_one(settings, *names: str) -> None:
    """`demand` of numbers."""
    demand(settings, names, lambda value: value >= 1, "1 or more")


def some(settings, *names: str) -> None:
    """Refuses the first of these settings that is an empty list.

    Raises:
        InputError: names the flag.
    """
    for name in names:
        if not getattr(settings, name):
            raise InputError(f"--{name.replace('_', '-')} is empty", expected="at least one")

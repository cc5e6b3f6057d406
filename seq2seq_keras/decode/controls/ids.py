"""Ids that controls are given."""

import operator
from collections.abc import Iterable

from seq2seq_keras.context import BOS, EOS, PAD


def sayable(ids: Iterable[int], name: str) -> tuple[int, ...]:
    """Ids in the order that they may be said, as a tuple of `int`.

    Raises:
        ValueError: one is no integer, is negative, is PAD or BOS, or is EOS before the end.
    """
    try:
        ids = tuple(operator.index(i) for i in ids)
    except TypeError:
        raise ValueError(f"{name} must hold ids, found {ids!r}") from None
    if any(i < 0 or i in (PAD, BOS) for i in ids):
        raise ValueError(f"{name} must hold ids that can be said, not PAD {PAD} or BOS {BOS}, found {ids}")
    if EOS in ids[:-1]:
        raise ValueError(f"{name} must hold EOS {EOS} at the end only, found {ids}")
    return ids


def check_size(ids: Iterable[int], size: int | None, name: str) -> None:
    """Raises ValueError if an id is none of a vocabulary of `size`; an unknown size is not checked."""
    wrong = [i for i in ids if size is not None and i >= size]
    if wrong:
        raise ValueError(f"{name} must be below the vocabulary's size {size}, found {wrong}")

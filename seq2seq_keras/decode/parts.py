"""Searches and controls as plain values, as JSON holds them, and back."""

import dataclasses
from numbers import Integral, Real

from seq2seq_keras.decode.beam import Beam
from seq2seq_keras.decode.controls.banned import Banned
from seq2seq_keras.decode.controls.control import Control
from seq2seq_keras.decode.controls.length import MaxLength, MinLength
from seq2seq_keras.decode.controls.prefix import Prefix
from seq2seq_keras.decode.controls.repetition import NoRepeat, RepetitionPenalty
from seq2seq_keras.decode.controls.shortlist import Shortlist
from seq2seq_keras.decode.diverse import DiverseBeam
from seq2seq_keras.decode.greedy import Greedy
from seq2seq_keras.decode.lexical import LexicalBeam
from seq2seq_keras.decode.sample import Sample

_SEARCHES = (Greedy, Beam, DiverseBeam, LexicalBeam, Sample)
_CONTROLS = (MinLength, MaxLength, NoRepeat, RepetitionPenalty, Banned, Prefix, Shortlist)
_KINDS = {kind.__name__: kind for kind in (*_SEARCHES, *_CONTROLS)}


def described(part) -> dict:
    """A search or a control as plain values: its `kind`, and its fields by name, controls within it likewise.

    Raises:
        ValueError: it is none of this package, or holds tensors, which belong to one request.
    """
    kind = type(part).__name__
    if _KINDS.get(kind) is not type(part):
        raise ValueError(f"{part!r} has no form that can be written; expected one of {', '.join(_KINDS)}")
    fields = [field.name for field in dataclasses.fields(part)]
    return {"kind": kind} | {name: _plain(getattr(part, name), f"{name} of {kind}") for name in fields}


def search(description: dict):
    """The search that `described` was given.

    Raises:
        ValueError: an unknown kind or field, a missing field, or a value that the search or a control refuses.
    """
    found = _made(description)
    if not isinstance(found, _SEARCHES):
        raise ValueError(f"{description['kind']} is no search")
    if not all(isinstance(control, Control) for control in found.controls):
        raise ValueError(f"controls must be controls, found {description['controls']}")
    return found


def _plain(value, place: str):
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, tuple | list):
        return [_plain(part, place) for part in value]
    if dataclasses.is_dataclass(value):
        return described(value)
    raise ValueError(f"{place} is a {type(value).__name__}, which cannot be written; expected plain values")


def _made(description: dict):
    given = dict(description)
    kind = _KINDS.get(given.pop("kind", None))
    if kind is None:
        raise ValueError(f"kind is {description.get('kind')!r}; expected one of {', '.join(_KINDS)}")
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; expected {', '.join(known)}")
    try:
        return kind(**{name: _value(value) for name, value in given.items()})
    except TypeError as error:  # a field is missing, or holds a value of another type
        raise ValueError(f"{kind.__name__} cannot be made: {error}") from None


def _value(value):
    """Lists as tuples, since a search is hashable; described parts as parts."""
    if isinstance(value, dict):
        return _made(value)
    return tuple(map(_value, value)) if isinstance(value, list) else value

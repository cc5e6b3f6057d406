"""Paths of the REST API: what a request asks for, and of which model."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from seq2seq_keras.serve.manager import ModelSpec
from seq2seq_keras.serve.status import Code, ServingError

_NUMBER_OR_LABEL = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PATTERNS = {
    "POST": rf"/v1/models/(?P<name>[^/:]+){_NUMBER_OR_LABEL}:(?P<kind>classify|regress|predict|generate)",
    "GET": rf"/v1/models(?:/(?P<name>[^/:]+))?{_NUMBER_OR_LABEL}(?:/(?P<kind>metadata))?",
}
_PATTERNS = {verb: re.compile(pattern, re.ASCII | re.IGNORECASE) for verb, pattern in _PATTERNS.items()}
_API = re.compile(r"/v1/", re.ASCII | re.IGNORECASE)
_LARGEST = 2**63 - 1
_LONGEST = 200
"""Letters of a path or a number that a message shows."""


class Route(NamedTuple):
    """What a request asks for, and of which model."""

    kind: str
    """`status`, `metadata`, `predict`, `classify`, `regress` or `generate`."""
    spec: ModelSpec


def parse(verb: str, path: str) -> Route:
    """Reads a request's verb and path.

    Args:
        path: as it came, percent-encoded, without a query.

    Raises:
        ServingError: NOT_FOUND, it is none of the API's; INVALID_ARGUMENT, it asks for what there is not.
    """
    if not _API.match(path):
        raise ServingError(Code.NOT_FOUND, "Not found")
    pattern = _PATTERNS.get(verb)
    found = pattern.fullmatch(path) if pattern else None
    if found is None:
        raise _invalid(f"Malformed request: {verb} {_shown(path)}")
    if not found["name"]:
        raise _invalid("Missing model name in request.")
    label = None if found["label"] is None else _decoded(found["label"])
    version = None if found["version"] is None else _number(found["version"])
    return Route((found["kind"] or "status").lower(), ModelSpec(_decoded(found["name"]), version, label))


def _number(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(_LARGEST)) or int(significant) > _LARGEST:
        raise _invalid(f"Failed to convert version: {_shown(digits)} to numeric.")
    return int(significant)


def _decoded(part: str) -> str:
    return unquote_to_bytes(part).decode("utf-8", "replace")


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _invalid(message: str) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, message)

"""The JSON document of a request: read as TensorFlow Serving reads it, refused in the same words."""

import json
import re

from seq2seq_keras.serve.status import Code, ServingError

_DECODER = json.JSONDecoder()
_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]|\d++', re.DOTALL)
"""What shows where in a document one is: strings whole, so that brackets in them do not count."""
_HALF = re.compile(
    r"\\(?:u([dD][89a-bA-B][0-9a-fA-F]{2})(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|u([dD][c-fC-F][0-9a-fA-F]{2})|.)"
)
_DIGITS = 308
"""More of them, and a whole number is beyond float64."""
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_LONGEST = 200
"""Letters of a value that a message shows."""

_WORDS = {
    "Expecting property name": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Expecting ':'": "Missing a colon after a name of object member.",
    "Unterminated string": "Missing a closing quotation mark in string.",
    "Invalid control character": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX": "Incorrect hex digit after \\u escape in string.",
}
"""What Python says of a document, and what a client of TensorFlow Serving knows it by."""


def parse(body: bytes) -> dict:
    """The object a body holds; bytes after it are ignored, NaN, Infinity and -Infinity are numbers.

    Raises:
        ServingError: INVALID_ARGUMENT, with the text and the offset in bytes that TensorFlow Serving would give.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text, broken = _text(body.removeprefix(_BOM))
    skipped = len(_BOM) if body.startswith(_BOM) else 0
    begin = _SPACE.match(text).end()
    if begin == len(text) and broken is None:
        raise _error("The document is empty.", begin + skipped)
    try:
        document, end = _DECODER.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        if broken is not None:
            raise _error("Invalid encoding in string.", broken + skipped) from None
        raise _error(*_said(error, text, skipped)) from None
    except RecursionError:
        raise invalid("JSON Parse error: The document is nested too deeply.") from None
    except ValueError:  # Python reads no whole number of thousands of digits
        raise _error("Number too big to be stored in double.", _bytes(text, _number(text)) + skipped) from None
    half = _half(text, end)
    if half is not None:
        raise _error("The surrogate pair in string is invalid.", _bytes(text, half) + skipped)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    return document


def invalid(message: str) -> ServingError:
    """The error of a request that cannot be understood."""
    return ServingError(Code.INVALID_ARGUMENT, message)


def shown(value) -> str:
    """A JSON value for a message; the end of a long one is left out."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        text = "..."
    return short(text)


def short(text: str) -> str:
    """The beginning of a text that a client sent, for a message."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _text(body: bytes) -> tuple[str, int | None]:
    """The text up to the first byte that is no UTF-8, and where that is: it may lie after the document."""
    try:
        return body.decode("utf-8"), None
    except UnicodeDecodeError as error:
        return body[: error.start].decode("utf-8"), error.start


def _said(error: json.JSONDecodeError, text: str, skipped: int) -> tuple[str, int]:
    """Words and offset for what Python found."""
    place, words = error.pos, "Invalid value."
    if error.msg.startswith("Expecting ',' delimiter"):
        words = _after(text, place)
    elif error.msg.startswith("Unterminated string"):
        place = len(text)
    words = next((known for said, known in _WORDS.items() if error.msg.startswith(said)), words)
    if words == "Invalid value.":
        place += max(_alike(literal, text[place : place + len(literal)]) for literal in _LITERALS)
    return words, _bytes(text, place) + skipped


def _after(text: str, place: int) -> str:
    """Which of the two a comma is missing in, at a place."""
    opened = []
    for token in _TOKEN.finditer(text, 0, place):
        if token[0] in ("[", "{"):
            opened.append(token[0])
        elif token[0] in ("]", "}"):
            opened.pop()
    if opened and opened[-1] == "{":
        return "Missing a comma or } after an object member."
    return "Missing a comma or ] after an array element."


def _alike(literal: str, text: str) -> int:
    """How many first letters agree."""
    return next((place for place, (one, other) in enumerate(zip(literal, text)) if one != other), len(text))


def _number(text: str) -> int:
    """Where the first number begins that is too big."""
    long = (token.start() for token in _TOKEN.finditer(text) if token[0][0].isdigit() and len(token[0]) > _DIGITS)
    return next(long, 0)


def _half(text: str, end: int) -> int | None:
    """Where half of a surrogate pair is escaped without its other half, before `end`; it is no letter."""
    if "\\ud" not in text and "\\uD" not in text:
        return None
    for escape in _HALF.finditer(text, 0, end):
        if escape[2] or (escape[1] and len(escape[0]) == 6):
            return escape.start()
    return None


def _bytes(text: str, place: int) -> int:
    """Letters to bytes."""
    return len(text[:place].encode("utf-8"))


def _error(words: str, offset: int) -> ServingError:
    return invalid(f"JSON Parse error: {words} at offset: {offset}")

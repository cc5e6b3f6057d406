"""Tensors to the JSON document of an answer."""

import base64
import json

import numpy as np

from seq2seq_keras.serve.json_document import invalid

_BYTES = "_bytes"
"""End of the name of an output that is no text."""
_EXACT = 1e16
"""Whole numbers from here on are written with an exponent."""


def to_document(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The JSON document of an answer.

    Args:
        outputs: by name; strings as object arrays of bytes.
        rows: one entry for each row of the batch, else one for each output.

    Raises:
        ServingError: INVALID_ARGUMENT, the outputs are not rows of one batch, or hold what JSON cannot.
    """
    if rows:
        _check_rows(outputs)
    values = {name: _plain(name, outputs[name]) for name in sorted(outputs)}
    if len(values) == 1:
        (values,) = values.values()
    elif rows:
        values = [dict(zip(values, row)) for row in zip(*values.values())]
    document = {"predictions" if rows else "outputs": values}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _check_rows(outputs: dict[str, np.ndarray]) -> None:
    """Refuses outputs that are not rows of one batch."""
    batch = None
    for name, array in sorted(outputs.items()):
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if batch is not None and len(array) != batch:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}")
        batch = len(array)


def _plain(name: str, array: np.ndarray):
    """A tensor as lists of what `json` writes."""
    if array.dtype.kind in "OS":
        return _texts(name, array)
    if array.dtype.kind in "biu":
        return array.tolist()
    if array.dtype.kind == "f":
        return _shortest(array).tolist()
    if array.dtype.name == "bfloat16":
        return _shortest(array.astype(np.float32)).tolist()
    raise invalid(f"Failed to write JSON value for tensor type: {array.dtype.name}")


def _texts(name: str, array: np.ndarray):
    if name.endswith(_BYTES):
        values = [{"b64": base64.b64encode(value).decode("ascii")} for value in array.ravel()]
    else:
        try:
            values = [value.decode("utf-8") for value in array.ravel()]
        except UnicodeDecodeError:
            raise invalid(
                f"Tensor name: {name} holds bytes that are no UTF-8, and its name does not end in {_BYTES}"
            ) from None
    made = np.empty(len(values), object)
    made[:] = values
    return made.reshape(array.shape).tolist()


def _shortest(array: np.ndarray) -> np.ndarray:
    """float64 values that print with no more digits than an array's own type needs."""
    wide = array.astype(np.float64)
    if array.dtype == np.float64:
        return wide
    # 2.1 of float32 is 2.0999999046325684 of float64. Whole numbers are the same in both.
    long = (wide != np.trunc(wide)) | (np.abs(wide) >= _EXACT)
    wide[long] = [float(str(value)) for value in array[long]]
    return wide

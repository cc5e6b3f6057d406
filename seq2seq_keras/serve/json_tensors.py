"""JSON values to the tensors that a signature asks for."""

import base64
import binascii
from itertools import chain

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from seq2seq_keras.serve.json_answers import to_document
from seq2seq_keras.serve.json_document import invalid, parse, short, shown
from seq2seq_keras.serve.predict import DEFAULT_SIGNATURE
from seq2seq_keras.serve.status import ServingError
from seq2seq_keras.serve.wanted import type_name, written

__all__ = ["parse", "signature_name", "to_document", "to_inputs"]


_FLOATS = {types_pb2.DT_HALF: np.float16, types_pb2.DT_FLOAT: np.float32, types_pb2.DT_DOUBLE: np.float64}
_INTEGERS = {
    types_pb2.DT_INT8: np.int8,
    types_pb2.DT_INT16: np.int16,
    types_pb2.DT_INT32: np.int32,
    types_pb2.DT_INT64: np.int64,
    types_pb2.DT_UINT8: np.uint8,
    types_pb2.DT_UINT16: np.uint16,
    types_pb2.DT_UINT32: np.uint32,
    types_pb2.DT_UINT64: np.uint64,
}
_DIMENSIONS = 32
"""Most that a tensor may have."""
_TYPES = {type(None): "Null", str: "String", int: "Number", float: "Number", list: "Array", dict: "Object"}


def signature_name(document: dict) -> str:
    """Which signature a document asks for."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {shown(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name or DEFAULT_SIGNATURE


def to_inputs(document: dict, signature: SignatureDef, most: int | None = None) -> tuple[dict[str, np.ndarray], bool]:
    """The tensors in a document, by the names of a signature.

    Args:
        most: instances that a document may have; more are refused before a look at them. None for any number.

    Returns:
        Tensors, strings as object arrays of bytes; and whether they came row by row, as the answer then goes.

    Raises:
        ServingError: INVALID_ARGUMENT, in TensorFlow Serving's words.
    """
    dtypes = {name: info.dtype for name, info in sorted(signature.inputs.items())}
    if not dtypes:
        raise invalid(f"Failed to get input map for signature: {signature_name(document)}")
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {shown(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist "
        )
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise invalid(f"JSON Value: {shown(document)} Expecting 'instances' to be an list/array")
        if not instances:
            raise invalid(f"JSON Value: {shown(document)} No values in 'instances' array")
        _check_number(instances, most)
        return _rows(instances, dtypes), True
    if "inputs" in document:
        return _columns(document["inputs"], dtypes, most), False
    raise invalid("Missing 'inputs' or 'instances' key")


def _check_number(values, most: int | None) -> None:
    """Refuses lists that are too long: what is wrong with them may take long to find."""
    if most is not None and isinstance(values, list) and len(values) > most:
        raise invalid(f"The request has {len(values)} instances, the limit is {most}")


def _rows(instances: list, dtypes: dict[str, int]) -> dict[str, np.ndarray]:
    """Tensors of `instances`: all rows at once, and one by one only to find what is wrong."""
    if len(dtypes) > 1 and not _is_named(instances[0]):
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    columns = {next(iter(dtypes)): instances}
    if _is_named(instances[0]):
        alike = all(_is_named(row) and row.keys() == dtypes.keys() for row in instances)
        columns = {name: [row[name] for row in instances] for name in dtypes} if alike else {}
    tensors = {name: _dense(column, dtypes[name]) for name, column in columns.items()}
    if not tensors or any(tensor is None for tensor in tensors.values()):
        raise _wrong_row(instances, dtypes)
    return tensors


def _columns(inputs, dtypes: dict[str, int], most: int | None) -> dict[str, np.ndarray]:
    """Tensors of `inputs`."""
    if not _is_named(inputs):
        if len(dtypes) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        inputs = {name: inputs for name in dtypes}
    tensors = {}
    for name, dtype in dtypes.items():
        if name not in inputs:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        _check_number(inputs[name], most)
        tensor = _dense(inputs[name], dtype)
        if tensor is None:
            raise _wrong(inputs[name], dtype)
        tensors[name] = tensor
    return tensors


def _is_base64(value) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _is_named(value) -> bool:
    """Whether values come by name: an object that does not stand for bytes."""
    return isinstance(value, dict) and not _is_base64(value)


def _shape(value) -> list[int]:
    """That of nested lists, by the first at every level."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _dense(value, dtype: int) -> np.ndarray | None:
    """The tensor of nested lists; None if they are ragged or hold something else."""
    shape = _shape(value)
    if len(shape) > _DIMENSIONS:
        raise invalid(f"A tensor of {len(shape)} dimensions, expected at most {_DIMENSIONS}")
    values = [value]
    for size in shape:
        if not all(isinstance(one, list) and len(one) == size for one in values):
            return None
        values = list(chain.from_iterable(values))
    flat = _flat(values, dtype)
    return None if flat is None else flat.reshape(shape)


def _flat(values: list, dtype: int) -> np.ndarray | None:
    """Values to an array of a type; None if one does not fit."""
    kinds = set(map(type, values))
    if dtype == types_pb2.DT_STRING:
        return _strings(values) if kinds <= {str, dict} else None
    if dtype == types_pb2.DT_BOOL:
        return np.array(values, np.bool_) if kinds <= {bool} else None
    if dtype in _FLOATS or dtype == types_pb2.DT_BFLOAT16:
        return _floats(values, dtype) if kinds <= {int, float} else None
    if dtype in _INTEGERS:
        bounds = np.iinfo(_INTEGERS[dtype])
        fits = kinds <= {int} and (not values or (min(values) >= bounds.min and max(values) <= bounds.max))
        return np.array(values, _INTEGERS[dtype]) if fits else None
    raise invalid(f"Conversion of JSON Value: {shown(values[0] if values else [])} to type: {type_name(dtype)}")


def _strings(values: list) -> np.ndarray | None:
    encoded = [value.encode("utf-8") if isinstance(value, str) else _decoded(value) for value in values]
    if None in encoded:
        return None
    array = np.empty(len(encoded), object)
    array[:] = encoded
    return array


def _decoded(value: dict) -> bytes | None:
    """Bytes of `{"b64": ...}`; spaces in it and missing padding do no harm."""
    if not _is_base64(value):
        return None
    text = "".join(value["b64"].split())
    if "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _floats(values: list, dtype: int) -> np.ndarray:
    try:
        wide = np.array(values, np.float64)
    except OverflowError:
        raise invalid("JSON Parse error: Number too big to be stored in double.") from None
    if dtype == types_pb2.DT_BFLOAT16:
        import ml_dtypes

        return wide.astype(ml_dtypes.bfloat16)
    with np.errstate(over="ignore"):  # beyond the type it is infinite
        return wide.astype(_FLOATS[dtype])


def _wrong_row(instances: list, dtypes: dict[str, int]) -> ServingError:
    """What is wrong with the first row that does not fit."""
    named = _is_named(instances[0])
    first: dict[str, list[int]] = {}
    for place, row in enumerate(instances):
        where = f"Failed to process element: {place}"
        if _is_named(row) != named:
            found = "object but got list" if named else "value/list but got object"
            return invalid(f"Expecting {found} at item {place} of input list")
        for name, value in row.items() if named else [(next(iter(dtypes)), row)]:
            key = f" key: {short(name)}" if named else ""
            if name not in dtypes:
                error = (
                    f"JSON object: does not have named input: {short(name)}, keys must be equal to: {','.join(dtypes)}"
                )
            else:
                error = _unlike(value, dtypes[name], first.setdefault(name, _shape(value)))
            if error:
                return invalid(f"{where}{key} of 'instances' list. Error: INVALID_ARGUMENT: {error}")
        if named and row.keys() != dtypes.keys():
            return invalid(
                f"{where} of 'instances' list. JSON object: {shown(row)} keys must be equal to: {','.join(dtypes)}"
            )
    return invalid("Failed to process 'instances' list")


def _unlike(value, dtype: int, expected: list[int]) -> str:
    """What is wrong with a value by itself, or beside the first one; empty if nothing is."""
    if _dense(value, dtype) is None:
        return _wrong(value, dtype).message
    shape = _shape(value)
    size, wanted = int(np.prod(shape, dtype=object)), int(np.prod(expected, dtype=object))
    if size != wanted:
        return f"Expecting tensor size: {wanted} but got: {size}"
    if shape != expected:
        return f"Expecting shape {written(expected)} but got: {written(shape)}"
    return ""


def _wrong(value, dtype: int) -> ServingError:
    """What is wrong first with nested lists that are no tensor."""
    shape = _shape(value)
    # Depth first, as TensorFlow Serving goes; a stack, because lists may be nested deeper than Python calls.
    waiting = [(value, 0)]
    while waiting:
        one, level = waiting.pop()
        if not isinstance(one, list):
            if level != len(shape):
                return invalid(
                    f"JSON Value: {shown(one)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            if _flat([one], dtype) is None:
                return _wrong_value(one, dtype)
            continue
        if level >= len(shape):
            return invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(one) != shape[level]:
            return invalid(
                f"Encountered list at unexpected size: {len(one)} at level: {level} expected size: {shape[level]}"
            )
        if level + 1 == len(shape) and _flat(one, dtype) is not None:
            continue
        waiting += [(inner, level + 1) for inner in reversed(one)]
    return invalid("Not a tensor")


def _wrong_value(value, dtype: int) -> ServingError:
    """Why a single value is not of a type."""
    if dtype == types_pb2.DT_STRING and isinstance(value, dict):
        if _is_base64(value):
            return invalid("Unable to base64 decode")
        return invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    kind = str(value) if isinstance(value, bool) else _TYPES[type(value)]
    return invalid(f"JSON Value: {shown(value)} Type: {kind} is not of expected type: {type_name(dtype)}")

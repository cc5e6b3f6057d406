"""Inputs of requests as rows: counted, measured, joined, and taken apart."""

import math
from collections.abc import Mapping

import numpy as np

from seq2seq_keras.serve.config import BatchingParameters

Arrays = Mapping[str, np.ndarray]


def rows_of(inputs: Arrays) -> int | None:
    """Rows of a request; None if it has none or its inputs do not agree."""
    counts = {len(value) if value.ndim else 0 for value in inputs.values()}
    return counts.pop() or None if len(counts) == 1 else None


def form_of(inputs: Arrays, parameters: BatchingParameters) -> tuple:
    """What must be equal in two requests that share a batch."""
    if parameters.pad_variable_length_inputs:
        return ()
    return tuple((name, inputs[name].shape[1:]) for name in sorted(inputs))


def lengths(inputs: Arrays, rows: int) -> np.ndarray:
    """Bytes of each row's longest string; without strings all rows of a request are as long as its arrays are wide.

    Returns:
        (rows,) int.
    """
    texts = [value.reshape(rows, math.prod(value.shape[1:])) for value in inputs.values() if value.dtype == object]
    if texts:
        return np.array([max((len(text) for value in texts for text in value[row]), default=0) for row in range(rows)])
    return np.full(rows, max((value.shape[1] for value in inputs.values() if value.ndim > 1), default=0))


def independent(signature, padded: bool) -> bool:
    """Whether a signature says that its outputs are rows, one for each of the inputs and independent of the others.

    The length of an output row must be fixed or come from the inputs: ids made from texts are as long as the longest
    text of the batch.
    """
    into, out = _inner(signature.inputs.values()), _inner(signature.outputs.values())
    if not into or not out:
        return False
    lengths_given = any(size < 0 for shape in into for size in shape)
    return padded or lengths_given or _fixed(out)


def fixed(signature) -> bool:
    """Whether rows of all outputs have one shape, whatever is computed, so that parts of a request fit together."""
    out = _inner(signature.outputs.values())
    return bool(out) and _fixed(out)


def _inner(tensors) -> list[list[int]] | None:
    """Dimensions after the first, -1 where open; None if one of the tensors is not of rows."""
    shapes = [tensor.tensor_shape for tensor in tensors]
    if any(shape.unknown_rank or not shape.dim or shape.dim[0].size >= 0 for shape in shapes):
        return None
    return [[dim.size for dim in shape.dim[1:]] for shape in shapes]


def _fixed(shapes: list[list[int]]) -> bool:
    return all(size >= 0 for shape in shapes for size in shape)


def parted(inputs: Arrays, rows: int, size: int) -> tuple[list[tuple[int, Arrays]], np.ndarray]:
    """A request in parts of no more than `size` rows, which are of similar length.

    Returns:
        rows and inputs of each part, and (rows,) where each row of the request is in the parts one after another.
    """
    order = np.argsort(lengths(inputs, rows), kind="stable")
    taken = [order[at : at + size] for at in range(0, rows, size)]
    parts = [(len(places), {name: value[places] for name, value in inputs.items()}) for places in taken]
    return parts, np.argsort(order)


def alike(parts: list[Arrays]) -> bool:
    """Whether outputs can be joined."""
    return all(len({part[name].shape[1:] for part in parts}) == 1 for name in parts[0])


def joined(several: list[Arrays]) -> dict[str, np.ndarray]:
    """Inputs of several requests as those of one; shorter rows are padded at their ends, with 0 or empty strings."""
    found = {}
    for name in several[0]:
        values = [inputs[name] for inputs in several]
        inner = tuple(max(sizes) for sizes in zip(*(value.shape[1:] for value in values)))
        found[name] = np.concatenate([_padded(value, inner) for value in values])
    return found


def _padded(value: np.ndarray, inner: tuple[int, ...]) -> np.ndarray:
    if value.shape[1:] == inner:
        return value
    wide = np.full((len(value), *inner), b"" if value.dtype == object else 0, value.dtype)
    wide[tuple(slice(size) for size in value.shape)] = value
    return wide


def filled(value: np.ndarray, size: int) -> np.ndarray:
    """The last row again until there are so many."""
    missing = size - len(value)
    return np.concatenate([value, np.repeat(value[-1:], missing, axis=0)]) if missing else value

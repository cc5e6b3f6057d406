"""`TensorProto` to arrays and back. What a client declares is weighed before memory is taken for it."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from seq2seq_keras.serve.status import Code, ServingError
from seq2seq_keras.serve.wanted import check_shape, type_name

_FIELDS = {
    "float_val": (tf.float32,),
    "double_val": (tf.float64,),
    "int_val": (tf.int32, tf.int16, tf.int8, tf.uint8, tf.uint16),
    "int64_val": (tf.int64,),
    "uint32_val": (tf.uint32,),
    "uint64_val": (tf.uint64,),
    "bool_val": (tf.bool,),
    "half_val": (tf.float16, tf.bfloat16),
    "string_val": (tf.string,),
}
_FIELD = {dtype: field for field, dtypes in _FIELDS.items() for dtype in dtypes}
"""Where the values of each type are. Types that are not here cannot be sent."""
_POINTER = 8
"""Bytes that an element of an object array takes."""
_DEEPEST = 32
"""Most axes."""


def to_array(alias: str, proto: TensorProto, info: TensorInfo, place: int, most: int) -> np.ndarray:
    """A tensor of a request, if it is what the signature wants.

    Args:
        alias: name of the input.
        info: what the signature says of it.
        place: of the input among those of the signature, for messages.
        most: bytes it may take in memory: a small message can declare a huge tensor.

    Raises:
        ServingError: wrong type or shape, or values that do not fill it.
    """
    wanted, given = tf.dtypes.as_dtype(info.dtype), _dtype(alias, proto)
    if given != wanted:
        raise _invalid(
            f"Expects arg[{place}] to be {type_name(wanted.as_datatype_enum)} "
            f"but {type_name(given.as_datatype_enum)} is provided"
        )
    shape = _shape(alias, proto)
    check_shape(alias, shape, info)
    _weigh(alias, proto, given, math.prod(shape), most)
    try:
        return _filled(tf.make_ndarray(proto), shape)
    except (ValueError, TypeError, OverflowError, MemoryError):
        raise _invalid(f"tensor parsing error: {alias}") from None


def of_array(array: np.ndarray) -> TensorProto:
    """An output, its values in the field of its type: some clients read `float_val` and no other."""
    dtype = tf.dtypes.as_dtype(array.dtype)
    field = _FIELD.get(dtype)
    if field is None:
        return tf.make_tensor_proto(array)
    values = array.ravel()
    if field == "half_val":
        values = values.view(np.uint16)
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(values.tolist())
    return proto


def _dtype(alias: str, proto: TensorProto) -> tf.DType:
    try:
        dtype = tf.dtypes.as_dtype(proto.dtype)
    except TypeError:
        dtype = None
    if dtype not in _FIELD:
        raise _invalid(f"tensor parsing error: {alias}")
    return dtype


def _shape(alias: str, proto: TensorProto) -> list[int]:
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape) or len(shape) > _DEEPEST:
        raise _invalid(f"tensor parsing error: {alias}")
    return shape


def _weigh(alias: str, proto: TensorProto, dtype: tf.DType, elements: int, most: int) -> None:
    """Refuses values that are too many or too few, and a tensor that would take too much memory.

    The last value may stand for all that follow, and no value for zeros or empty strings, as in any `TensorProto`.
    """
    given = len(getattr(proto, _FIELD[dtype]))
    if dtype == tf.string:
        values = proto.string_val
        repeated = len(values[-1]) * (elements - given) if given else 0
        size = elements * _POINTER + repeated
        matches = not proto.tensor_content and given <= elements
    else:
        size = elements * dtype.size
        matches = len(proto.tensor_content) == size if proto.tensor_content else given <= elements
    if not matches:
        raise _invalid(f"tensor parsing error: {alias}")
    if size > most:
        raise _invalid(f"input {alias} takes {size} bytes of memory, more than the {most} allowed")


def _filled(array: np.ndarray, shape: list[int]) -> np.ndarray:
    """Strings left out are empty bytes, where TensorFlow's reader puts `str`."""
    if array.dtype != object:
        return array
    texts = [text if isinstance(text, bytes) else text.encode() for text in array.ravel()]
    filled = np.empty(len(texts), object)
    filled[:] = texts
    return filled.reshape(shape)


def _invalid(message: str) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, message)

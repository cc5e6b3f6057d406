"""Tensors of requests: what they hold is taken, what they only declare takes no memory."""

import tracemalloc

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from seq2seq_keras.serve import proto_tensors
from seq2seq_keras.serve.status import Code, ServingError

MOST = 2**20


def info(dtype=tf.float32, *dims) -> TensorInfo:
    """Of a tensor with these dimensions, -1 for any; without them of any rank."""
    made = TensorInfo(dtype=dtype.as_datatype_enum)
    made.tensor_shape.unknown_rank = not dims
    for size in dims:
        made.tensor_shape.dim.add(size=size)
    return made


def proto(dtype, shape, **values) -> TensorProto:
    made = TensorProto(dtype=dtype.as_datatype_enum, **values)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


def read(given: TensorProto, wanted: TensorInfo | None = None) -> np.ndarray:
    return proto_tensors.to_array("x", given, wanted or info(tf.dtypes.as_dtype(given.dtype)), 0, MOST)


TYPES = [tf.float32, tf.float64, tf.float16, tf.bfloat16, tf.int8, tf.int16, tf.int32, tf.int64]
TYPES += [tf.uint8, tf.uint16, tf.uint32, tf.uint64, tf.bool]


@pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: dtype.name)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 4)], ids=str)
def test_numbers_there_and_back(dtype, shape):
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype.as_numpy_dtype)
    for sent in (tf.make_tensor_proto(array), proto_tensors.of_array(array)):
        found = read(sent)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("shape", [(), (2,), (2, 1)], ids=str)
def test_strings_there_and_back(shape):
    array = np.empty(shape, object)
    array[...] = b"\xff\0 \0"  # NumPy's own strings would lose the end
    for sent in (tf.make_tensor_proto(array), proto_tensors.of_array(array)):
        found = read(sent)
        assert found.dtype == object and found.shape == shape and set(found.ravel()) == {b"\xff\0 \0"}


def test_outputs_are_in_the_field_of_their_type():
    sent = proto_tensors.of_array(np.array([1.5, 2.5], np.float32))
    assert list(sent.float_val) == [1.5, 2.5] and not sent.tensor_content


def test_the_last_value_stands_for_those_left_out():
    assert read(proto(tf.float32, [2, 2], float_val=[1, 2])).tolist() == [[1, 2], [2, 2]]
    assert read(proto(tf.float32, [3])).tolist() == [0, 0, 0]
    assert read(proto(tf.string, [3], string_val=[b"a", b"b"])).tolist() == [b"a", b"b", b"b"]
    assert read(proto(tf.string, [2])).tolist() == [b"", b""]


MALFORMED = {
    "content too short": proto(tf.float32, [2], tensor_content=b"\0" * 7),
    "content too long": proto(tf.float32, [2], tensor_content=b"\0" * 9),
    "content of nothing": proto(tf.float32, [0], tensor_content=b"\0" * 4),
    "too many values": proto(tf.float32, [2], float_val=[1, 2, 3]),
    "values of another type": proto(tf.float32, [2], int_val=[1, 2, 3], tensor_content=b"1"),
    "10^12 elements": proto(tf.float32, [10**12]),
    "10^12 times one": proto(tf.float32, [10**6, 10**6], float_val=[1]),
    "10^12 strings": proto(tf.string, [10**12]),
    "10^5 long strings": proto(tf.string, [10**5], string_val=[b"x" * 1000]),
    "more than 64 bits": proto(tf.float32, [2**62, 2**62, 8]),
    "nothing of 2^62": proto(tf.float32, [0, 2**62, 2**62]),
    "a negative axis": proto(tf.float32, [-1]),
    "two negative axes": proto(tf.float32, [-1, -2], float_val=[1, 2]),
    "200 axes": proto(tf.float32, [1] * 200, float_val=[1]),
    "strings as content": proto(tf.string, [1], tensor_content=b"\1a"),
    "a resource": proto(tf.resource, [1]),
    "a variant": proto(tf.variant, [1]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_tensors_are_refused_and_take_no_memory(name):
    tracemalloc.start()
    try:
        with pytest.raises(ServingError) as raised:
            read(MALFORMED[name])
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert raised.value.code == Code.INVALID_ARGUMENT and "x" in raised.value.message


@pytest.mark.parametrize("number", [0, 999])
def test_a_type_that_is_none_is_refused(number):
    with pytest.raises(ServingError) as raised:
        proto_tensors.to_array("x", TensorProto(dtype=number), info(), 0, MOST)
    assert raised.value.code == Code.INVALID_ARGUMENT


def test_an_unknown_rank_is_refused():
    given = proto(tf.float32, [], float_val=[1])
    given.tensor_shape.unknown_rank = True
    with pytest.raises(ServingError):
        read(given)


def test_a_type_other_than_the_signatures():
    with pytest.raises(ServingError, match=r"Expects arg\[0\] to be float but string is provided"):
        read(proto(tf.string, [1], string_val=[b"a"]), info(tf.float32, -1))


@pytest.mark.parametrize("shape", [(), (1, 1), (3,)], ids=str)
def test_a_shape_other_than_the_signatures(shape):
    with pytest.raises(ServingError, match="input x must have shape"):
        read(proto(tf.float32, shape, float_val=[1]), info(tf.float32, 2))


def test_any_size_where_the_signature_has_none():
    assert read(proto(tf.float32, [3, 2], float_val=[1]), info(tf.float32, -1, 2)).shape == (3, 2)

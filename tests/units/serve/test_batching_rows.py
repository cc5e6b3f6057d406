"""Requests as rows: what is taken apart comes together again."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from seq2seq_keras.serve.batching_rows import filled, fixed, independent, joined, lengths, parted, rows_of


def objects(rows) -> np.ndarray:
    return np.array(rows, object)


def signature(into: list[list], out: list[list]) -> SignatureDef:
    made = SignatureDef()
    for name, shapes, tensors in (("x", into, made.inputs), ("y", out, made.outputs)):
        for number, shape in enumerate(shapes):
            tensors[f"{name}{number}"].tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return made


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=30), st.integers(1, 12))
def test_parts_together_are_the_request(texts, size):
    inputs = {"text": objects(texts), "number": np.arange(len(texts))}
    parts, places = parted(inputs, len(texts), size)
    assert [count for count, _ in parts] == [rows_of(part) for _, part in parts]
    assert all(count == size for count, _ in parts[:-1]) and 1 <= parts[-1][0] <= size
    for name, value in inputs.items():
        assert np.concatenate([part[name] for _, part in parts])[places].tolist() == value.tolist()
    measured = [len(text) for _, part in parts for text in part["text"]]
    assert measured == sorted(measured)


def test_a_row_is_as_long_as_its_longest_text():
    inputs = {"a": objects([b"one", b""]), "b": objects([[b"", b"seven"], [b"x", b"y"]]), "n": np.zeros((2, 9))}
    assert lengths(inputs, 2).tolist() == [5, 1]
    assert lengths({"n": np.zeros((3, 9)), "m": np.zeros(3)}, 3).tolist() == [9, 9, 9]
    assert lengths({"m": np.zeros(3)}, 3).tolist() == [0, 0, 0]
    assert lengths({"none": objects([[], []])}, 2).tolist() == [0, 0]


@pytest.mark.parametrize(
    "inputs, rows",
    [
        ({"a": np.zeros(3), "b": np.zeros((3, 2))}, 3),
        ({"a": np.zeros(3), "b": np.zeros(2)}, None),
        ({"a": np.zeros(0)}, None),
        ({"a": np.zeros(())}, None),
        ({}, None),
    ],
)
def test_rows_are_those_that_all_inputs_have(inputs, rows):
    assert rows_of(inputs) == rows


@pytest.mark.parametrize(
    "into, out, padded, joins, parts",
    [
        ([[None]], [[None], [None, 3]], False, True, True),
        ([[None]], [[None, None]], False, False, False),
        ([[None]], [[None, None]], True, True, False),
        ([[None, None]], [[None, None]], False, True, False),
        ([[None]], [[]], False, False, False),
        ([[4]], [[None]], False, False, True),
    ],
)
def test_what_signatures_say_of_rows(into, out, padded, joins, parts):
    made = signature(into, out)
    assert (independent(made, padded), fixed(made)) == (joins, parts)


def test_shorter_rows_are_padded_and_missing_ones_repeated():
    found = joined(
        [{"ids": np.array([[1]]), "t": objects([[b"a"]])}, {"ids": np.array([[2, 3]]), "t": objects([[b"b", b"c"]])}]
    )
    assert found["ids"].tolist() == [[1, 0], [2, 3]] and found["t"].tolist() == [[b"a", b""], [b"b", b"c"]]
    assert filled(np.array([1, 2]), 4).tolist() == [1, 2, 2, 2] and filled(np.array([1, 2]), 2).tolist() == [1, 2]

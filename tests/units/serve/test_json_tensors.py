"""JSON documents to tensors and back, in TensorFlow Serving's words."""

import json
import math
import time

import numpy as np
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from seq2seq_keras.serve import json_tensors
from seq2seq_keras.serve.status import Code, ServingError


def signature(**dtypes: str) -> SignatureDef:
    made = SignatureDef()
    for name, dtype in dtypes.items():
        made.inputs[name].dtype = types_pb2.DataType.Value(f"DT_{dtype}")
    return made


FLOAT, INT, STRING, BOOL = (signature(x=dtype) for dtype in ("FLOAT", "INT32", "STRING", "BOOL"))
PAIR = signature(b="FLOAT", a="FLOAT")


def read(body, of: SignatureDef = FLOAT) -> tuple[dict[str, np.ndarray], bool]:
    return json_tensors.to_inputs(json_tensors.parse(body if isinstance(body, bytes) else body.encode()), of)


def refused(function, *given) -> str:
    with pytest.raises(ServingError) as caught:
        function(*given)
    assert caught.value.code == Code.INVALID_ARGUMENT
    return caught.value.message


DOCUMENTS = {
    b"": "The document is empty",
    b" \n": "The document is empty. at offset: 2",
    b"words": "Invalid value. at offset: 0",
    b"not": "Invalid value. at offset: 1",
    b"nul": "Invalid value. at offset: 3",
    b"\xff": "Invalid encoding in string. at offset: 0",
    b'{"inputs":': "Invalid value. at offset: 10",
    b'{"inputs":[1,]}': "Invalid value. at offset: 13",
    b'{"inputs":-Inf}': "Invalid value. at offset: 14",
    b'{"\xc3\xa9":?}': "Invalid value. at offset: 6",
    b'\xef\xbb\xbf{"a":?}': "Invalid value. at offset: 8",
    b"{": "Missing a name for object member. at offset: 1",
    b'{"a":1,}': "Missing a name for object member. at offset: 7",
    b'{"a" 1}': "Missing a colon after a name of object member. at offset: 5",
    b'{"a":["]",{}] "b"}': "Missing a comma or } after an object member. at offset: 14",
    b'{"a":["}",[] 2]}': "Missing a comma or ] after an array element. at offset: 13",
    b'{"a":"b': "Missing a closing quotation mark in string. at offset: 7",
    b'{"a":"\n"}': "Invalid encoding in string. at offset: 6",
    b'{"a":"\xff"}': "Invalid encoding in string. at offset: 6",
    b'{"a":"\xe2\x82"}': "Invalid encoding in string. at offset: 6",
    b'{"a":"\\q"}': "Invalid escape character in string. at offset: 6",
    b'{"a":"\\u00zz"}': "Incorrect hex digit after \\u escape in string. at offset: 7",
    b'{"a":"\\ud800"}': "The surrogate pair in string is invalid. at offset: 6",
    b'{"a":"\\uDFFF"}': "The surrogate pair in string is invalid. at offset: 6",
    b'{"\\ud83d\\ude00":"\\ud83d\\\\ude00"}': "The surrogate pair in string is invalid. at offset: 17",
    b'{"a9":["8",' + b"7" * 5000 + b"]}": "Number too big to be stored in double. at offset: 11",
    b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}": "The document is nested too deeply.",
    b'{"a":' * 200_000: "The document is nested too deeply.",
}


@pytest.mark.parametrize("body", DOCUMENTS, ids=lambda body: repr(body[:20]))
def test_what_is_no_document(body):
    assert refused(json_tensors.parse, body) == f"JSON Parse error: {DOCUMENTS[body]}"


@pytest.mark.parametrize("body", [b"[1]", b"1.5", b'"text"', b"null", b"true", b"NaN"])
def test_a_document_is_an_object(body):
    assert refused(json_tensors.parse, body) == f"JSON Value: {body.decode()} Is not object"


def test_what_a_document_may_be():
    assert json_tensors.parse(b'  {"a":1}') == {"a": 1}
    assert json_tensors.parse(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
    assert json_tensors.parse(b'{"a":"\\ud83d\\ude00 \\\\ud800"}') == {"a": "\N{GRINNING FACE} \\ud800"}
    assert json_tensors.parse(b'{"a":[-Infinity,Infinity]}') == {"a": [-math.inf, math.inf]}


@pytest.mark.parametrize("rest", [b"X", b"}", b'{"b":', b"\xff", b"\\ud800", b"\0"])
def test_bytes_after_the_document_are_ignored(rest):
    assert json_tensors.parse(b'{"a":1}' + rest) == {"a": 1}


def test_names_of_signatures():
    assert json_tensors.signature_name({}) == "serving_default"
    assert json_tensors.signature_name({"signature_name": ""}) == "serving_default"
    assert json_tensors.signature_name({"signature_name": "text"}) == "text"
    said = refused(json_tensors.signature_name, {"signature_name": 5})
    assert said == (
        "JSON Value: {\"signature_name\": 5} not formatted correctly. 'signature_name' key must be a string value."
    )


TENSORS = [
    ('{"instances":[1.0,2,5.5]}', FLOAT, np.array([1, 2, 5.5], np.float32)),
    ('{"instances":[[1,2],[3,4]]}', FLOAT, np.array([[1, 2], [3, 4]], np.float32)),
    ('{"instances":[{"x":[1,2]},{"x":[3,4]}]}', FLOAT, np.array([[1, 2], [3, 4]], np.float32)),
    ('{"inputs":[1.0,2.0]}', FLOAT, np.array([1, 2], np.float32)),
    ('{"inputs":1.0}', FLOAT, np.array(1, np.float32)),
    ('{"inputs":{"x":[[1.0],[2.0]]}}', FLOAT, np.array([[1], [2]], np.float32)),
    ('{"inputs":{"x":3,"more":"ignored"}}', FLOAT, np.array(3, np.float32)),
    ('{"inputs":[],"more":{}}', FLOAT, np.zeros([0], np.float32)),
    ('{"inputs":[[],[]]}', FLOAT, np.zeros([2, 0], np.float32)),
    ('{"inputs":[NaN,Infinity,-Infinity]}', FLOAT, np.array([np.nan, np.inf, -np.inf], np.float32)),
    ('{"inputs":[1435774380,1e308,-1e308]}', FLOAT, np.array([1435774336, np.inf, -np.inf], np.float32)),
    ('{"inputs":[1435774380,1e308]}', signature(x="DOUBLE"), np.array([1435774380, 1e308])),
    ('{"inputs":[100000000000000000000000000000000]}', FLOAT, np.array([1e32], np.float32)),
    ('{"inputs":[0.5]}', signature(x="HALF"), np.array([0.5], np.float16)),
    ('{"inputs":[2147483647,-2147483648]}', INT, np.array([2**31 - 1, -(2**31)], np.int32)),
    ('{"inputs":[18446744073709551615]}', signature(x="UINT64"), np.array([2**64 - 1], np.uint64)),
    ('{"inputs":[-9223372036854775808]}', signature(x="INT64"), np.array([-(2**63)], np.int64)),
    ('{"inputs":[true,false]}', BOOL, np.array([True, False])),
    ('{"instances":["é","\\u0000",""]}', STRING, np.array(["é".encode(), b"\0", b""], object)),
    ('{"instances":[{"b64":"w6kgw6A="},"x"]}', STRING, np.array(["é à".encode(), b"x"], object)),
    ('{"instances":[{"b64":"w6kgw6A"},{"b64":" w6kg\\nw6A= "}]}', STRING, np.array(["é à".encode()] * 2, object)),
    ('{"instances":[{"x":{"b64":"AAA="}}]}', STRING, np.array([b"\0\0"], object)),
    ('{"instances":[[["a"],["b"]]]}', STRING, np.array([[[b"a"], [b"b"]]], object)),
    ('{"inputs":{"b64":"AAA="}}', STRING, np.array(b"\0\0", object)),
    ('{"inputs":"text"}', STRING, np.array(b"text", object)),
]


@pytest.mark.parametrize("body, of, expected", TENSORS, ids=[body for body, *_ in TENSORS])
def test_tensors(body, of, expected):
    (found,), rows = (list(part.values()) if isinstance(part, dict) else part for part in read(body, of))
    assert rows == ("instances" in body)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_bfloat16():
    found = read('{"inputs":[0.5,3]}', signature(x="BFLOAT16"))[0]["x"]
    assert found.dtype.name == "bfloat16" and found.tolist() == [0.5, 3]


def test_several_inputs_by_row_and_by_column():
    by_row, rows = read('{"instances":[{"b":1,"a":[2,3]},{"a":[4,5],"b":6}]}', PAIR)
    by_column, columns = read('{"inputs":{"a":[[2,3],[4,5]],"b":[1,6]}}', PAIR)
    assert rows and not columns
    for found in (by_row, by_column):
        assert list(found) == ["a", "b"]
        np.testing.assert_array_equal(found["a"], [[2, 3], [4, 5]])
        np.testing.assert_array_equal(found["b"], [1, 6])


ELEMENT = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: "
WRONG = [
    # What a document must have (E5 to E8).
    ("{}", FLOAT, "Missing 'inputs' or 'instances' key"),
    (
        '{"inputs":1,"instances":[1]}',
        FLOAT,
        'JSON Value: {"inputs": 1, "instances": [1]} Not formatted correctly expecting only one of '
        "'inputs' or 'instances' keys to exist ",
    ),
    ('{"instances":5}', FLOAT, "JSON Value: {\"instances\": 5} Expecting 'instances' to be an list/array"),
    ('{"instances":[]}', FLOAT, "JSON Value: {\"instances\": []} No values in 'instances' array"),
    # Values of another type (E4, E26, E27).
    ('{"inputs":"x"}', FLOAT, 'JSON Value: "x" Type: String is not of expected type: float'),
    ('{"inputs":[1,"x"]}', FLOAT, 'JSON Value: "x" Type: String is not of expected type: float'),
    ('{"inputs":true}', FLOAT, "JSON Value: true Type: True is not of expected type: float"),
    ('{"inputs":[null]}', FLOAT, "JSON Value: null Type: Null is not of expected type: float"),
    ('{"inputs":[{}]}', FLOAT, "JSON Value: {} Type: Object is not of expected type: float"),
    ('{"inputs":false}', INT, "JSON Value: false Type: False is not of expected type: int32"),
    ('{"inputs":1.5}', INT, "JSON Value: 1.5 Type: Number is not of expected type: int32"),
    ('{"inputs":1.0}', INT, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
    ('{"inputs":NaN}', INT, "JSON Value: NaN Type: Number is not of expected type: int32"),
    ('{"inputs":2147483648}', INT, "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
    ('{"inputs":256}', signature(x="UINT8"), "JSON Value: 256 Type: Number is not of expected type: uint8"),
    ('{"inputs":-1}', signature(x="UINT64"), "JSON Value: -1 Type: Number is not of expected type: uint64"),
    ('{"inputs":[1]}', BOOL, "JSON Value: 1 Type: Number is not of expected type: bool"),
    ('{"inputs":[1]}', STRING, "JSON Value: 1 Type: Number is not of expected type: string"),
    ('{"instances":["x"]}', FLOAT, ELEMENT.format(0) + 'JSON Value: "x" Type: String is not of expected type: float'),
    (
        '{"instances":[{"x":1},{"x":true}]}',
        FLOAT,
        ELEMENT.format("1 key: x") + "JSON Value: true Type: True is not of expected type: float",
    ),
    ('{"inputs":1}', signature(x="COMPLEX64"), "Conversion of JSON Value: 1 to type: complex64"),
    ('{"inputs":' + "9" * 400 + "}", FLOAT, "JSON Parse error: Number too big to be stored in double."),
    # Ragged lists (E11, E12).
    ('{"instances":[[1,2],[3]]}', FLOAT, ELEMENT.format(1) + "Expecting tensor size: 2 but got: 1"),
    ('{"instances":[[1,2],[[3,4]]]}', FLOAT, ELEMENT.format(1) + "Expecting shape [2] but got: [1,2]"),
    ('{"instances":[1,[1]]}', FLOAT, ELEMENT.format(1) + "Expecting shape [] but got: [1]"),
    (
        '{"instances":[[[1],[2,3]]]}',
        FLOAT,
        ELEMENT.format(0) + "Encountered list at unexpected size: 2 at level: 1 expected size: 1",
    ),
    ('{"inputs":[[1,2],[3]]}', FLOAT, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
    ('{"inputs":[1,[2]]}', FLOAT, "Encountered list at unexpected level: 1 expected < 1"),
    (
        '{"inputs":[[1],2]}',
        FLOAT,
        "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    ('{"inputs":' + "[" * 40 + "]" * 40 + "}", FLOAT, "A tensor of 40 dimensions, expected at most 32"),
    # Objects and lists, by row (E13 to E16).
    ('{"instances":[{"x":1},2]}', FLOAT, "Expecting object but got list at item 1 of input list"),
    ('{"instances":[1,{"x":2}]}', FLOAT, "Expecting value/list but got object at item 1 of input list"),
    (
        '{"instances":[{"a":1}]}',
        PAIR,
        "Failed to process element: 0 of 'instances' list. JSON object: {\"a\": 1} keys must be equal to: a,b",
    ),
    (
        '{"instances":[{"a":1,"b":2},{"a":1,"b":2,"c":3}]}',
        PAIR,
        ELEMENT.format("1 key: c") + "JSON object: does not have named input: c, keys must be equal to: a,b",
    ),
    (
        '{"instances":[[1,2]]}',
        PAIR,
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    # By column (E17, E18).
    (
        '{"inputs":[1,2]}',
        PAIR,
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
        "tensorinfo_map",
    ),
    ('{"inputs":{"a":[1]}}', PAIR, "Missing named input: b in 'inputs' object."),
    # Base 64 (E19).
    ('{"inputs":{"b64":"???"}}', STRING, "Unable to base64 decode"),
    ('{"inputs":{"b64":"A"}}', STRING, "Unable to base64 decode"),
    ('{"inputs":{"b64":"é"}}', STRING, "Unable to base64 decode"),
    ('{"instances":[{"b64":"AA=A"}]}', STRING, ELEMENT.format(0) + "Unable to base64 decode"),
    ('{"inputs":[{"b64":5}]}', STRING, 'JSON Value: {"b64": 5} not formatted correctly for base64 data'),
]


@pytest.mark.parametrize("body, of, message", WRONG, ids=[body[:50] for body, *_ in WRONG])
def test_what_is_refused(body, of, message):
    assert refused(read, body, of) == message


def test_a_signature_without_inputs():
    assert refused(read, '{"inputs":1}', signature()) == "Failed to get input map for signature: serving_default"


@pytest.mark.parametrize(
    "body",
    ['{"instances":[1,2,"x"]}', '{"inputs":[1,2,"x"]}', '{"inputs":{"x":[1,2,"x"]}}', '{"instances":[{"x":1},[],{}]}'],
)
def test_more_instances_than_the_limit(body):
    document = json_tensors.parse(body.encode())
    with pytest.raises(ServingError, match="^The request has 3 instances, the limit is 2$"):
        json_tensors.to_inputs(document, FLOAT, 2)
    assert refused(json_tensors.to_inputs, document, FLOAT, 3) == refused(json_tensors.to_inputs, document, FLOAT)


def test_a_long_value_is_not_sent_back_whole():
    for document in ({"inputs": "x" * 100_000}, {"instances": [{"x" * 100_000: 1}]}, {"instances": "x" * 100_000}):
        assert len(refused(read, json.dumps(document))) < 1000


ANSWERS = [
    ({"y": np.array([2.5, 3, 4.5], np.float32)}, True, '{"predictions":[2.5,3.0,4.5]}'),
    ({"y": np.array([2.5, 3], np.float32)}, False, '{"outputs":[2.5,3.0]}'),
    ({"y": np.array(2.5, np.float32)}, False, '{"outputs":2.5}'),
    (
        {"y": np.array([2.1, 0.1, 1435774336, 16777216, 1e16, 1e-5, -0.0, 3e38], np.float32)},
        False,
        '{"outputs":[2.1,0.1,1435774336.0,16777216.0,1e+16,1e-05,-0.0,3e+38]}',
    ),
    ({"y": np.array([0.1, 2.0999999046325684, 1e22])}, False, '{"outputs":[0.1,2.0999999046325684,1e+22]}'),
    ({"y": np.array([0.1, 3], np.float16)}, False, '{"outputs":[0.1,3.0]}'),
    ({"y": np.array([np.nan, np.inf, -np.inf], np.float32)}, False, '{"outputs":[NaN,Infinity,-Infinity]}'),
    ({"y": np.array([2**63 - 1, -1])}, False, '{"outputs":[9223372036854775807,-1]}'),
    ({"y": np.array([True, False])}, True, '{"predictions":[true,false]}'),
    ({"y": np.zeros([2, 0], np.float32)}, True, '{"predictions":[[],[]]}'),
    ({"y": np.zeros([0, 2], np.float32)}, True, '{"predictions":[]}'),
    ({"t": np.array(['é\n"'.encode()], object)}, True, '{"predictions":["é\\n\\""]}'),
    ({"t": np.array(b"a", object)}, False, '{"outputs":"a"}'),
    ({"t_bytes": np.array([b"\xff"], object)}, True, '{"predictions":[{"b64":"/w=="}]}'),
    ({"t_bytes": np.array([[b"\xff"]], object)}, False, '{"outputs":[[{"b64":"/w=="}]]}'),
    ({"i_bytes": np.array([1], np.int32)}, True, '{"predictions":[1]}'),
    (
        {"b": np.array([1, 2], np.int32), "a": np.array([[b"x"], [b"y"]], object)},
        True,
        '{"predictions":[{"a":["x"],"b":1},{"a":["y"],"b":2}]}',
    ),
    (
        {"b": np.array([1, 2], np.int32), "a": np.array([b"x"], object)},
        False,
        '{"outputs":{"a":["x"],"b":[1,2]}}',
    ),
]


@pytest.mark.parametrize("outputs, rows, document", ANSWERS, ids=[document for *_, document in ANSWERS])
def test_answers(outputs, rows, document):
    assert json_tensors.to_document(outputs, rows).decode() == document


def test_answers_that_json_cannot_hold():
    def said(outputs, rows=True):
        return refused(json_tensors.to_document, outputs, rows)

    assert said({"total": np.array(1.0)}) == "Tensor name: total has no shape information "
    uneven = {"x": np.zeros(2), "y": np.zeros(4)}
    assert said(uneven) == "Tensor name: y has inconsistent batch size: 4 expecting: 2"
    assert said({"c": np.zeros(1, complex)}) == "Failed to write JSON value for tensor type: complex128"
    assert said({"t": np.array([b"a", b"\xff"], object)}).startswith("Tensor name: t holds bytes that are no UTF-8")


def test_every_float32_comes_back_as_it_was():
    random = np.random.default_rng(1)
    values = random.integers(0, 2**32, 5000, np.uint32).view(np.float32)
    values = values[np.isfinite(values)]
    text = json_tensors.to_document({"y": values}, False)
    found = np.array(json.loads(text)["outputs"])
    np.testing.assert_array_equal(found.astype(np.float32), values)
    assert max(len(number) for number in text.decode().split(",")) < 30


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances":[' + b",".join([b"1"] * 20_000) + b',"x"]}',
        b'{"instances":[' + b",".join([b"[1]"] * 20_000) + b",[]]}",
        b'{"inputs":"' + b"\\\\ud800" * 100_000 + b"\\ud800",
        b'{"inputs":"' + b'\\"' * 500_000,
        b'{"inputs":[' + b'"\\"",' * 100_000 + b"?]}",
        b'{"inputs":[' + b"[]," * 60_000 + b"]}",
    ],
    ids=lambda body: body[:20].decode(),
)
def test_a_refusal_takes_no_longer_than_an_answer(body):
    begun = time.process_time()
    refused(read, body)
    assert time.process_time() - begun < 1

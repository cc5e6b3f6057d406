"""A search that was written is read as the same search."""

import json

import pytest
from keras import ops

from seq2seq_keras.decode import Beam, DiverseBeam, Greedy, LexicalBeam, Sample, parts
from seq2seq_keras.decode.controls import (
    Banned,
    MaxLength,
    MinLength,
    NoRepeat,
    Prefix,
    Prefixes,
    RepetitionPenalty,
    Shortlist,
)

CONTROLS = (
    MinLength(1, 0.5),
    MaxLength(of_source=2.0),
    NoRepeat(3),
    RepetitionPenalty(1.2),
    Banned(((5, 6), (8,))),
    Prefix((7, 4)),
    Shortlist((4, 5, 6, 7, 9)),
)
SEARCHES = [
    Greedy(),
    Greedy(CONTROLS),
    Beam(4, 0.0, 2, 0.1, "full", CONTROLS),
    DiverseBeam(4, groups=2, controls=CONTROLS[:2]),
    LexicalBeam(((4, 5), (6,)), bank=2),
    Sample(0.7, top_k=3, top_p=0.9, min_p=0.1, count=3, n_best=2, seed=5, controls=CONTROLS[:1]),
]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: type(search).__name__)
def test_what_went_through_json_is_the_same(search):
    written = json.dumps(parts.described(search))
    assert parts.search(json.loads(written)) == search


def test_a_description_can_be_read():
    search = Greedy((MinLength(2), Banned(((4, 5),))))
    assert parts.described(search) == {
        "kind": "Greedy",
        "controls": [
            {"kind": "MinLength", "length": 2, "of_source": 0.0},
            {"kind": "Banned", "phrases": [[4, 5]]},
        ],
    }


def test_what_is_left_out_has_its_default():
    assert parts.search({"kind": "Beam", "width": 3}) == Beam(3)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, "kind is None; expected one of Greedy, Beam"),
        ({"kind": "beam"}, "kind is 'beam'"),
        ({"kind": "Beam", "tempo": 3, "size": 1}, "Beam has no size, tempo; expected width, length_penalty"),
        ({"kind": "Beam", "width": "wide"}, "Beam cannot be made"),
        ({"kind": "Beam", "width": 0}, "width must be at least 1"),
        ({"kind": "LexicalBeam"}, "LexicalBeam cannot be made.*phrases"),
        ({"kind": "MinLength", "length": 1}, "MinLength is no search"),
        ({"kind": "Greedy", "controls": [{"kind": "Greedy"}]}, "controls must be"),
        ({"kind": "Greedy", "controls": [3]}, "controls must be"),
        ({"kind": "Greedy", "controls": [{"kind": "NoRepeat", "size": 0}]}, "size must be at least 1"),
    ],
    ids=str,
)
def test_what_is_no_search_is_told(description, message):
    with pytest.raises(ValueError, match=message):
        parts.search(description)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (Sample(temperature=ops.convert_to_tensor(0.5)), "temperature of Sample is a .*Tensor"),
        (Greedy((Prefixes(ops.zeros((1, 2), "int32")),)), "Prefixes.*has no form that can be written"),
        ("greedy", "'greedy' has no form"),
    ],
    ids=["scalar", "prefixes", "text"],
)
def test_tensors_and_strangers_cannot_be_written(search, message):
    with pytest.raises(ValueError, match=message):
        parts.described(search)

"""Flags become the search that they say, or one line of error."""

from types import SimpleNamespace

import pytest

from pipelines import searches
from pipelines.settings import Rules, Strategy
from seq2seq_keras import decode, tokens
from seq2seq_keras.context import UNK
from seq2seq_keras.decode import controls
from seq2seq_keras.errors import InputError

WORDS = tokens.Words(["<pad>", "<unk>", "<bos>", "<eos>", *"abcdef"])
A, B, C, *_ = range(4, 10)
SAVED = decode.Beam(4, 1.0, controls=(controls.MinLength(1, 0.5),))


def task(search=SAVED, attention=True):
    model = SimpleNamespace(alignment=len if attention else None)
    return SimpleNamespace(search=search, target=WORDS, max_length=10, model=model)


def asked(saved=SAVED, /, n_best=1, **given):
    strategy = {name: given.pop(name) for name in list(given) if name in Strategy.__dataclass_fields__}
    return searches.asked(Strategy(**strategy), Rules(**given), task(saved), n_best)


KEPT = SAVED.controls
LEXICAL = decode.LexicalBeam(((A,),), bank=2)


@pytest.mark.parametrize(
    ("saved", "given", "expected"),
    [
        (SAVED, {}, SAVED),
        (decode.Greedy(), {}, decode.Greedy()),
        (LEXICAL, {}, LEXICAL),
        (SAVED, {"n_best": 3}, decode.Beam(4, 1.0, 3, controls=KEPT)),
        (SAVED, {"n_best": 6}, decode.Beam(6, 1.0, 6, controls=KEPT)),
        (decode.Greedy(), {"n_best": 3}, decode.Beam(5, 0.0, 3)),
        (SAVED, {"search": "greedy"}, decode.Greedy(KEPT)),
        (SAVED, {"beam": 2}, decode.Beam(2, 1.0, controls=KEPT)),
        (SAVED, {"beam": 2, "length_penalty": 0.0}, decode.Beam(2, 0.0, controls=KEPT)),
        (decode.Greedy(), {"beam": 2}, decode.Beam(2)),
        (decode.Greedy(), {"length_penalty": 0.2}, decode.Beam(5, 0.2)),
        (SAVED, {"coverage_penalty": 0.2}, decode.Beam(4, 1.0, coverage_penalty=0.2, controls=KEPT)),
        (SAVED, {"search": "diverse"}, decode.DiverseBeam(length_penalty=1.0, controls=KEPT)),
        (SAVED, {"search": "diverse", "n_best": 7}, decode.DiverseBeam(9, length_penalty=1.0, n_best=7, controls=KEPT)),
        (SAVED, {"search": "sample", "top_k": 3, "seed": 1}, decode.Sample(top_k=3, seed=1, controls=KEPT)),
        (SAVED, {"search": "sample", "best_of": 4}, decode.Sample(count=4, controls=KEPT)),
        (SAVED, {"search": "sample", "n_best": 4}, decode.Sample(count=4, n_best=4, controls=KEPT)),
        (decode.Sample(0.5), {"top_p": 0.9}, decode.Sample(0.5, top_p=0.9)),
        (SAVED, {"must": ("a b", "c")}, decode.LexicalBeam(((A, B), (C,)), 4, 1.0, controls=KEPT)),
        (decode.Greedy(), {"must": ("c",), "beam": 2}, decode.LexicalBeam(((C,),), 2)),
    ],
    ids=str,
)
def test_flags_change_what_was_saved(saved, given, expected):
    assert asked(saved, **given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"min_length": 3}, controls.MinLength(3, 0.5)),
        ({"max_length": 4}, controls.MaxLength(4)),
        ({"max_ratio": 1.5}, controls.MaxLength(of_source=1.5)),
        ({"no_repeat": 2}, controls.NoRepeat(2)),
        ({"repetition_penalty": 1.5}, controls.RepetitionPenalty(1.5)),
        ({"ban": ("a", "b c")}, controls.Banned(((A,), (B, C)))),
        ({"ban": ("a", "never-seen")}, controls.Banned(((A,),))),
        ({"prefix": "b a"}, controls.Prefix((B, A))),
    ],
    ids=str,
)
def test_rules_are_added_to_those_that_were_saved_or_change_them(given, expected):
    found = asked(**given).controls
    assert expected in found and len({type(control) for control in found}) == len(found)
    assert isinstance(found[0], controls.MinLength)


def test_a_ban_of_what_is_never_said_needs_no_rule():
    assert asked(ban=("never-seen",)) == SAVED


def test_a_file_of_texts_is_all_that_may_be_said(tmp_path):
    (tmp_path / "list").write_text("a b\nnever-seen a\n")
    assert asked(only=tmp_path / "list").controls[-1] == controls.Shortlist((A, B))
    (tmp_path / "empty").write_text("never-seen\n")
    with pytest.raises(InputError, match="there is no token of the vocabulary in it"):
        asked(only=tmp_path / "empty")
    assert UNK not in asked(only=tmp_path / "list").controls[-1].ids


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"temperature": 0.5}, "beam search has no --temperature. Add --search sample"),
        ({"search": "greedy", "beam": 3}, "greedy search has no --beam. Add --search beam"),
        ({"search": "sample", "beam": 3, "groups": 2}, "sample search has no --beam and no --groups"),
        ({"beam": 3, "temperature": 1.0}, "no --temperature. Leave it out"),
        ({"beam": 3, "n_best": 4}, "--n-best is 4; expected at most 3, the --beam given"),
        ({"search": "sample", "best_of": 3, "n_best": 4}, "expected at most 3, the --best-of given"),
        ({"beam": 0}, "width must be at least 1, found 0"),
        ({"length_penalty": -1.0}, "length_penalty must"),
        ({"search": "sample", "temperature": 0.0}, r"temperature must be more than 0.*Greedy\(\)"),
        ({"search": "sample", "top_p": 1.5}, "top_p must be"),
        ({"search": "diverse", "beam": 5, "groups": 2}, "groups must divide the width 5"),
        ({"no_repeat": 0}, "size must be at least 1"),
        ({"max_ratio": -1.0}, "of_source must be finite"),
        ({"min_length": 10}, "--min-length is 10; expected less than 10"),
        ({"min_length": 5, "max_length": 4}, "must not contradict"),
        ({"prefix": "a b", "ban": ("b",)}, "holds .*which is banned"),
        ({"prefix": "a " * 10}, "--prefix has 10 tokens; expected fewer than 10"),
        ({"prefix": "never-seen"}, "--prefix 'never-seen' has a part that the vocabulary lacks"),
        ({"prefix": ""}, "--prefix '' holds no token"),
        ({"ban": (" ",)}, "--ban ' ' holds no token"),
        ({"must": ("a", "b c"), "ban": ("b c",)}, "--must 'b c' is forbidden by --ban"),
        ({"must": ("a",), "search": "sample"}, "--must cannot be obeyed by sample search"),
        ({"must": ("a",), "coverage_penalty": 0.1}, "--must goes with no --coverage-penalty"),
        ({"must": ("a " * 10,)}, "--must asks for"),
        ({"must": ("never-seen",)}, "--must 'never-seen' has a part"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_line(given, message):
    with pytest.raises(InputError, match=message) as caught:
        asked(**given)
    assert "\n" not in str(caught.value)


def test_coverage_needs_attention():
    with pytest.raises(InputError, match="--coverage-penalty needs a model with attention"):
        searches.asked(Strategy(coverage_penalty=0.1), Rules(), task(attention=False))

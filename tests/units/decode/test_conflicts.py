"""What controls refuse: arguments that make no sense, and each other."""

import numpy as np
import pytest

from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.decode import Greedy, generate
from seq2seq_keras.decode.controls import (
    Banned,
    MaxLength,
    MinLength,
    NoRepeat,
    Prefix,
    Prefixes,
    RepetitionPenalty,
    Shortlist,
    check,
)
from tests.units.decode.spelling import Tree

NAN = float("nan")


@pytest.mark.parametrize(
    ("kind", "wrong", "named"),
    [
        (MinLength, {"length": -1}, "length"),
        (MinLength, {"of_source": -0.5}, "of_source"),
        (MinLength, {"of_source": NAN}, "of_source"),
        (MaxLength, {}, "length or of_source"),
        (MaxLength, {"length": 0}, "length"),
        (MaxLength, {"of_source": 0.0}, "of_source"),
        (MaxLength, {"of_source": float("inf")}, "of_source"),
        (NoRepeat, {"size": 0}, "size"),
        (RepetitionPenalty, {"factor": 0.9}, "factor"),
        (RepetitionPenalty, {"factor": NAN}, "factor"),
        (Banned, {"phrases": ((),)}, "phrases"),
        (Banned, {"phrases": ((EOS,),)}, "EOS"),
        (Banned, {"phrases": ((4, EOS, 5),)}, "EOS"),
        (Banned, {"phrases": ((PAD,),)}, "PAD"),
        (Banned, {"phrases": "words"}, "ids"),
        (Prefix, {"ids": (4, EOS, 5)}, "EOS"),
        (Prefix, {"ids": (BOS, 4)}, "BOS"),
        (Prefix, {"ids": (-4,)}, "-4"),
        (Prefix, {"ids": "words"}, "ids"),
        (Prefix, {"ids": (4.5,)}, "ids"),
        (Shortlist, {"ids": ()}, "ids"),
        (Shortlist, {"ids": (EOS,)}, "ids"),
        (Shortlist, {"ids": (PAD, 4)}, "PAD"),
    ],
    ids=str,
)
def test_arguments_that_make_no_sense_are_refused(kind, wrong, named):
    with pytest.raises(ValueError, match=named):
        kind(**wrong)


@pytest.mark.parametrize(
    ("controls", "why"),
    [
        ((MinLength(5), MaxLength(4)), "length"),
        ((MaxLength(of_source=1.0), MinLength(of_source=1.5)), "of_source"),
        ((Prefix((4, 5)), Banned(((5,),))), "banned"),
        ((Banned(((9, 9), (5, 6))), Prefix((4, 5, 6))), "banned"),
        ((Prefix((4, EOS)), Banned(((4, EOS),))), "banned"),
        ((Prefix((4, 5)), Shortlist((4, 6))), "shortlist"),
        ((Prefix((4, 5)), MaxLength(1)), "longer"),
        ((Prefix((4, EOS)), MinLength(2)), "ends"),
        ((Prefix((4, 5, 4, 5)), NoRepeat(2)), "twice"),
        ((Prefix((4, 5)), Prefix((4, 6, 7))), "two ways"),
        ((Prefix((4, EOS)), Prefix((4, 6))), "two ways"),
        ((Shortlist((4, 5)), Shortlist((6, 7))), "left"),
        ((Shortlist((4, 5)), Banned(((4,), (5,)))), "left"),
    ],
    ids=str,
)
def test_controls_that_contradict_each_other_are_refused(controls, why):
    with pytest.raises(ValueError, match=why):
        check(controls)


@pytest.mark.parametrize(
    "controls",
    [
        (),
        (MinLength(4), MaxLength(4)),
        (MinLength(4), MaxLength(of_source=0.5)),
        (Prefix((4, 5)), Banned(((5, 4), (4, 5, 6), (5, EOS)))),
        (Prefix((4, EOS)), Shortlist((4,)), MaxLength(1), MinLength(1)),
        (Prefix((4, 5, 4)), NoRepeat(2), MinLength(9)),
        (Prefix((4,)), Prefix((4, 5)), Prefix(())),
        (Shortlist((4, 5)), Shortlist((5, 6)), Banned(((4,), (5, 5)))),
    ],
    ids=str,
)
def test_controls_that_can_be_obeyed_together_are_accepted(controls):
    check(controls)


@pytest.mark.parametrize("wrong", [MinLength(3), [MinLength(3)], (MinLength,), ("MinLength",)], ids=str)
def test_what_is_no_tuple_of_controls_is_refused(wrong):
    with pytest.raises(ValueError, match="tuple of controls"):
        check(wrong)


@pytest.mark.parametrize(
    ("control", "why"),
    [
        (Prefix((4, 5, 6)), "prefix"),
        (Prefix((4, 5, 6, EOS)), "prefix"),
        (MinLength(4), "length"),
        (Prefix((99,)), "vocabulary"),
        (Banned(((4,), (4, 99))), "vocabulary"),
        (Shortlist((4, 99)), "vocabulary"),
        (Prefixes(np.zeros((2, 3), "int32")), "row for each"),
        (Prefixes(np.zeros((3,), "int32")), "row for each"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_search_is_refused_before_anything_is_said(control, why):
    model, source = Tree([{"": {"a": 1.0}}], 3), np.zeros((1, 1), "int32")
    with pytest.raises(ValueError, match=why):
        generate(model, source, Greedy((control,)), 3)


def test_lists_become_tuples_so_that_searches_can_be_told_apart():
    assert Prefix([4, 5]) == Prefix((4, 5))
    assert hash(Greedy((Banned([[4, 5]]), Shortlist([4, EOS])))) == hash(Greedy((Banned(((4, 5),)), Shortlist((4,)))))
    assert Prefix((4, EOS)).ids == (4, EOS)

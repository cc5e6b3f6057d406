"""Controls over words whose probabilities can be multiplied by hand."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.context import EOS, PAD
from seq2seq_keras.decode import Beam, Greedy, generate
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
from tests.units.decode.spelling import Tree, letters, read

ANIMALS = {
    "": {"c": 0.6, "d": 0.4},
    "c": {"a": 0.4, "o": 0.35, "u": 0.25},
    "ca": {"t": 0.6, "r": 0.4},
    "co": {"w": 0.9, ".": 0.1},
    "d": {"o": 1.0},
    "do": {"g": 0.9, ".": 0.1},
}
SHORT = {"a" * n: {"a": 0.1, ".": 0.9} for n in range(12)}
LONG = {"a" * n: {"a": 0.9, ".": 0.1} for n in range(12)}
FRUIT = {
    "": {"b": 1.0},
    "b": {"a": 1.0},
    "ba": {"n": 1.0},
    "ban": {"a": 0.9, "d": 0.1},
    "bana": {"n": 0.9, "s": 0.1},
    "banan": {"a": 0.9, "e": 0.1},
    "banana": {"n": 0.9, ".": 0.1},
}
TABLES = [ANIMALS, SHORT, LONG, FRUIT]


def sources(*which: int, length: int = 2):
    """Sources of `length` ids that count, whose first ids name their tables."""
    rows = [[row, *[7] * (length - (row not in (PAD, EOS))), EOS] for row in which]
    return np.array([row + [PAD] * (length + 3 - len(row)) for row in rows], "int32")


def found(which: int, *controls, length: int = 2, search=Greedy):
    hypotheses = generate(Tree(TABLES, 8), sources(which, length=length), search(controls=controls), 8)
    return read(np.asarray(hypotheses.ids)[0, 0]).rstrip("_"), hypotheses


def ids(*words: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(letters(word)) for word in words)


def word(text: str) -> tuple[int, ...]:
    return tuple(letters(text))


@pytest.mark.parametrize(
    ("control", "length", "expected"),
    [
        (MinLength(), 2, "."),
        (MinLength(3), 2, "aaa."),
        (MinLength(of_source=1.0), 2, "aa."),
        (MinLength(of_source=1.25), 2, "aaa."),
        (MinLength(2, of_source=2.5), 2, "aaaaa."),
        (MinLength(4, of_source=0.5), 2, "aaaa."),
        (MinLength(of_source=0.1), 30, "aaa."),
        (MinLength(8), 2, "aaaaaaaa"),
        (MinLength(of_source=100.0), 2, "aaaaaaaa"),
    ],
    ids=str,
)
def test_min_length_says_more_before_it_ends(control, length, expected):
    assert found(1, control, length=length)[0] == expected


@pytest.mark.parametrize(
    ("control", "length", "expected"),
    [
        (MaxLength(3), 2, "aaa."),
        (MaxLength(of_source=1.75), 2, "aaa."),
        (MaxLength(of_source=0.1), 30, "aaa."),
        (MaxLength(2, of_source=2.0), 2, "aa."),
        (MaxLength(5, of_source=2.0), 2, "aaaa."),
        (MaxLength(of_source=0.25), 2, "."),
        (MaxLength(9), 2, "aaaaaaaa"),
    ],
    ids=str,
)
def test_max_length_ends_properly(control, length, expected):
    best, hypotheses = found(2, control, length=length)
    assert best == expected
    odds = np.prod([0.1 if letter == "." else 0.9 for letter in best])
    np.testing.assert_allclose(np.exp(hypotheses.scores[0]), [odds], rtol=1e-5)


@pytest.mark.parametrize(("size", "expected"), [(1, "band."), (2, "banas."), (3, "banane."), (4, "banana.")])
def test_no_run_is_said_twice(size, expected):
    assert found(3, NoRepeat(size))[0] == expected


def test_what_was_said_costs_more():
    table = [{"": {"a": 0.5, "b": 0.5}, "a": {"a": 0.6, "b": 0.4}, "aa": {".": 1.0}, "ab": {".": 1.0}}]
    hypotheses = [
        generate(Tree(table, 4), sources(0), Greedy((RepetitionPenalty(factor),)), 4) for factor in (1.0, 1.5, 2.0)
    ]
    assert [read(np.asarray(h.ids)[0, 0]) for h in hypotheses] == ["aa._", "aa._", "ab._"]
    np.testing.assert_allclose(hypotheses[1].scores[0], [np.log(0.5) + 1.5 * np.log(0.6)], rtol=1e-5)
    np.testing.assert_allclose(hypotheses[1].log_probs[0], [np.log(0.5) + np.log(0.6)], rtol=1e-5)


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        ((), "cat."),
        (("c",), "dog."),
        (("a", "o"), "cu."),
        (("ca",), "cow."),
        (("cat",), "car."),
        (("xcat", "oat", "at"), "car."),
        (("t", "ca"), "cow."),
    ],
    ids=str,
)
def test_banned_words_and_phrases_are_not_said(phrases, expected):
    assert found(0, Banned(ids(*phrases)))[0] == expected


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [(("cat", "ar"), "cow."), (("ca", "cow", "co."), "cu."), (("at.", "ar.", "w."), "cu."), (("t.", "ar."), "cow.")],
    ids=str,
)
def test_a_beam_gets_round_what_is_banned_where_greedy_search_is_stuck(phrases, expected):
    controls = Prefix(word("c")), Banned(ids(*phrases))
    assert found(0, *controls)[0] == ""
    assert found(0, *controls, search=lambda controls: Beam(6, 0.0, controls=controls))[0] == expected


@pytest.mark.parametrize(
    ("prefix", "expected", "odds"),
    [
        ("", "cat.", 0.6 * 0.4 * 0.6),
        ("d", "dog.", 0.4 * 0.9),
        ("co", "cow.", 0.6 * 0.35 * 0.9),
        ("cow", "cow.", 0.6 * 0.35 * 0.9),
        ("co.", "co.", 0.6 * 0.35 * 0.1),
    ],
)
def test_a_prefix_is_how_it_begins_and_costs_what_it_costs(prefix, expected, odds):
    best, hypotheses = found(0, Prefix(word(prefix)))
    assert best == expected
    np.testing.assert_allclose(np.exp(hypotheses.scores[0]), [odds], rtol=1e-5)


def test_each_source_has_a_prefix_of_its_own_and_a_wrong_one_harms_no_other():
    prefixes = np.array(
        [
            [*word("co"), 0],
            [0, 0, 0],
            [
                *word("aa."),
            ],
            [*word("d"), 0, 0],
            [99, 0, 0],
            word("cab"),
        ]
    )
    which = sources(0, 1, 2, 0, 0, 0)
    hypotheses = generate(Tree(TABLES, 8), which, Greedy((Prefixes(prefixes),)), 8)
    words = [read(row[0]).rstrip("_") for row in np.asarray(hypotheses.ids)]
    assert words == ["cow.", ".", "aa.", "dog.", "", ""]
    assert np.isneginf(np.asarray(hypotheses.scores)[4:]).all()
    none = generate(Tree(TABLES, 8), which, Greedy((Prefixes(prefixes[:, :0]),)), 8)
    assert read(np.asarray(none.ids)[0, 0]) == "cat.____"
    cut = generate(Tree(TABLES, 8), which, Greedy((Prefixes(prefixes),)), 2)
    assert read(np.asarray(cut.ids)[0, 0]) == "co"


def test_a_shortlist_is_all_that_may_be_said():
    assert found(0, Shortlist(word("dog")))[0] == "dog."
    assert found(0, Shortlist(word("cud.")))[0] == "cu."


def test_where_nothing_may_be_said_the_row_is_empty_and_others_are_unharmed():
    controls = (MinLength(3), MaxLength(of_source=1.0))
    which = np.array([[1, 7, 7, 7, EOS], [1, 7, EOS, 0, 0], [2, 7, 7, EOS, 0]], "int32")
    for search in (Greedy(controls), Beam(2, 0.0, controls=controls)):
        hypotheses = generate(Tree(TABLES, 8), which, search, 8)
        words = [read(row[0]).rstrip("_") for row in np.asarray(hypotheses.ids)]
        assert words == ["aaa.", "", "aaa."]
        assert np.isneginf(np.asarray(hypotheses.scores)[1, 0])


EVERY = {
    "rules": (
        MinLength(2, of_source=0.5),
        MaxLength(5, of_source=2.0),
        NoRepeat(2),
        RepetitionPenalty(1.2),
        Banned(ids("t", "an", "ow.")),
        Shortlist(word("abcdenoruw")),
    ),
    "prefixes": (Prefix(()), Prefixes(np.array([word("co."), (0, 0, 0), (*word("a"), 0, 0), word("ban")]))),
}


@pytest.mark.parametrize("controls", EVERY.values(), ids=EVERY.keys())
@pytest.mark.parametrize("search", [Greedy, lambda controls: Beam(3, 0.6, controls=controls)], ids=["greedy", "beam"])
def test_the_same_in_a_graph_by_xla_and_eagerly(controls, search):
    model, search, which = Tree(TABLES, 8), search(controls=controls), sources(0, 1, 2, 3)
    eager = generate(model, which, search, 8)
    open_batch = tf.function(
        lambda source: generate(model, source, search, 8), input_signature=[tf.TensorSpec([None, None], tf.int32)]
    )
    compiled = tf.function(lambda source: generate(model, source, search, 8), jit_compile=True)
    for other in (open_batch(which), compiled(tf.constant(which))):
        for one, two in zip(eager, other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5)


@pytest.mark.parametrize("controls", [EVERY["rules"], *zip(EVERY["rules"])], ids=str)
def test_batch_equals_one_by_one_and_padding_changes_nothing(controls):
    which, search = sources(0, 1, 2, 3), Beam(3, 0.6, controls=controls)
    together = generate(Tree(TABLES, 8), np.pad(which, ((0, 0), (0, 5))), search, 8)
    for row in range(4):
        alone = generate(Tree(TABLES, 8), which[row : row + 1], search, 8)
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], many[row], rtol=1e-6)

"""Beams that must hold phrases, over words whose probabilities can be multiplied by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.decode import Beam, generate, score
from seq2seq_keras.decode.controls import Control
from seq2seq_keras.decode.lexical import LexicalBeam
from tests.units.decode.spelling import Table, Tree, letters, read

GARDEN_PATH = {
    "": {"c": 0.6, "d": 0.4},
    "c": {"a": 0.4, "o": 0.35, "u": 0.25},
    "ca": {"t": 0.6, "r": 0.4},
    "d": {"o": 1.0},
    "do": {"g": 1.0},
}
STUTTER = {"": {"a": 1.0}, "a": {"a": 0.9, "b": 0.1}, "aa": {"b": 1.0}}
ENDLESS = {"a" * n: {"a": 1.0} for n in range(12)}
TABLES, SOURCES = [GARDEN_PATH, STUTTER, ENDLESS], np.array([[0], [1], [2]], "int32")
RARE = {
    said: {"a": 0.6, "b": 0.29, ".": 0.1, "z": 0.01} for said in ["", "a", "b", "z", *"aa ab az ba bb bz za zb".split()]
}


def must(*words: str, **settings) -> LexicalBeam:
    return LexicalBeam(tuple(tuple(letters(word)) for word in words), **{"length_penalty": 0.0, **settings})


def found(search, source: int = 0, max_length: int = 6, tables=TABLES):
    hypotheses = generate(Tree(tables, max_length), np.array([[source]], "int32"), search, max_length)
    return [read(ids).rstrip("_") for ids in np.asarray(hypotheses.ids[0])], hypotheses


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["u"], "cu."), (["r"], "car."), (["ar"], "car."), (["t", "c"], "cat."), (["g"], "dog."), ([], "dog.")],
    ids=str,
)
def test_the_best_word_that_holds_them_all(words, expected):
    result, hypotheses = found(must(*words))
    assert result == [expected]
    _, sums = score(Tree(TABLES, 6), SOURCES[:1], hypotheses.ids[:, 0])
    np.testing.assert_allclose(hypotheses.scores[0], sums, rtol=1e-5)


def test_a_rare_letter_is_found_by_the_narrowest_bank():
    assert found(Beam(1, 0.0), max_length=4, tables=[RARE])[0] == ["aaa."]
    (word,), _ = found(must("z", bank=1), max_length=4, tables=[RARE])
    assert "z" in word
    assert word.endswith(".")


def test_phrases_may_share_letters():
    alphabet = {"": {"a": 1.0}, "a": {"b": 1.0}, "ab": {"c": 0.5, ".": 0.5}, "abc": {".": 1.0}}
    assert found(must("ab", "bc"), tables=[alphabet])[0] == ["abc."]
    assert found(must("b", "abc", "b"), tables=[alphabet])[0] == ["abc."]


def test_a_phrase_that_was_begun_may_begin_again():
    assert found(must("ab"), source=1)[0] == ["aab."]
    words, _ = found(must("ab", n_best=2), source=1)
    assert words == ["aab.", "ab."]


def test_what_cannot_be_said_leaves_what_misses_least_and_is_cut():
    words, hypotheses = found(must("ab"), source=2)
    assert words == ["aaaaaa"]
    assert np.isfinite(hypotheses.scores[0, 0])
    partly = {"": {"a": 0.9, "b": 0.1}} | {"b" + "a" * n: {"a": 1.0} for n in range(9)} | ENDLESS
    assert found(must("b", "z"), tables=[{**partly, "": {"a": 0.9, "b": 0.1}}])[0] == ["baaaaa"]


def test_a_control_comes_before_a_phrase():
    @dataclass(frozen=True)
    class Without(Control):
        letter: str

        def __call__(self, ranks, said, known):
            silent = ops.equal(ops.arange(ranks.shape[-1]), letters(self.letter)[0])
            return ops.where(silent, float("-inf"), ranks)

    words, hypotheses = found(must("t", controls=(Without("t"),)))
    assert "t" not in words[0]
    assert found(must("a", controls=(Without("t"),)))[0] == ["car."]


def test_no_phrase_is_beam():
    for source in range(3):
        searches = LexicalBeam((), 3, 0.6, 2), Beam(3, 0.6, 2)
        for one, other in zip(*(found(search, source)[1] for search in searches), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def of_each(*sources: list[str]) -> np.ndarray:
    """Phrases of each source as a tensor (B, 2, 2)."""
    whole = np.full((len(sources), 2, 2), PAD, "int32")
    for row, words in enumerate(sources):
        for place, word in enumerate(words):
            whole[row, place, : len(word)] = letters(word)
    return whole


EACH = [["ar", "c"], ["ab"], []]


def test_every_source_may_have_its_own_phrases():
    together = generate(Tree(TABLES, 6), SOURCES, LexicalBeam(of_each(*EACH), 3, 0.0, 2), 6)
    for row, words in enumerate(EACH):
        alone = found(must(*words, bank=3, n_best=2), row)[1]
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], many[row], rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_in_a_graph_with_phrases_as_an_argument_as_eagerly_and_traced_once(compiled):
    rows, model, traces = 3 if compiled else None, Tree(TABLES, 6), []

    @tf.function(
        input_signature=[tf.TensorSpec([rows, 1], tf.int32), tf.TensorSpec([rows, 2, 2], tf.int32)],
        jit_compile=compiled,
    )
    def run(source, phrases):
        traces.append(1)
        return generate(model, source, LexicalBeam(phrases, 3, 0.6, 2), 6)

    for count in [3] if compiled else [3, 1, 0]:
        phrases = of_each(*EACH)[:count]
        eager = generate(Tree(TABLES, 6), SOURCES[:count], LexicalBeam(phrases, 3, 0.6, 2), 6)
        for one, other in zip(run(SOURCES[:count], phrases), eager, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5)
    assert len(traces) == 1


def test_an_id_outside_the_vocabulary_is_refused_or_in_a_tensor_never_held():
    with pytest.raises(ValueError, match="phrases must be ids below"):
        found(LexicalBeam(((99,),)))
    phrases = np.array([[[99]], [[letters("b")[0]]]], "int32")
    hypotheses = generate(Tree(TABLES, 6), SOURCES[:2], LexicalBeam(phrases, 3, 0.0), 6)
    assert read(hypotheses.ids[1, 0]) == "aab.__"
    assert np.isneginf(hypotheses.scores[0, 0]) or EOS not in np.asarray(hypotheses.ids[0, 0])


def test_a_row_of_nan_is_empty_and_harms_no_other():
    logits = np.random.default_rng(0).normal(size=(2, 4, 6, 6, 6))
    broken = logits.copy()
    broken[0] = np.nan
    whole, part = (generate(Table(table), SOURCES[:2], LexicalBeam(((4,),), 2), 4) for table in (logits, broken))
    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    assert part.lengths[0].numpy().tolist() == [0]
    assert np.isneginf(part.scores[0, 0])


def test_too_short_a_length_is_refused():
    with pytest.raises(ValueError, match="max_length of at least 4, found 3"):
        found(must("ab", "c"), max_length=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"phrases": ((),)},
        {"phrases": ((4, EOS),)},
        {"phrases": ((BOS,),)},
        {"phrases": ((PAD, 4),)},
        {"phrases": ((-1,),)},
        {"phrases": (4, 5)},
        {"phrases": [[4]]},
        {"phrases": np.zeros((1, 2), "int32")},
        {"bank": 0},
        {"n_best": 6},
        {"n_best": 0},
        {"length_penalty": -0.1},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        LexicalBeam(**{"phrases": ((4,),), **wrong})


def test_it_can_be_hashed_and_compared_and_says_how_many_rows_it_needs():
    assert {must("ab", "c"), must("ab", "c")} == {must("ab", "c")}
    assert must("ab", "c", bank=2).width == 2 * 4
    assert must("ab", "ab", bank=2).width == 2 * 3

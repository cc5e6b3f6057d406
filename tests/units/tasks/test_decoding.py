"""What a task can be asked beside its best text."""

import dataclasses

import keras
import numpy as np
import pytest

from seq2seq_keras import data, decode, models, tokens
from seq2seq_keras.context import UNK
from seq2seq_keras.decode import controls
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import Scored, TextToText
from tests import cases
from tests.units.tasks.test_text_to_text import TEXTS, task

GREEDY = decode.Greedy()


@pytest.fixture(scope="module")
def attentive():
    return task(search=decode.Beam(3))


def same(ours: list[Scored], theirs: list[Scored]):
    assert [one.text for one in ours] == [one.text for one in theirs]
    np.testing.assert_allclose([one.score for one in ours], [one.score for one in theirs], atol=1e-4)


def test_an_output_tells_log_p_of_every_piece(attentive):
    for (said,) in attentive.nbest(TEXTS, GREEDY):
        assert len(said.pieces) == len(said.log_probs) <= 10
        assert sum(said.log_probs) == pytest.approx(said.score, abs=1e-4)
        words = [piece for piece in said.pieces if piece != "<eos>"]
        assert " ".join(words) == said.text.replace("⁇", "<unk>")


def test_given_targets_score_as_if_they_were_found(attentive):
    short = decode.Sample(seed=3, controls=(controls.MaxLength(5), controls.Banned(((UNK,),))))
    found = [outputs[0] for outputs in attentive.nbest(TEXTS, short)]
    again = attentive.scored(TEXTS, [one.text for one in found])
    for ours, theirs in zip(again, found, strict=True):
        assert (ours.text, list(ours.pieces)) == (theirs.text, list(theirs.pieces))
        np.testing.assert_allclose(ours.log_probs, theirs.log_probs, atol=1e-4)


def test_perplexity_counts_every_id_and_the_ends(attentive):
    sources, targets = ["a b c", "h g"], ["c b a", ""]
    expected = np.exp(-np.sum(attentive.score(sources, targets)) / (4 + 1))
    assert attentive.perplexity(sources, targets) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(InputError, match="there is no target"):
        attentive.perplexity([], [])


def test_outputs_begin_as_they_must_and_the_rest_is_free(attentive):
    prefixes = ["c b", "", "d", "h h h", ""]
    found = attentive.generate(TEXTS, GREEDY, prefixes=prefixes)
    assert all(text.startswith(prefix) for text, prefix in zip(found, prefixes, strict=True))
    free = attentive.generate(TEXTS, GREEDY)
    assert [found[row] for row in (1, 4)] == [free[row] for row in (1, 4)]
    one = attentive.nbest(TEXTS[:1], decode.Greedy((controls.Prefix(tuple(ids(attentive, "c b"))),)))[0]
    same(attentive.nbest(TEXTS[:1], GREEDY, prefixes=["c b"])[0], one)


def ids(task, text: str) -> list[int]:
    return task.target.encode([text]).to_list()[0]


def test_a_stream_ends_in_the_greedy_text(attentive):
    for text in TEXTS:
        *_, last = ["", *attentive.stream(text)]
        assert last == attentive.generate([text], GREEDY)[0]
    every = list(attentive.stream(TEXTS[0]))
    assert all(after.startswith(before) for before, after in zip(every, every[1:]))


def test_a_stream_obeys_the_rules_of_the_task(attentive):
    strict = task(search=decode.Beam(3, controls=(controls.MaxLength(2),)))
    *_, last = ["", *strict.stream("a b c")]
    assert len(last.split()) <= 2 and last == strict.generate(["a b c"], decode.Greedy(strict.search.controls))[0]


def test_samples_are_streamed_and_beams_are_not(attentive):
    search = decode.Sample(seed=4)
    *_, last = ["", *attentive.stream("a b c", search)]
    assert last == attentive.generate(["a b c"], search)[0]
    with pytest.raises(InputError, match="Beam follows several paths at once; expected Greedy"):
        attentive.stream("a", decode.Beam(2))


def test_a_half_letter_is_not_shown_in_a_stream():
    corpus = data.reverse_pairs(20, seed=1)
    vocabulary = tokens.learn("bytes", corpus.source)
    keras.utils.set_random_seed(3)
    model = models.attention(vocabulary.size, width=8, depth=1)
    cases.shake(model)
    spelling = TextToText(model, vocabulary, max_length=6)
    every = list(spelling.stream("a", decode.Sample(seed=2, min_p=0.0)))
    assert not any(text.endswith("\N{REPLACEMENT CHARACTER}") for text in every[:-1])


def test_the_consensus_is_one_of_the_samples(attentive):
    search = decode.Sample(count=5, n_best=5, seed=1)
    every = [[one.text for one in outputs] for outputs in attentive.nbest(TEXTS, search)]
    found = attentive.consensus(TEXTS, search)
    assert all(text in texts for text, texts in zip(found, every, strict=True))
    with pytest.raises(ValueError, match="utility must be one of chrf, bleu"):
        attentive.consensus(["a"], search, "taste")


def test_an_ensemble_of_one_model_twice_says_what_it_says(attentive):
    both = TextToText(
        decode.Ensemble([attentive.model, attentive.model]), attentive.source, search=attentive.search, max_length=10
    )
    for ours, theirs in zip(both.nbest(TEXTS), attentive.nbest(TEXTS), strict=True):
        same(ours, theirs)
    np.testing.assert_allclose(both.score(["a b"], ["b a"]), attentive.score(["a b"], ["b a"]), atol=1e-4)


def test_an_ensemble_is_neither_saved_nor_mixed(attentive, tmp_path):
    both = TextToText(decode.Ensemble([attentive.model]), attentive.source)
    with pytest.raises(InputError, match="kind Ensemble is not one to save. Save its members"):
        both.save(tmp_path / "both")
    with pytest.raises(InputError, match="kind Ensemble is not one to export"):
        both.export(tmp_path / "1")
    with pytest.raises(ValueError, match="Ensemble has no attention"):
        both.align("a", "b")
    with pytest.raises(InputError, match="vocabulary has 6 entries"):
        TextToText(decode.Ensemble([attentive.model]), tokens.learn("words", ["x y"]))


@pytest.fixture(scope="module")
def ignorant():
    """Says nothing but the unknown word, three times."""
    only = controls.Shortlist((UNK,))
    return task(search=decode.Beam(2, controls=(only, controls.MinLength(3), controls.MaxLength(3))))


def test_unknown_words_are_named_by_the_source(ignorant):
    texts = ["a b c", "", "never-seen b", "a", "d e f g h"]
    plain, named = ignorant.generate(texts), ignorant.generate(texts, replace_unknown=True)
    assert plain == ["⁇ ⁇ ⁇"] * 5
    assert named[1] == "⁇ ⁇ ⁇", "a source without words names nothing"
    for text, said in zip(texts, named):
        assert len(said.split()) == 3 and set(said.split()) <= {*text.split(), "⁇"}
    looked = ignorant.align(texts[4], "x x x").weights[:3, :5].argmax(axis=1)
    assert named[4] == " ".join(texts[4].split()[place] for place in looked)


def test_known_words_stay_as_they_are(attentive):
    search = decode.Beam(3, n_best=3, controls=(controls.Banned(((UNK,),)),))
    for ours, theirs in zip(attentive.nbest(TEXTS, search, replace_unknown=True), attentive.nbest(TEXTS, search)):
        same(ours, theirs)


def test_words_of_a_source_that_was_cut_name_nothing(ignorant):
    short = task(search=ignorant.search, max_source=3)
    assert set(short.generate(["a b c d"], replace_unknown=True)[0].split()) <= {"a", "b"}


def test_unknown_words_need_words_and_attention():
    with pytest.raises(InputError, match="the target is of characters; expected words"):
        task(separate=True).generate(["a"], replace_unknown=True)
    with pytest.raises(InputError, match="has no attention"):
        task("lstm").generate(["a"], replace_unknown=True)


def test_searches_that_are_equal_share_a_trace(attentive):
    search = decode.Sample(0.5, seed=3)
    attentive.generate(["a"], search)
    assert attentive._graphs.outputs(search, False, False) is attentive._graphs.outputs(
        dataclasses.replace(search), False, False
    )

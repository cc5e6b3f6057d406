"""Minimum Bayes risk over samples that can be compared by eye."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from seq2seq_keras.errors import InputError
from seq2seq_keras.metrics.consensus import consensus

DOGS = ["A cat sleeps.", "A dog runs on the beach.", "A dog is running on the beach.", "The dog runs on the sand."]


@pytest.mark.parametrize("utility", ["chrf", "bleu"])
def test_the_sample_that_the_others_agree_with_is_chosen_and_the_stray_one_is_not(utility):
    assert consensus([DOGS, DOGS[::-1]], utility) == [1, 2]


@pytest.mark.parametrize(("utility", "metric"), [("chrf", CHRF()), ("bleu", BLEU(effective_order=True))])
def test_it_is_the_highest_mean_over_all_others_duplicates_and_all(utility, metric):
    generator = np.random.default_rng(0)
    words = ["the", "a", "dog", "runs", "sleeps", "today"]
    for _ in range(10):
        texts = [" ".join(generator.choice(words, 3)) for _ in range(6)]
        texts += [texts[3], texts[5], texts[3]]
        means = [
            np.mean([metric.sentence_score(text, [other]).score for j, other in enumerate(texts) if j != i])
            for i, text in enumerate(texts)
        ]
        (chosen,) = consensus([texts], utility)
        assert means[chosen] == pytest.approx(max(means))


def test_what_is_drawn_more_often_wins():
    assert consensus([["left", "right", "right"], ["left", "left", "right"]]) == [1, 0]


def test_of_equals_and_of_one_it_is_the_first():
    assert consensus([["one"], ["same", "same"], ["x y", "y x"], [""], ["", ""]]) == [0] * 5


def test_sources_may_have_different_numbers_of_samples_and_no_source_has_no_choice():
    assert consensus([DOGS, ["one"], DOGS[1:]]) == [1, 0, 0]
    assert consensus([]) == []


def test_a_source_without_samples_and_an_unknown_utility_are_refused():
    with pytest.raises(InputError, match="source 2"):
        consensus([["one"], []])
    with pytest.raises(ValueError, match="chrf, bleu; found 'meteor'"):
        consensus([["one"]], "meteor")

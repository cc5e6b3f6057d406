"""A model that knows one task learns another from a twentieth of the pairs, with few of its numbers."""

import keras
import pytest

from seq2seq_keras import data, objectives, tokens, training
from tests.learning.test_toy_tasks import FAMILIES, exact, learned

PAIRS, EPOCHS = 1_000, 30


def taught(model, words, pairs, optimizer):
    train = pairs(PAIRS, seed=3, lengths=(2, 6))
    examples = tokens.pairs(train, words, words)
    model.compile(training.GuardedOptimizer(optimizer), objectives.CrossEntropy(), jit_compile=False)
    model.fit(data.batch(examples, 512, seed=1), epochs=EPOCHS, verbose=0, shuffle=False)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["attention", "transformer"])
def test_adapters_turn_copying_into_reversing(family):
    model, words = learned(FAMILIES[family], data.copy_pairs, epochs=8)
    assert exact(model, words, data.copy_pairs) >= 0.95
    assert exact(model, words, data.reverse_pairs) <= 0.2

    matrices = training.named(model, ["*kernel"])
    training.freeze([weight for weight in model.weights if all(weight is not one for one in matrices)])
    rank, adam = 8, keras.optimizers.Adam(1e-2, global_clipnorm=1.0)
    taught(model, words, data.reverse_pairs, training.LowRank(adam, rank))
    share = sum(training.adapted_numbers(weight.shape, rank) for weight in matrices) / model.count_params()
    figures = exact(model, words, data.reverse_pairs), share
    assert figures[0] >= 0.9 and figures[1] <= 0.35, figures

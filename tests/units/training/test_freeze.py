"""Weights found by their names, and kept from learning."""

import keras
import numpy as np
import pytest

from seq2seq_keras import models, objectives, training
from seq2seq_keras.errors import InputError
from tests.units.training import small


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return models.transformer(12, width=8, depth=2, heads=2)


def paths(model, *patterns) -> list[str]:
    return [weight.path for weight in training.named(model, patterns)]


def test_a_name_means_all_that_lies_in_it_and_a_star_anything(model):
    every = [weight.path for weight in model.weights]
    assert paths(model, "*") == every
    assert paths(model, "encoder") == paths(model, "enc*") == [path for path in every if path.startswith("encoder/")]
    assert paths(model, "embedding") == ["embedding/embeddings"]
    assert paths(model, "encoder/layer_1/attention/*_query") == [
        f"encoder/layer_1/attention/attention_query/{name}" for name in ("kernel", "bias")
    ]
    assert set(paths(model, "*/bias")) == {path for path in every if path.endswith("/bias")}


def test_several_patterns_mean_each_weight_once_in_the_order_of_the_model(model):
    every = [weight.path for weight in model.weights]
    found = paths(model, "decoder", "*/bias", "decoder")
    assert found == [path for path in every if path.startswith("decoder/") or path.endswith("/bias")]


def test_a_pattern_that_means_nothing_is_refused_with_the_names_there_are(model):
    with pytest.raises(
        InputError, match="no weight is called 'encodr'.*embedding, encoder, decoder, .*encoder/layer_0"
    ):
        training.named(model, ["decoder", "encodr"])


@pytest.mark.parametrize(
    "kind", [keras.optimizers.Adam, pytest.param(keras.optimizers.RMSprop, marks=pytest.mark.slow)]
)
def test_frozen_weights_stay_bit_for_bit_while_the_others_move(kind):
    model = small.compiled(family="transformer")
    frozen = training.named(model, ["encoder", "embedding"])
    training.freeze(frozen)
    model.compile(training.GuardedOptimizer(kind(1e-2), clip=1.0), objectives.CrossEntropy(), run_eagerly=True)
    before = {weight.path: weight.numpy() for weight in model.weights}
    small.fit(model, small.examples()[0], epochs=1)
    kept = {weight.path for weight in frozen}
    moved = {path for path, value in before.items() if not np.array_equal(value, by_path(model)[path])}
    # A key's bias adds the same to every score: its gradient is rounding.
    assert moved <= before.keys() - kept and len(moved) >= len(before) - len(kept) - 1
    assert len(model.trainable_weights) == len(before) - len(kept)


def by_path(model) -> dict:
    return {weight.path: weight.numpy() for weight in model.weights}


def test_first_weights_are_those_of_the_trained_model_and_another_model_is_refused():
    ours, theirs = small.compiled(), small.compiled()
    theirs.set_weights([weight + 1 for weight in theirs.get_weights()])
    training.take_weights(ours, theirs)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for other, complaint in ((small.compiled(width=16), r"embeddings \(12, 16\) is .*embeddings \(12, 8\) here"),):
        with pytest.raises(InputError, match=complaint):
            training.take_weights(ours, other, "runs/old")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)

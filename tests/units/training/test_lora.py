"""A few numbers trained in place of a matrix."""

import keras
import numpy as np
import pytest

from seq2seq_keras import models, objectives, training
from seq2seq_keras.training import snapshots
from tests import cases, oracles
from tests.units.training import small
from tests.units.training.test_checkpoints import Die


def layer(kind: str):
    if kind == "dense":
        return keras.layers.Dense(5), cases.ramp(6, 4)
    return keras.layers.Embedding(7, 5), np.array([[0, 3, 3], [6, 1, 3]], "int32")


@pytest.mark.parametrize("kind", ["dense", "embedding"])
def test_it_trains_as_the_layers_of_keras_that_know(kind):
    """The same A to begin with, and Adam on A, B and the bias: the same weights after each step."""
    found = []
    for knows in (True, False):
        keras.utils.set_random_seed(2)
        part, inputs = layer(kind)
        part.build(inputs.shape)
        model = keras.Sequential([part])
        optimizer = keras.optimizers.Adam(0.05)
        first = cases.ramp(part.weights[0].shape[0], 2, scale=0.7)
        if knows:
            part.enable_lora(2, lora_alpha=3.0)
            getattr(part, "lora_kernel_a" if kind == "dense" else "lora_embeddings_a").assign(first)
        else:
            optimizer = training.LowRank(optimizer, 2, alpha=3.0)
            optimizer.build(model.trainable_variables)
            optimizer.adapters[0].down.assign(first)
        model.compile(optimizer, "mse", run_eagerly=True)
        steps = []
        for step in range(4):
            model.train_on_batch(inputs, cases.ramp(*inputs.shape[: 1 if kind == "dense" else 2], 5, scale=1.0 + step))
            weight = part.kernel if kind == "dense" else part.embeddings
            steps.append([oracles.numbers(weight), *(w.numpy() for w in part.weights if "bias" in w.path)])
        found.append(steps)
    for ours, theirs in zip(*found):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert np.abs(found[0][0][0] - found[0][-1][0]).max() > 1e-2


def adapted(family: str = "lstm", policy: str = "float32", rank: int = 2, outside=lambda inner: inner):
    """A compiled model of which adapters of the matrices learn, and nothing else."""
    model = small.compiled(family=family, policy=policy)
    matrices = [weight for weight in training.named(model, ["*kernel"]) if weight.shape[-1] > 1]
    training.freeze([weight for weight in model.weights if all(weight is not one for one in matrices)])
    inner = keras.optimizers.Adam(1e-2, global_clipnorm=1.0)
    optimizer = training.GuardedOptimizer(outside(training.LowRank(inner, rank)))
    model.compile(optimizer, objectives.CrossEntropy(0.1), run_eagerly=True)
    return model


def adapters(model) -> list:
    return training.guard(model).inner_optimizer.adapters


def test_before_the_first_update_nothing_changes():
    model = adapted()
    before = model.get_weights()
    model.optimizer.build(model.trainable_variables)
    zeros = [np.zeros(weight.shape, "float32") for weight in model.trainable_variables]
    model.optimizer.apply(zeros, model.trainable_variables)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("family", [pytest.param("attention", marks=pytest.mark.slow), "transformer"])
def test_only_adapters_learn_and_the_model_is_their_sum_with_the_base_and_is_saved_as_ever(family, tmp_path):
    model = adapted(family)
    before = {weight.path: weight.numpy() for weight in model.weights}
    small.fit(model, small.examples()[0], epochs=1)
    learned = {weight.path: adapter for weight, adapter in zip(model.trainable_variables, adapters(model))}
    assert learned
    for weight in model.weights:
        if weight.path not in learned:
            np.testing.assert_array_equal(weight.numpy(), before[weight.path], err_msg=weight.path)
            continue
        base, down, up = (part.numpy() for part in learned[weight.path])
        np.testing.assert_array_equal(base, before[weight.path])
        assert down.shape[1] == up.shape[0] == 2 and np.abs(up).max() > 0
        np.testing.assert_allclose(weight.numpy(), base + down @ up, rtol=1e-5, atol=1e-6)
        # Merged and not: one product, or three of which two are thin.
        inputs = cases.ramp(3, base.shape[0])
        unmerged = inputs @ base + (inputs @ down) @ up
        np.testing.assert_allclose(inputs @ weight.numpy(), unmerged, rtol=1e-4, atol=1e-5)
    numbers = sum(training.adapted_numbers(weight.shape, 2) for weight in model.trainable_variables)
    trained = training.guard(model).inner_optimizer.inner_optimizer._trainable_variables
    assert numbers == sum(variable.numpy().size for variable in trained) < model.count_params()
    plain = models.Seq2Seq.from_config(model.get_config())
    plain.set_weights(model.get_weights())
    plain.save(tmp_path / "model.keras")
    read = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert [weight.path for weight in read.trainable_weights] == [weight.path for weight in read.weights]
    inputs = {"source": np.array([[4, 5, 3]], "int32"), "target": np.array([[2, 6]], "int32")}
    np.testing.assert_allclose(read(inputs), model(inputs), rtol=1e-6)


def test_weights_of_one_axis_learn_as_they_are_and_of_three_as_matrices():
    weights = [keras.Variable(cases.ramp(4)), keras.Variable(cases.ramp(3, 4, 5))]
    optimizer = training.LowRank(keras.optimizers.SGD(1.0), rank=2)
    optimizer.build(weights)
    assert optimizer.adapters[0] is None
    assert optimizer.adapters[1].down.shape == (12, 2) and optimizer.adapters[1].up.shape == (2, 5)
    before = weights[1].numpy()
    gradients = [np.ones(4, "float32"), cases.ramp(3, 4, 5)]
    optimizer.apply(gradients, weights)
    np.testing.assert_allclose(weights[0].value, cases.ramp(4) - 1.0, rtol=1e-6)
    down = optimizer.adapters[1].down.numpy()
    change = down @ -(down.T @ gradients[1].reshape(12, 5))
    np.testing.assert_allclose(weights[1].numpy(), before + change.reshape(3, 4, 5), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_adapters_resume_exactly_also_with_averages_and_between_the_batches_of_an_update(tmp_path):
    def make():
        return adapted(outside=lambda inner: training.Accumulated(training.Averaged(inner, 0.9), 2))

    made, whole = small.examples()[0], make()
    small.fit(whole, made, callbacks=[training.Checkpoints(tmp_path / "whole", every=0)], epochs=2)
    with pytest.raises(RuntimeError, match="killed"):
        small.fit(make(), made, callbacks=[training.Checkpoints(tmp_path / "killed", every=1), Die(3)], epochs=2)
    keras.utils.set_random_seed(99)
    model, checkpoints = make(), training.Checkpoints(tmp_path / "killed", every=1)
    position = checkpoints.restore(model)
    assert position == (0, 3)
    small.fit(model, made, position, [checkpoints], epochs=2)
    ours, theirs = (snapshots.read(training.files(tmp_path / name)[-1]).arrays for name in ("killed", "whole"))
    for array, (name, other) in zip(ours.values(), theirs.items(), strict=True):
        np.testing.assert_array_equal(array, other, err_msg=name)


def test_it_comes_back_from_its_config_and_refuses_what_cannot_be():
    made = training.LowRank(keras.optimizers.Adam(0.5), 4, alpha=8.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert (again.rank, again.alpha, again.scale) == (4, 8.0, 2.0)
    with pytest.raises(ValueError, match="rank must be at least 1, found 0"):
        training.LowRank(keras.optimizers.Adam(0.5), 0)
    with pytest.raises(ValueError, match="alpha must be positive or None, found -1"):
        training.LowRank(keras.optimizers.Adam(0.5), 2, alpha=-1.0)

"""Tables that begin with pretrained vectors: tuned, frozen, and of another width than the model's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from seq2seq_keras import models
from seq2seq_keras.bridges import CopyStates
from seq2seq_keras.decoders import RecurrentDecoder
from seq2seq_keras.embed import FrozenTable, ProjectedTable, TokenTable
from seq2seq_keras.encoders import RecurrentEncoder
from seq2seq_keras.objectives import CrossEntropy
from tests import cases, oracles

SIZE, WIDTH, VECTOR = 11, 4, 6
IDS = np.array([4, 7, 9])
OTHERS = np.setdiff1d(np.arange(SIZE), IDS)


def filled(table):
    table.fill(IDS, cases.ramp(3, table.width, scale=3.0))
    return table


def projected(width=WIDTH, **more):
    table = ProjectedTable(filled(FrozenTable(SIZE, VECTOR)), width, **more)
    table(np.zeros((1, 1), "int32"))
    return table


def model_of(embedding):
    return models.Seq2Seq(
        embedding, RecurrentEncoder("gru", embedding.width), CopyStates(), RecurrentDecoder("gru", embedding.width)
    )


def trained(model, steps=3):
    """Adam, whose momenta move whatever once had a gradient."""
    model.compile(keras.optimizers.Adam(0.05), CrossEntropy(), run_eagerly=True, jit_compile=False)
    source, target = np.array([[4, 5, 7, 3]], "int32"), np.array([[2, 9, 8, 4]], "int32")
    for _ in range(steps):
        model.train_on_batch({"source": source, "target": target}, np.roll(target, -1, 1))
    return model


def test_filled_rows_keep_directions_and_get_the_size_of_random_ones():
    table = TokenTable(SIZE, WIDTH)
    table.build(None)
    before = oracles.numbers(table.embeddings)
    vectors = cases.ramp(3, WIDTH, scale=7.0)
    table.fill(IDS, vectors)
    after = oracles.numbers(table.embeddings)
    np.testing.assert_array_equal(after[OTHERS], before[OTHERS])
    np.testing.assert_allclose(after[IDS], oracles.unit_rows(vectors), rtol=1e-5)
    np.testing.assert_allclose(np.square(after[IDS]).mean(), 1 / WIDTH, rtol=1e-5)


def test_rows_of_zeros_and_no_rows_fill_too():
    table = TokenTable(SIZE, WIDTH)
    table.fill([4], np.zeros((1, WIDTH)))
    table.fill([], np.zeros((0, WIDTH)))
    assert not oracles.numbers(table.embeddings)[4].any()


@pytest.mark.parametrize(
    ("ids", "shape", "message"),
    [
        ([1, 2], (2, 3), r"shape \(N, 4\).*\(2, 3\)"),
        ([1], (2, 4), r"found \(2, 4\) for ids of \(1,\)"),
        ([11], (1, 4), "from 0 to 10, found 11"),
        ([-1], (1, 4), "found -1"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(ids, shape, message):
    with pytest.raises(ValueError, match=message):
        TokenTable(SIZE, WIDTH).fill(ids, np.ones(shape))


def test_tuned_rows_learn():
    table = filled(TokenTable(SIZE, WIDTH))
    before = oracles.numbers(table.embeddings)
    trained(model_of(table))
    assert (oracles.numbers(table.embeddings)[IDS] != before[IDS]).any(axis=1).all()


@pytest.mark.parametrize("tied", [True, False])
def test_frozen_rows_stay_bit_for_bit_and_the_others_learn(tied):
    table = filled(FrozenTable(SIZE, WIDTH, tied))
    before = oracles.numbers(table.embeddings)
    trained(model_of(table))
    after = oracles.numbers(table.embeddings)
    np.testing.assert_array_equal(after[IDS], before[IDS])
    used = OTHERS if tied else [2, 3, 5, 8]  # without the tie only what was looked up
    assert (after[used] != before[used]).any(axis=1).all()


def test_the_gradient_of_a_frozen_table_is_the_plain_one_but_for_its_rows():
    """Of the lookup and of the tied output; what goes back to the model is the same."""
    frozen, plain = filled(FrozenTable(SIZE, WIDTH)), TokenTable(SIZE, WIDTH)
    plain.build(None)
    plain.set_weights([frozen.embeddings])
    ids, vectors = np.array([[4, 5, 9]], "int32"), tf.constant(cases.ramp(1, 3, WIDTH))
    found = []
    for table in (plain, frozen):
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            loss = ops.sum(table(ids) ** 2) + ops.sum(ops.logsumexp(table.score(vectors), -1))
        rows, back = tape.gradient(loss, [table.embeddings.value, vectors])
        found.append((np.array(tf.convert_to_tensor(rows)), np.array(back)))
    (rows, back), (frozen_rows, frozen_back) = found
    np.testing.assert_allclose(frozen_back, back, rtol=1e-6)
    np.testing.assert_allclose(frozen_rows[OTHERS], rows[OTHERS], rtol=1e-6)
    assert not frozen_rows[IDS].any() and rows[IDS].all()


@pytest.mark.parametrize("tied", [True, False])
def test_a_projected_table_looks_up_and_scores_through_its_map(tied):
    table = projected(tied=tied)
    rows, projection = oracles.numbers(table.table.embeddings), oracles.numbers(table.projection)
    ids, vectors = np.array([[4, 0], [10, 7]], "int32"), cases.ramp(2, 3, WIDTH)
    np.testing.assert_allclose(table(ids), (rows @ projection)[ids], atol=1e-6)
    expected = vectors @ (rows @ projection).T if tied else vectors @ oracles.numbers(table.reverse_embeddings)
    np.testing.assert_allclose(table.score(vectors), expected, atol=1e-6)
    np.testing.assert_allclose(table.embeddings, rows @ projection, atol=1e-6)


@pytest.mark.parametrize("width", [WIDTH, 9])
def test_a_projection_begins_orthogonal_at_the_size_of_random_rows(width):
    projection = oracles.numbers(projected(width).projection)
    narrow = min(VECTOR, width)
    gram = projection @ projection.T if width >= VECTOR else projection.T @ projection
    np.testing.assert_allclose(gram, np.eye(narrow) * max(1.0, VECTOR / width), atol=1e-6)


def test_a_projected_table_wants_a_tied_one():
    with pytest.raises(ValueError, match="table must be tied"):
        ProjectedTable(TokenTable(SIZE, VECTOR, tied=False), WIDTH)


def test_the_map_of_frozen_vectors_learns():
    table = projected()
    before, rows = oracles.numbers(table.projection), oracles.numbers(table.table.embeddings)
    trained(model_of(table))
    assert (oracles.numbers(table.projection) != before).all()
    np.testing.assert_array_equal(oracles.numbers(table.table.embeddings)[IDS], rows[IDS])


def test_a_saved_model_knows_vectors_and_what_is_frozen_without_the_file(tmp_path):
    model = trained(model_of(projected()), steps=1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for old, new in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(np.flatnonzero(again.embedding.table.frozen), IDS)
    before = oracles.numbers(again.embedding.table.embeddings)
    trained(again)
    np.testing.assert_array_equal(oracles.numbers(again.embedding.table.embeddings)[IDS], before[IDS])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("tied", [True, False])
def test_scores_are_float32_under_every_policy(policy, tied):
    keras.config.set_dtype_policy(policy)
    frozen, table = filled(FrozenTable(SIZE, WIDTH)), projected(tied=tied)
    for each in (frozen, table):
        looked_up = each(np.zeros((1, 2), "int32"))
        assert keras.backend.standardize_dtype(looked_up.dtype) == policy.removeprefix("mixed_")
        scores = each.score(ops.cast(cases.ramp(2, WIDTH), looked_up.dtype))
        assert (np.asarray(scores).view("uint32") & 0xFFFF).any(), "logits with the bits of bfloat16 alone"

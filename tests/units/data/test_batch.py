"""Examples to padded batches: layout, order, and going on where a run stopped."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.data import Examples, Ragged, batch, plan

BUDGET = 24


def make(count: int = 40, seed: int = 1) -> Examples:
    random = np.random.default_rng(seed)
    source = [[*random.integers(4, 90, random.integers(0, 8)), EOS] for _ in range(count)]
    target = [random.integers(4, 90, random.integers(1, 8)) for _ in range(count)]
    return Examples(Ragged.from_rows(source), Ragged.from_rows(target))


EXAMPLES = make()
COUNT = len(plan(EXAMPLES, BUDGET))


def oracle(examples: Examples, rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, target and labels of a batch, written out cell by cell."""
    sources, targets = [examples.source[row] for row in rows], [examples.target[row] for row in rows]
    source = np.full((len(rows), max(map(len, sources))), PAD, "int32")
    target = np.full((len(rows), max(map(len, targets)) + 1), PAD, "int32")
    labels = target.copy()
    for i in range(len(rows)):
        source[i, : len(sources[i])] = sources[i]
        target[i, : len(targets[i]) + 1] = [BOS, *targets[i]]
        labels[i, : len(targets[i]) + 1] = [*targets[i], EOS]
    return source, target, labels


def flat(made) -> list[tuple]:
    """Batches as plain tuples, so that lists of them compare."""
    return [(x["source"].numpy().tolist(), x["target"].numpy().tolist(), y.numpy().tolist()) for x, y in made]


def expected(epoch: int, seed: int = 0) -> list[tuple]:
    batches = plan(EXAMPLES, BUDGET, seed).epoch(epoch)
    return [tuple(part.tolist() for part in oracle(EXAMPLES, rows)) for rows in batches]


def test_batches_have_the_layout_of_teacher_forcing():
    dataset = batch(EXAMPLES, BUDGET)
    for (inputs, labels), rows in zip(dataset, plan(EXAMPLES, BUDGET).epoch(0), strict=True):
        for found, wanted in zip((inputs["source"], inputs["target"], labels), oracle(EXAMPLES, rows), strict=True):
            np.testing.assert_array_equal(found, wanted)
            assert found.dtype == tf.int32


def test_shapes_are_known_to_have_two_axes():
    inputs, labels = batch(EXAMPLES, BUDGET).element_spec
    assert [spec.shape.rank for spec in (inputs["source"], inputs["target"], labels)] == [2, 2, 2]


def test_a_target_without_tokens_is_begin_and_end():
    examples = Examples(Ragged.from_rows([[EOS], [EOS]]), Ragged.from_rows([[], []]))
    [found] = flat(batch(examples))
    assert found == ([[EOS]] * 2, [[BOS]] * 2, [[EOS]] * 2)


def test_passes_are_epochs_one_after_the_other():
    dataset = batch(EXAMPLES, BUDGET, seed=2)
    for epoch in range(3):
        assert flat(dataset) == expected(epoch, seed=2)
    assert expected(0, seed=2) != expected(1, seed=2)


def test_validation_goes_from_short_to_long_in_every_pass():
    dataset = batch(EXAMPLES, BUDGET, shuffle=False)
    wanted = [tuple(part.tolist() for part in oracle(EXAMPLES, rows)) for rows in plan(EXAMPLES, BUDGET).ordered()]
    assert flat(dataset) == flat(dataset) == wanted


@pytest.mark.parametrize("epoch, step", [(0, 0), (0, 1), (2, 3), (1, COUNT - 1), (1, COUNT), (0, 2 * COUNT + 2)])
def test_resuming_gives_the_rest_of_the_uninterrupted_stream(epoch, step):
    whole = list(itertools.chain.from_iterable(expected(number) for number in range(5)))
    dataset = batch(EXAMPLES, BUDGET, epoch=epoch, step=step)
    begin = epoch * COUNT + step
    first = flat(dataset)
    assert first == whole[begin : (begin // COUNT + 1) * COUNT]
    assert flat(dataset) == whole[begin + len(first) : begin + len(first) + COUNT]


def test_an_uninterrupted_repeat_goes_through_the_epochs():
    repeated = batch(EXAMPLES, BUDGET, step=3).repeat()
    whole = expected(0) + expected(1) + expected(2)
    assert flat(repeated.take(2 * COUNT)) == whole[3 : 3 + 2 * COUNT]


def test_two_datasets_do_not_disturb_each_other():
    one, other = batch(EXAMPLES, BUDGET), batch(EXAMPLES, BUDGET)
    assert flat(one) == expected(0)
    assert flat(other) == expected(0)
    assert flat(one) == expected(1)


class Recorder(keras.Model):
    """Learns nothing and notes the batches that `fit` and `evaluate` show it."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.built = True

    def train_step(self, data):
        self.seen.extend(flat([data]))
        return {"loss": 0.0}

    test_step = train_step


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras, of a first epoch that is resumed
@pytest.mark.parametrize("step", [0, 2])
def test_fit_sees_every_epoch_whole(step):
    model = Recorder()
    model.compile(run_eagerly=True)
    model.fit(batch(EXAMPLES, BUDGET, step=step), epochs=3, shuffle=False, verbose=0)
    assert model.seen == (expected(0) + expected(1) + expected(2))[step:]


@pytest.mark.parametrize("step", [0, 2])
def test_fit_by_a_number_of_steps_sees_the_same_stream(step):
    model = Recorder()
    model.compile(run_eagerly=True)
    dataset = batch(EXAMPLES, BUDGET, step=step).repeat()
    model.fit(dataset, epochs=2, steps_per_epoch=COUNT - 1, shuffle=False, verbose=0)
    assert model.seen == (expected(0) + expected(1))[step : step + 2 * (COUNT - 1)]


def test_validation_inside_fit_sees_the_same_batches_every_time():
    model = Recorder()
    model.compile(run_eagerly=True)
    dataset = batch(EXAMPLES, BUDGET, shuffle=False)
    for _ in range(2):
        model.evaluate(dataset, verbose=0)
    assert model.seen[:COUNT] == model.seen[COUNT:]
    assert len(model.seen) == 2 * COUNT


@pytest.mark.parametrize("step", [0, 2])
def test_the_size_told_is_that_of_a_whole_epoch(step):
    assert int(batch(EXAMPLES, BUDGET, step=step).cardinality()) == COUNT

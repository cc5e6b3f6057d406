"""Gradients through time against central differences: of the recall task through NumPy's own recurrences in float64."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.settings import Study
from pipelines.study import encoders, recall, splits, through_time
from seq2seq_keras import models, tokens
from seq2seq_keras.context import BOS, PAD, Encoded
from tests import oracles


@pytest.fixture
def untraced():
    """For steps that are taken once or twice, tracing them costs more than they do."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def losses(memory: recall.Memory, ids, answers, place: int, moved) -> np.ndarray:
    """(B,) cross entropy of each row, with `moved` (D,) added to h after position `place`."""
    weights = [
        oracles.numbers(weight) for weight in (*memory.layer.trainable_variables, *memory.head.trainable_variables)
    ]
    *recurrence, answer, bias = weights
    step = {"rnn": oracles.rnn_step, "gru": oracles.gru_step, "lstm": oracles.lstm_step}[memory.kind]
    state = [np.zeros((len(ids), len(moved))) for _ in range(2 if memory.kind == "lstm" else 1)]
    for time, inputs in enumerate(np.moveaxis(np.eye(2 * recall.SYMBOLS)[ids], 1, 0)):
        after = step(inputs, *state, *recurrence)
        state = list(after) if isinstance(after, tuple) else [after]
        state[0] = state[0] + (moved if time == place else 0.0)
    likely = oracles.softmax(state[0] @ answer + bias)
    return -np.log(likely[np.arange(len(ids)), answers])


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_gradients_through_time_are_those_of_the_formulas(kind):
    memory = recall.Memory(kind, 3, gain=1.5)
    ids, answers = recall.draw(np.random.default_rng(1), 2, 5, first=True)
    small, expected = 1e-5, []
    for place in range(5):
        sides = [[losses(memory, ids, answers, place, sign * small * unit) for unit in np.eye(3)] for sign in (1, -1)]
        slopes = (np.array(sides[0]) - np.array(sides[1])) / (2 * small)  # (D, B)
        expected.append(np.mean(np.linalg.norm(slopes, axis=0)))
    np.testing.assert_allclose(memory.gradients(ids, answers), expected, rtol=1e-4)


def test_a_symbol_is_put_amid_noise():
    ids, answers = recall.draw(np.random.default_rng(1), 50, 7, first=False)
    assert ((ids < recall.SYMBOLS).sum(axis=1) == 1).all()
    assert (ids.min(axis=1) == answers).all() and len(set(ids.argmin(axis=1))) == 7
    ids, answers = recall.draw(np.random.default_rng(1), 50, 7, first=True)
    assert (ids[:, 0] == answers).all()


def test_clipping_changes_the_step_but_not_the_norm_that_is_told(untraced):
    seen = {}
    for clip in (0.0, 1e-12):
        keras.utils.set_random_seed(1)
        memory = recall.Memory("rnn", 4)
        before = memory.layer.cell.recurrent_kernel.numpy()
        norms = memory.train(np.random.default_rng(1), 3, 2, 1e-3, clip, 4)
        seen[clip] = norms, np.abs(memory.layer.cell.recurrent_kernel.numpy() - before).max()
    assert seen[0.0][0][0] == pytest.approx(seen[1e-12][0][0]) and seen[0.0][0][0] > 0
    assert seen[1e-12][1] < 0.1 * seen[0.0][1]  # far below Adam's epsilon


def test_the_factor_is_that_of_a_geometric_decay():
    norms = 3.0 * 0.5 ** np.arange(10)[::-1]
    assert through_time.factor(norms) == pytest.approx(0.5)
    assert through_time.factor(np.concatenate([[0.0, 0.0], norms])) == pytest.approx(0.5)


def test_vanishing_and_exploding_by_one_factor_are_equally_unsteady():
    vanishing, exploding = 0.5 ** np.arange(10)[::-1], 2.0 ** np.arange(10)[::-1]
    figures = through_time.told({"first": vanishing, "trained": exploding})
    assert (figures["factor_first"], figures["factor"]) == (pytest.approx(0.5), pytest.approx(2.0))
    assert figures["unsteadiness_first"] == pytest.approx(np.log(2)) == figures["unsteadiness"]


def test_every_cell_is_measured_once_with_and_without_clipping(tmp_path, monkeypatch, untraced):
    for name, value in (("LENGTH", 4), ("STEPS", 1), ("_ROWS", 2), ("_BATCH", 2), ("_CELLS", {"rnn": ("rnn", 2.0)})):
        monkeypatch.setattr(through_time, name, value)
    found = through_time.rows(Study("gradients", seeds=(3,)), tmp_path)
    assert [row.variant for row in found] == ["rnn", "rnn, clipped"]
    assert found[0].norms["first"] == found[1].norms["first"] and len(found[0].norms["trained"]) == 4
    assert found[0].figures["oldest_first"] == pytest.approx(found[0].norms["first"][0] / found[0].norms["first"][-1])
    more = through_time.rows(Study("gradients", seeds=(5,)), tmp_path)
    assert [row.seed for row in more] == [5, 5, 3, 3]
    monkeypatch.delattr(through_time, "measured")
    assert through_time.rows(Study("gradients", seeds=(3, 5)), tmp_path) == found + more[:2]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_gradients_of_an_encoder_are_the_slopes_of_the_loss(cell):
    keras.config.set_dtype_policy("float64")
    model = models.lstm(9, 7, width=3, depth=1, cell=cell)
    random = np.random.default_rng(1)
    source, target = random.integers(4, 9, (1, 4)), random.integers(4, 7, (1, 3))
    place, small, slopes = 1, 1e-3, []
    vectors, stack = model.embedding(source), model.encoder.stack
    for unit in np.eye(3):
        sides = []
        for sign in (1, -1):
            state = [[np.zeros((1, size)) for size in sizes] for sizes in stack.state_size]
            for time in range(4):
                _, state = stack.step(vectors[:, time], state)
                state[0][0] = state[0][0] + (sign * small * unit if time == place else 0.0)
            context = model.bridge(Encoded(None, None, state))
            given = np.concatenate([[[BOS]], target[:, :-1]], axis=1)
            logits = model.target_embedding.score(model.decoder(model.target_embedding(given), context))
            likely = oracles.softmax(oracles.numbers(logits))
            sides.append(-np.log([likely[0, time, word] for time, word in enumerate(target[0])]).sum())
        slopes.append((sides[0] - sides[1]) / (2 * small))
    assert encoders.gradients(model, source, target)[place] == pytest.approx(np.linalg.norm(slopes), rel=1e-2)


def test_the_longest_sources_of_which_there_are_enough_are_measured(monkeypatch):
    monkeypatch.setattr(encoders, "_ROWS", 2)
    words = tokens.learn("characters", ["abc"])
    task = SimpleNamespace(source=words, target=words, max_source=20, max_length=20)
    sources, references = ["a", "bb", "cc", "ab", "abcab"], [["ab"], ["a"], ["abc"], ["b"], ["c"]]
    corpora = splits.Corpora(None, None, sources, references, "spelling")
    source, target = encoders.equally_long(task, corpora)
    assert source.shape == (2, 3) and target.shape == (2, 3)  # two letters and the end; the targets a and abc
    assert (target[0] == PAD).tolist() == [False, True, True]

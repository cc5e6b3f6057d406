"""Logits of few rows: those of the model, from a matrix laid out for them."""

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq_keras import decode, models
from seq2seq_keras.context import EOS, PAD
from seq2seq_keras.serial import global_policy
from seq2seq_keras.tasks.compiled import CompiledLoop
from seq2seq_keras.tasks.few_rows import FewRows, for_few_rows
from tests import cases

SIZE = 2_100
"""Entries that do not fill their last part."""
SOURCE = np.array([[4, 2_099, 7, EOS], [2_050, EOS, PAD, PAD]], "int32")


def model_of(family="transformer", size=SIZE, **options):
    keras.utils.set_random_seed(0)
    model = getattr(models, family)(size, width=8, depth=1, **options)
    model.init_state(SOURCE % size, 2)
    cases.shake(model, 1.5)
    return model


@pytest.mark.parametrize(
    "options",
    [{"tied": True}, {"tied": False}, {"embedding": 4, "tied": True}, {"embedding": 4, "tied": False}],
    ids=["tied", "untied", "projected", "projected, untied"],
)
@pytest.mark.parametrize("policy, close", [("float32", 1e-5), ("mixed_bfloat16", 2e-3)])
def test_a_step_gives_the_logits_of_the_model(options, policy, close):
    with global_policy(policy):
        model = model_of(**options)
    few = for_few_rows(model, 2)
    assert isinstance(few, FewRows)
    ids = ops.convert_to_tensor([5, 2_099], "int32")
    (logits, after), (wanted, _) = (one.step(ids, one.init_state(SOURCE, 3)) for one in (few, model))
    assert logits.shape == (2, SIZE) and logits.dtype == "float32"
    np.testing.assert_allclose(logits, wanted, atol=close)
    np.testing.assert_allclose(few.step(ids, after)[0], model.step(ids, after)[0], atol=close)


@pytest.mark.parametrize("options", [{}, {"family": "attention", "copy": True}], ids=["transformer", "copying"])
def test_a_compiled_beam_finds_what_the_model_finds(options):
    model = model_of(**options)
    search = decode.Beam(5, n_best=5)
    found, wanted = (
        loop(model, ops.convert_to_tensor(SOURCE), search, 6) for loop in (CompiledLoop(), decode.generate)
    )
    np.testing.assert_array_equal(found.ids, wanted.ids)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-4)


def test_what_gains_nothing_stays_as_it_is():
    model, small = model_of(), model_of(size=12)
    assert for_few_rows(model, 1) is model and for_few_rows(model, 33) is model
    assert for_few_rows(small, 5) is small
    ensemble = decode.Ensemble([model, model])
    assert for_few_rows(ensemble, 5) is ensemble

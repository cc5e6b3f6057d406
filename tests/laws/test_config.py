"""A part can be rebuilt from its config."""

import json

import keras
import numpy as np
import pytest

from seq2seq_keras.models import Seq2Seq
from tests import cases


@pytest.mark.parametrize("case", cases.ENCODERS + cases.BRIDGES + cases.DECODERS, ids=str)
def test_layer_config_round_trip(case):
    layer = case.build()
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config


@pytest.mark.parametrize("case", cases.MODELS, ids=str)
def test_model_from_config_has_the_same_weights_and_output(case):
    model = case.build()
    cases.shake(model)
    again = Seq2Seq.from_config(json.loads(json.dumps(model.get_config())))
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]
    again.set_weights(model.get_weights())
    inputs = {"source": cases.sources(), "target": cases.targets()}
    np.testing.assert_array_equal(again(inputs), model(inputs))


@pytest.mark.parametrize("case", cases.MODELS, ids=str)
def test_keras_file_round_trip_keeps_ties(case, tmp_path):
    model = case.build()
    cases.shake(model)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is Seq2Seq
    assert again.count_params() == model.count_params()
    inputs = {"source": cases.sources(), "target": cases.targets()}
    np.testing.assert_array_equal(again(inputs), model(inputs))
    if model.target_embedding is None:
        assert again.embedding is again.table

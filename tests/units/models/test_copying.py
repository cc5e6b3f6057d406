"""A model that copies: what it refuses, what it shows, how it is told apart from one that does not."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import decode, models
from seq2seq_keras.attention import AdditiveAttention
from seq2seq_keras.bridges import CopyStates, KeepMemory
from seq2seq_keras.decoders import AttentiveDecoder, PointerGenerator, RecurrentDecoder, TransformerDecoder
from seq2seq_keras.embed import TokenTable
from seq2seq_keras.encoders import RecurrentEncoder
from tests import cases


def parts(decoder=None):
    return {
        "embedding": TokenTable(23, 8),
        "encoder": RecurrentEncoder("gru", 8),
        "bridge": KeepMemory(CopyStates()),
        "decoder": decoder or AttentiveDecoder("gru", 8, AdditiveAttention(6)),
    }


def test_logits_are_log_probabilities():
    model = cases.pointer_generator()
    logits = model({"source": cases.sources(), "target": cases.targets()})
    np.testing.assert_allclose(np.exp(logits).sum(-1), 1.0, atol=1e-5)


def test_the_whole_call_looks_where_the_steps_look():
    model = cases.pointer_generator()
    cases.shake(model)
    context = model.encode(cases.sources())
    _, looked = model.decoder(model.embedding(cases.targets()), context, looked=True)
    np.testing.assert_allclose(looked, model.attention(cases.sources(), cases.targets()), atol=1e-6)


def test_a_transformer_copies_by_the_last_layers_heads():
    both = {"copy": PointerGenerator(), "coverage_loss": 1.0}
    model = models.Seq2Seq(**parts(TransformerDecoder(8, 1, 2, 16)) | {"bridge": KeepMemory()}, **both)
    cases.shake(model)
    target = cases.targets()
    whole, state = model({"source": cases.sources(), "target": target}), model.init_state(cases.sources(), 3)
    for t in range(3):
        logits, state = model.step(target[:, t], state)
        np.testing.assert_allclose(logits, whole[:, t], atol=5e-6)
    np.testing.assert_allclose(np.exp(whole).sum(-1), 1.0, atol=1e-5)
    assert model.extend is None and model.rewind is None and model.lengthen is not None


def test_search_finds_what_it_finds_where_every_row_has_its_own_source():
    """Recurrent attention shares what never changes between the rows of a source; copying does not."""
    model = models.Seq2Seq(**parts())
    cases.shake(model, 1.5)
    assert model.shares_fixed and not cases.pointer_generator().shares_fixed
    shared = decode.generate(model, cases.sources(), decode.Beam(3, n_best=3), 4)
    apart = decode.generate(cases.Apart(model), cases.sources(), decode.Beam(3, n_best=3), 4)
    np.testing.assert_array_equal(shared.ids, apart.ids)
    np.testing.assert_allclose(shared.scores, apart.scores, atol=1e-5)


def test_gradients_reach_the_source_through_what_is_copied():
    """Also where the decoder would never say the word itself."""
    model = cases.pointer_generator()
    inputs = {"source": cases.sources(), "target": cases.targets()}
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(inputs)[:, :, 4])
    gradient = tape.gradient(total, model.copy.gate.kernel.value)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


@pytest.mark.parametrize("asked", [{"copy": PointerGenerator()}, {"coverage_loss": 1.0}], ids=["copy", "coverage_loss"])
def test_a_decoder_without_attention_is_refused(asked):
    with pytest.raises(ValueError, match="need a decoder with attention, found RecurrentDecoder"):
        models.Seq2Seq(**parts(RecurrentDecoder("gru", 8)), **asked)


def test_copying_between_two_vocabularies_is_refused():
    with pytest.raises(ValueError, match="copy needs one vocabulary for source and target"):
        models.Seq2Seq(**parts(), target_embedding=TokenTable(23, 8), copy=PointerGenerator())


def test_a_reward_for_looking_again_is_refused():
    with pytest.raises(ValueError, match="coverage_loss must be at least 0, found -1.0"):
        models.Seq2Seq(**parts(), coverage_loss=-1.0)


def test_a_config_without_the_arguments_is_a_model_without_them():
    config = models.Seq2Seq(**parts()).get_config()
    del config["copy"], config["coverage_loss"]
    del config["decoder"]["config"]["input_feeding"], config["decoder"]["config"]["attention"]["config"]["coverage"]
    model = models.Seq2Seq.from_config(config)
    assert model.copy is None and model.decoder.input_feeding

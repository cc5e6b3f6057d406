"""The separate inference models are views over the trained layers."""

import numpy as np
import pytest
from keras import ops, tree

from tests import cases


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_encoder_and_decoder_models_follow_the_trained_weights(case):
    model = case.build()
    encoder, decoder = model.encoder_model(), model.decoder_model(max_length=5)
    cases.shake(model)  # after the views were made
    source, ids = ops.convert_to_tensor(cases.sources()), ops.convert_to_tensor(cases.targets()[:, 0])

    for leaf, live in zip(tree.flatten(encoder(source)), tree.flatten(model.encode(source))):
        np.testing.assert_allclose(leaf, live, atol=2e-6)
    state = model.init_state(source, 5)
    logits, after = decoder([ids, state])
    live_logits, live_after = model.step(ids, state)
    np.testing.assert_allclose(logits, live_logits, atol=2e-6)
    for leaf, live in zip(tree.flatten(after), tree.flatten(live_after)):
        np.testing.assert_allclose(leaf, live, atol=2e-6)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_attention_rows_are_distributions_over_real_positions(case):
    model = case.build()
    cases.shake(model)
    if not model.has_attention:
        with pytest.raises(ValueError, match="no attention"):
            model.attention(cases.sources(), cases.targets())
        return
    weights = np.array(model.attention(cases.sources(), cases.targets()))  # (B, T, S)
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-5)
    assert np.all(weights[~np.broadcast_to(cases.real()[:, None], weights.shape)] == 0)

"""More padding on the right changes nothing that is real."""

import numpy as np
import pytest
from keras import tree

from tests import cases


@pytest.mark.parametrize("case", cases.ENCODERS, ids=str)
def test_encoder_ignores_padding(case):
    """Also one that shortens time: its own mask says what is real then."""
    encoder = case.build()
    inputs, real = cases.ramp(3, 6, cases.WIDTH), cases.real()
    encoder(inputs, real)
    cases.shake(encoder)
    plain = encoder(inputs, real)
    noise = np.full((3, 4, cases.WIDTH), 7.0, "float32")
    padded = encoder(np.concatenate([inputs, noise], 1), np.pad(real, [(0, 0), (0, 4)]))

    kept = np.array(plain.mask)
    np.testing.assert_array_equal(np.array(padded.mask)[:, : kept.shape[1]], kept)
    assert not np.array(padded.mask)[:, kept.shape[1] :].any()
    again = np.array(padded.sequence)[:, : kept.shape[1]]
    np.testing.assert_allclose(again[kept], np.array(plain.sequence)[kept], atol=2e-6)
    for leaf, same in zip(tree.flatten(padded.state), tree.flatten(plain.state)):
        np.testing.assert_allclose(leaf, same, atol=2e-6)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_model_ignores_padding_of_source_and_target(case):
    model = case.build()
    cases.shake(model)
    target = cases.targets()
    plain = model({"source": cases.sources(), "target": target})
    padded = model({"source": cases.sources(padding=5), "target": np.pad(target, [(0, 0), (0, 3)])})
    np.testing.assert_allclose(padded[:, : target.shape[1]], plain, atol=5e-6)


@pytest.mark.parametrize("case", cases.costly(cases.MODELS), ids=str)
def test_nothing_looks_ahead(case):
    model = case.build()
    cases.shake(model)
    target, other = cases.targets(), cases.targets()
    other[:, 3:] = 11
    source = cases.sources()
    seen, changed = (model({"source": source, "target": ids}) for ids in (target, other))
    np.testing.assert_allclose(seen[:, :3], changed[:, :3], atol=2e-6)
    assert np.abs(np.array(seen[:, 3:]) - np.array(changed[:, 3:])).max() > 1e-4

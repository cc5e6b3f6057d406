"""Builders: published sizes, parts by their names, and the numbers that `translate` prints about them."""

import inspect

import numpy as np
import pytest
from keras import tree

from seq2seq_keras import models
from seq2seq_keras.recurrence import Cell
from tests import cases

V, D, E = cases.VOCABULARY, cases.WIDTH, 5
SMALL = {
    "lstm": {"width": D},
    "sutskever": {"width": D, "depth": 3},
    "cho": {"width": D, "embedding": E},
    "attention": {"width": D},
    "bahdanau": {"width": D, "embedding": E},
    "luong": {"width": D, "depth": 2},
    "transformer": {"width": D, "depth": 2, "memory_heads": 2},
}
PUBLISHED = {
    "sutskever": {"width": 1000, "depth": 4, "cell": "lstm", "reverse": True, "embedding": None},
    "cho": {"width": 1000, "depth": 1, "cell": "gru", "bridge": "last", "embedding": 100},
    "bahdanau": {"width": 1000, "depth": 1, "cell": "gru", "bidirectional": True, "embedding": 620},
    "luong": {"width": 1000, "depth": 4, "cell": "lstm", "attention": "general", "input_feeding": True},
    "transformer_tiny": {"width": 128, "depth": 4, "heads": 4, "inner": 256},
    "transformer_small": {"width": 256, "depth": 2, "heads": 4, "inner": 1024},
    "transformer_base": {"width": 512, "depth": 6, "heads": 8, "inner": 2048},
}


@pytest.fixture(scope="module", params=SMALL)
def model(request):
    return models.FAMILIES[request.param](V, **SMALL[request.param])


def dense(inputs, outputs, bias=True):
    return inputs * outputs + outputs * bias


def recurrent(maps, biases, inputs, depth):
    """Parameters of layers of width D."""
    return sum(maps * (width * D + D * D + biases * D) for width in [inputs] + [D] * (depth - 1))


LSTM, GRU = (4, 1), (3, 2)
FORMULAS = {
    "lstm": {"embedding": V * D, "encoder": recurrent(*LSTM, D, 2), "decoder": recurrent(*LSTM, D, 2)},
    "sutskever": {"embedding": 2 * V * D, "encoder": recurrent(*LSTM, D, 3), "decoder": recurrent(*LSTM, D, 3)},
    "cho": {
        "embedding": V * E + E * D + V * D,
        "encoder": recurrent(*GRU, D, 1),
        "bridge": dense(D, D) + dense(D, D),
        "decoder": recurrent(*GRU, 2 * D, 1) + dense(3 * D, 2 * D),
    },
    "attention": {
        "embedding": V * D,
        "encoder": 2 * 4 * (D * D // 2 + D * D // 4 + D // 2),
        "bridge": 2 * dense(D, D),
        "decoder": recurrent(*LSTM, 2 * D, 1) + dense(D, D) + dense(D, D, False) + D + dense(2 * D, D),
    },
    "bahdanau": {
        "embedding": V * E + E * D + V * D,
        "encoder": 2 * recurrent(*GRU, D, 1),
        "bridge": dense(2 * D, D),
        "decoder": recurrent(*GRU, 3 * D, 1) + dense(D, D) + dense(2 * D, D, False) + D + dense(4 * D, 2 * D),
    },
    "luong": {
        "embedding": 2 * V * D,
        "encoder": recurrent(*LSTM, D, 2),
        "decoder": recurrent(*LSTM, 2 * D, 2) + D * D + dense(2 * D, D),
    },
    "transformer": {  # two of four heads of keys and values: both maps together are D wide
        "embedding": V * D,
        "encoder": 2 * (3 * dense(D, D) + dense(D, 4 * D) + dense(4 * D, D) + 4 * D) + 2 * D,
        "decoder": 2 * (6 * dense(D, D) + dense(D, 4 * D) + dense(4 * D, D) + 6 * D) + 2 * D,
    },
}


def test_parameters_by_part_are_those_of_the_formulas_and_add_up_to_keras_count(model):
    found = models.parameters(model)
    assert found == FORMULAS[model.name]
    assert sum(found.values()) == model.count_params()


def test_the_state_holds_as_many_numbers_as_its_capacity_says(model):
    always, each_step = models.capacity(model.decoder)

    def held(length):
        carry = model.init_state(cases.sources(), length).carry
        leaves = getattr(carry, "caches", getattr(carry, "states", carry))
        return sum(int(np.prod(leaf.shape[1:])) for leaf in tree.flatten(leaves))

    assert (always, each_step) == (held(0), held(5) - held(4))


def test_residual_and_normalised_cells_count_as_keras_does():
    cell = Cell("gru", residual=True, normalize=True)
    made = models.attention(V, width=D, depth=2, cell=cell, bidirectional=False)
    assert made.encoder.count_params() == made.encoder.stack.parameters(D) == 2 * recurrent(*GRU, D, 1) + 2 * 2 * D


@pytest.mark.parametrize("name", PUBLISHED)
def test_builders_have_their_published_sizes(name):
    own = inspect.signature(models.FAMILIES[name]).parameters
    assert {size: own[size].default for size in PUBLISHED[name]} == PUBLISHED[name]
    assert own["name"].default == name
    assert "Reference:" in models.FAMILIES[name].__doc__


@pytest.mark.parametrize("bridge", models.BRIDGES)
def test_every_bridge_starts_a_decoder_that_is_shallower(bridge):
    made = models.lstm(V, width=D, depth=2, decoder_depth=1, cell="gru", bridge=bridge)
    assert [leaf.shape for leaf in tree.flatten(made.encode(cases.sources()).state)] == [(3, D)]


@pytest.mark.parametrize("attention", ["dot", "scaled"])
def test_a_product_scores_where_queries_are_as_wide_as_keys(attention):
    made = models.luong(V, width=D, depth=1, attention=attention, input_feeding=False)
    assert made({"source": cases.sources(), "target": cases.targets()}).shape == (3, 5, V)


def test_a_transformer_copies_what_its_last_layer_looks_at_step_by_step_as_at_once():
    made = models.transformer(V, width=D, depth=1, heads=2, copy=True)
    cases.shake(made)
    whole, state = made({"source": cases.sources(), "target": cases.targets()}), made.init_state(cases.sources(), 5)
    for place, ids in enumerate(cases.targets().T):
        logits, state = made.step(ids, state)
        np.testing.assert_allclose(logits, whole[:, place], atol=5e-6)
    np.testing.assert_allclose(np.exp(whole).sum(-1), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("lstm", {"bridge": "sum"}, "bridge must be one of"),
        ("cho", {"bridge": "copy"}, "bridge must be one of"),
        ("attention", {"attention": "cosine"}, "attention must be one of"),
        ("attention", {"attention": "dot", "coverage": True}, "coverage needs additive attention"),
        ("attention", {"target_size": 9, "copy": True}, "one vocabulary"),
    ],
)
def test_parts_that_are_not_there_are_refused_by_name(family, options, message):
    with pytest.raises(ValueError, match=message):
        models.FAMILIES[family](V, width=D, **options)

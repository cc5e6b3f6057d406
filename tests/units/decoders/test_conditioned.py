import numpy as np
import pytest

from seq2seq_keras.context import Context
from seq2seq_keras.decoders import ConditionedDecoder
from tests import cases, oracles

STEPS = 4


def ready(depth: int = 1):
    decoder = ConditionedDecoder("gru", 8, depth)
    inputs, context = cases.ramp(3, STEPS, 5), cases.context(decoder)
    context = context._replace(memory=cases.ramp(3, 1, 6), mask=np.ones((3, 1), "bool"))
    decoder(inputs, context)
    cases.shake(decoder)
    return decoder, inputs, context


def test_every_step_and_every_output_is_told_the_context():
    """s_t = f([y_(t-1); c], s_(t-1)), o_t = maxout of [s_t; y_(t-1); c]."""
    decoder, inputs, context = ready(depth=2)
    told, readout = context.memory[:, 0], [oracles.numbers(weight) for weight in decoder.readout.weights]
    states, outputs = [oracles.numbers(layer[0]) for layer in context.state], np.array(decoder(inputs, context))
    for t in range(STEPS):
        here = given = np.concatenate([inputs[:, t], told], axis=-1)
        for place, layer in enumerate(decoder.stack.layers):
            weights = [oracles.numbers(weight) for weight in layer.cell.trainable_weights]
            here = states[place] = oracles.gru_step(here, states[place], *weights)
        expected = oracles.maxout(np.concatenate([here, given], axis=-1), *readout)
        np.testing.assert_allclose(outputs[:, t], expected, atol=1e-5)


def test_the_context_is_kept_once_and_never_changed():
    decoder, inputs, context = ready()
    state = decoder.init_state(context, max_length=STEPS)
    np.testing.assert_array_equal(state.fixed, context.memory[:, 0])
    assert decoder.step(inputs[:, 0], state)[1].fixed is state.fixed


def test_a_context_without_memory_is_refused():
    decoder = ConditionedDecoder("gru", 8)
    with pytest.raises(ValueError, match="context must have a memory"):
        decoder(cases.ramp(3, STEPS, 5), Context((), (), cases.context(decoder).state))

"""A recurrent stack that looks back at the source before each of its steps."""

from keras import ops

from seq2seq_keras.decoders.looking import LookingDecoder
from seq2seq_keras.decoders.maxout import Maxout
from seq2seq_keras.serial import serializable


@serializable
class BahdanauDecoder(LookingDecoder):
    """A recurrent decoder whose every step is told what it looks at.

    c_t = attention(s_(t-1), h_1..h_S),  s_t = f([y_(t-1); c_t], s_(t-1)),  o_t = g(s_t, y_(t-1), c_t). The state that
    looks is that of the top layer; c_t goes into the lowest. g is a maxout of two linear maps of all three; it has s_t,
    as section 3.1 says, where appendix A.2.2 prints s_(t-1).

    Args:
        cell: `rnn`, `gru`, `lstm` or a `recurrence.Cell`.
        units: width D of every layer and of the output.
        attention: a ready attention layer, such as `AdditiveAttention(D)`.
        depth: number of recurrent layers.
        dropout: share of the token vectors, between layers and of the output set to zero in training.

    Call:
        inputs: (B, T, E) float, the target shifted right.
        context: `Context` with memory, mask and a state of `state_size`.
        looked: returns also where it looked.
        returns: (B, T, D) float; with `looked` also the weights, (B, T, S) float32.

    Reference: Bahdanau et al., 2015, sections 3.1 and A.2.2.
    """

    def __init__(self, cell, units: int, attention, depth: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(cell, units, attention, depth, dropout, **kwargs)
        self.readout = Maxout(units, name="readout")

    def build(self, inputs_shape, context_shape):
        memory_shape = tuple(context_shape[0])
        told = inputs_shape[-1] + memory_shape[-1]
        self.stack.build((None, None, told))
        self.build_attention(memory_shape)
        self.readout.build((None, None, self.units + told))

    def _advance(self, inputs, carry, fixed, keep=(), training=None):
        found, weights, covered = self._look(carry.states[-1][0], fixed, carry.covered)
        outputs, states = self.stack.step(ops.concatenate([inputs, found], axis=-1), carry.states, keep, training)
        output = ops.concatenate([outputs, found], axis=-1)
        return carry._replace(states=states, output=output, weights=weights, covered=covered)

    def _say(self, output, inputs):
        # The readout feeds nothing back, so that a whole sequence needs it once, after the loop.
        return self.readout(ops.concatenate([output, inputs], axis=-1))

    def _silence(self, state):
        top, memory = state.carry.states[-1][0], state.fixed.memory[:, 0]
        return ops.zeros_like(ops.concatenate([top, ops.cast(memory, top.dtype)], axis=-1))

"""The whole encoder sequence, kept for attention."""

import keras

from seq2seq_keras.context import Context
from seq2seq_keras.serial import serializable


@serializable
class KeepMemory(keras.layers.Layer):
    """Hands over every h_1..h_S, beside the state that another bridge makes.

    Args:
        states: bridge that makes the decoder's first state; None for decoders that start from nothing.

    Call:
        encoded: `Encoded`.
        returns: `Context` with memory (B, S, D), mask (B, S) and the state of `states`.
    """

    def __init__(self, states=None, **kwargs):
        super().__init__(**kwargs)
        self.states = states

    def build(self, encoded_shape):
        if self.states is not None and not self.states.built:
            self.states.build(encoded_shape)

    def call(self, encoded):
        state = () if self.states is None else self.states(encoded).state
        return Context(encoded.sequence, encoded.mask, state)

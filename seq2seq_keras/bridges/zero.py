"""A decoder that starts from nothing it was told."""

import keras
from keras import ops

from seq2seq_keras.context import Context
from seq2seq_keras.serial import serializable


@serializable
class ZeroStates(keras.layers.Layer):
    """Zeros as the decoder's first state: beside a memory (`KeepMemory(ZeroStates(...))`) the memory is all it has,
    alone it makes a language model of the decoder.

    Args:
        state_size: widths of the decoder's states, one list a layer, as `decoder.state_size` gives them.

    Call:
        encoded: `Encoded`.
        returns: `Context` with zeros (B, width) and no memory.
    """

    def __init__(self, state_size: list[list[int]], **kwargs):
        super().__init__(**kwargs)
        self.state_size = [list(widths) for widths in state_size]

    def call(self, encoded):
        rows = ops.shape(encoded.sequence)[0]
        state = [[ops.zeros((rows, width), self.compute_dtype) for width in widths] for widths in self.state_size]
        return Context((), (), state)

"""The trained state handed from encoder to decoder."""

import keras

from seq2seq_keras.context import Context
from seq2seq_keras.serial import serializable


@serializable
class CopyStates(keras.layers.Layer):
    """The decoder starts where the encoder stopped, layer by layer; nothing else is handed over.

    Args:
        layers: how many of the encoder's layers, from the top; None is all.

    Call:
        encoded: `Encoded` whose state has the widths the decoder wants.
        returns: `Context` with the same state and no memory.

    Raises:
        ValueError: the encoder has fewer layers, or `layers` is below 1.

    Reference: Sutskever et al., 2014.
    """

    def __init__(self, layers: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if layers is not None and layers < 1:
            raise ValueError(f"layers must be at least 1, found {layers}")
        self.layers = layers

    def call(self, encoded):
        layers = len(encoded.state) if self.layers is None else self.layers
        if layers > len(encoded.state):
            raise ValueError(f"the encoder hands over states of {len(encoded.state)} layers, expected {layers} or more")
        return Context((), (), encoded.state[-layers:])


@serializable
class ProjectStates(keras.layers.Layer):
    """Each final encoder state through a dense tanh of its own, so that widths and directions may differ.

    Args:
        state_size: widths of the decoder's states, one list a layer, as `decoder.state_size` gives them. An encoder
            with more layers gives the states of its topmost ones.

    Call:
        encoded: `Encoded` with at least as many layers, and as many states a layer, as `state_size` names.
        returns: `Context` with the projected state and no memory.

    Raises:
        ValueError: the encoder hands over fewer layers, or another number of states a layer.

    Reference: Bahdanau et al., 2015, appendix A.2.2: s_0 = tanh(W h).
    """

    def __init__(self, state_size: list[list[int]], **kwargs):
        super().__init__(**kwargs)
        self.state_size = [list(widths) for widths in state_size]
        self.projections = [
            [keras.layers.Dense(width, activation="tanh") for width in widths] for widths in self.state_size
        ]

    def build(self, encoded_shape):
        shapes = encoded_shape[2][-len(self.state_size) :]
        found, expected = [len(states) for states in encoded_shape[2]], [len(states) for states in self.state_size]
        if found[-len(expected) :] != expected:
            raise ValueError(f"the encoder hands over states {found} by layer, the decoder expects {expected}")
        for layers, states in zip(self.projections, shapes):
            for layer, shape in zip(layers, states):
                layer.build(shape)

    def call(self, encoded):
        state = [
            [layer(state) for layer, state in zip(layers, states)]
            for layers, states in zip(self.projections, encoded.state[-len(self.projections) :])
        ]
        return Context((), (), state)

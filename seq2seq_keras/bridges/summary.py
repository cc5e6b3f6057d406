"""The whole source as one vector."""

import keras
from keras import ops

from seq2seq_keras.context import Context
from seq2seq_keras.serial import serializable


@serializable
class Summary(keras.layers.Layer):
    """c = pool(h_1..h_S): the fixed context vector, as a memory of one position.

    Cho et al. take c = tanh(V h_N) and s_0 = tanh(V' c): `Summary(LastState(), decoder.state_size, units=D)`.

    Args:
        pool: `LastState()`, `MeanPool()`, `MaxPool()` or `AttentionPool(units)`.
        state_size: widths of the decoder's states, one list a layer, as `decoder.state_size` gives them: each is a
            dense tanh of c. None hands over no state.
        units: width of c after a dense tanh; None leaves what `pool` gives.

    Call:
        encoded: `Encoded`.
        returns: `Context`: memory (B, 1, D) or (B, 1, units), its mask (B, 1) True everywhere, and the state.

    Reference: Cho et al., 2014, appendix A.1.
    """

    shortens = True
    """Its memory stands for the whole source: what looks at it cannot say where."""

    def __init__(self, pool, state_size: list[list[int]] | None = None, units: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.pool, self.units = pool, units
        self.state_size = None if state_size is None else [list(widths) for widths in state_size]
        self.projection = None if units is None else keras.layers.Dense(units, activation="tanh", name="projection")
        self.starts = [
            [keras.layers.Dense(width, activation="tanh") for width in widths] for widths in self.state_size or ()
        ]

    def build(self, encoded_shape):
        if not self.pool.built:  # a layer that came from a config is
            self.pool.build(encoded_shape)
        width = self.pool.width(encoded_shape)
        if self.projection is not None:
            self.projection.build((None, width))
            width = self.units
        for start in (start for starts in self.starts for start in starts):
            start.build((None, width))

    def call(self, encoded):
        vector = self.pool(encoded)
        if self.projection is not None:
            vector = self.projection(vector)
        mask = ops.ones_like(vector[:, :1], dtype="bool")
        state = [[start(vector) for start in starts] for starts in self.starts]
        return Context(ops.expand_dims(vector, 1), mask, state or ())

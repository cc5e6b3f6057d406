"""A stack of gated convolutions."""

import keras
from keras import ops

from seq2seq_keras.context import Encoded
from seq2seq_keras.dropout import Dropout
from seq2seq_keras.embed import SinusoidalPositions
from seq2seq_keras.encoders.silence import silent
from seq2seq_keras.serial import serializable


@serializable
class ConvolutionalEncoder(keras.layers.Layer):
    """Every vector sees its neighbours, and `depth` times (kernel - 1) / 2 of them to each side at the end.

    A layer is (x + a * sigmoid(b)) * sqrt(0.5) with [a; b] = W * x + v, a convolution over time. Positions are added
    first, as convolutions know no place. Weight normalisation and learned positions of the paper are left out.

    Args:
        units: width D of every layer.
        depth: number of convolutions.
        kernel: how many neighbouring vectors a convolution sees, odd: as many on the left as on the right.
        dropout: share of the embeddings and of the inputs of every convolution set to zero in training.

    Call:
        inputs: (B, S, E) float, token vectors.
        real: (B, S) bool, True where real: elsewhere a convolution reads zeros, as it does beyond the ends.
        returns: `Encoded`: sequence (B, S, D), mask, no state.

    Raises:
        ValueError: an even `kernel`.

    Reference: Gehring et al., 2017, section 3; Dauphin et al., 2017, for the gates.
    """

    def __init__(self, units: int, depth: int, kernel: int = 3, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, as much to the left as to the right; found {kernel}")
        self.units, self.depth, self.kernel, self.dropout = units, depth, kernel, dropout
        self.positions = SinusoidalPositions()
        self.drop = Dropout(dropout)
        self.enter = keras.layers.Dense(units, name="enter")
        self.layers = [keras.layers.Conv1D(2 * units, kernel, padding="same", name=f"layer_{i}") for i in range(depth)]
        self.drops = [Dropout(dropout) for _ in range(depth)]

    def build(self, inputs_shape, real_shape=None):
        self.enter.build(inputs_shape)
        for layer in self.layers:
            layer.build((*inputs_shape[:-1], self.units))

    def call(self, inputs, real, training=None):
        inputs = self.enter(self.drop(self.positions(inputs), training=training))
        for layer, drop in zip(self.layers, self.drops):
            # What the last layer says at padding would otherwise reach a real neighbour.
            given = silent(drop(inputs, training=training), real)
            inputs = (inputs + ops.glu(layer(given), axis=-1)) * 0.5**0.5
        return Encoded(silent(inputs, real), real, ())

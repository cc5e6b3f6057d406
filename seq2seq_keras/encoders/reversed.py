"""A source read from its end."""

import keras
from keras import ops

from seq2seq_keras.context import Encoded
from seq2seq_keras.serial import serializable


@serializable
class ReversedEncoder(keras.layers.Layer):
    """Another encoder, which reads the source backwards and says what it found in source order.

    Only the real part is turned round: padding stays on the right, where every encoder wants it. The final states are
    those after the first word of the source, which is then near the first word of the target.

    Args:
        encoder: the encoder that reads.

    Call:
        inputs: (B, S, E) float.
        real: (B, S) bool, True where real.
        returns: `Encoded` of `encoder`: sequence and mask in source order, its states as they are.

    Reference: Sutskever et al., 2014, section 3.3.
    """

    def __init__(self, encoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder

    @property
    def shortens(self) -> bool:
        """Whether its vectors stand for several positions of the source each."""
        return getattr(self.encoder, "shortens", False)

    def build(self, inputs_shape, real_shape=None):
        if not self.encoder.built:  # a layer that came from a config is
            self.encoder.build(inputs_shape, real_shape)

    def call(self, inputs, real, training=None):
        encoded = self.encoder(turned(inputs, real), real, training=training)
        # By its own mask: an encoder may shorten time.
        return Encoded(turned(encoded.sequence, encoded.mask), encoded.mask, encoded.state)


def turned(sequence, real):
    """(B, S, D) with the real positions of each row in opposite order, the others where they were.

    Args:
        real: (B, S) bool, True where real: on the left.
    """
    rows, length = ops.shape(sequence)[:2]
    places = ops.arange(length, dtype="int32")
    last = ops.sum(ops.cast(real, "int32"), axis=1, keepdims=True) - 1
    begins = ops.expand_dims(ops.arange(rows, dtype="int32") * length, 1)
    # Whole vectors from one flat table: along an axis each number would be fetched by itself.
    table = ops.reshape(sequence, (-1, sequence.shape[-1]))
    return ops.take(table, begins + ops.where(real, last - places, places), axis=0)

"""A vector for each position, learned as those of tokens are."""

import math

import keras
from keras import ops

from seq2seq_keras.embed.positions import Positions
from seq2seq_keras.serial import serializable


@serializable
class LearnedPositions(Positions):
    """sqrt(D) (x_p + P_p): a learned table of position vectors, initialised and scaled as token vectors are.

    What no training target or source was long enough for stays as it was initialised.

    Args:
        limit: number of positions.

    Call: as `Positions`. A position beyond the limit counts as the last one where only the running graph knows it.

    Raises:
        ValueError: in Python, of a sequence or a number of steps that is known to be longer than `limit`.

    Reference: Gehring et al., 2017; Devlin et al., 2019.
    """

    def __init__(self, limit: int = 512, **kwargs):
        super().__init__(**kwargs)
        if limit < 1:
            raise ValueError(f"limit must be at least 1, found {limit}")
        self.limit = limit

    def build(self, inputs_shape, positions_shape=None):
        width = inputs_shape[-1]
        near_unit = keras.initializers.RandomNormal(stddev=width**-0.5)
        self.table = self.add_weight((self.limit, width), initializer=near_unit, name="table")

    def add(self, inputs, positions):
        vectors = ops.take(self.table, ops.minimum(positions, self.limit - 1), axis=0)
        return (inputs + ops.cast(vectors, inputs.dtype)) * math.sqrt(inputs.shape[-1])

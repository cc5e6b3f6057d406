"""Positions as angles by which queries and keys are turned."""

import math

from keras import ops

from seq2seq_keras.embed.positions import Positions
from seq2seq_keras.serial import serializable


@serializable
class RotaryPositions(Positions):
    """Turns each pair of axes of queries and keys by position * rate, so that their product sees distances only.

    (x_i, x_(i + d/2)) is turned by p * base^(-i / (d/2)), for i below d/2: the pairs of the paper, laid out in halves.

    Args:
        base: the slowest pair turns by about 1 / base from one position to the next.

    Call: as `Positions`; nothing is added to the inputs.

    Raises:
        ValueError: an odd width of heads.

    Reference: Su et al., 2021.
    """

    def __init__(self, base: float = 10_000.0, **kwargs):
        super().__init__(**kwargs)
        self.base = base

    def turn(self, heads, positions):
        width = heads.shape[-1]
        if width % 2:
            raise ValueError(f"rotary positions need heads of even width, found {width}")
        rates = ops.exp(ops.arange(0, width // 2, dtype="float32") * (-math.log(self.base) / (width // 2)))
        angles = ops.expand_dims(ops.cast(positions, "float32"), -1) * rates  # (T, d/2) or (B, T, d/2)
        if len(angles.shape) == 3:
            angles = ops.expand_dims(angles, 1)
        cos, sin = ops.cos(angles), ops.sin(angles)
        # Half precision cannot tell a far position's angle from its neighbour's.
        one, other = ops.split(ops.cast(heads, "float32"), 2, axis=-1)
        turned = ops.concatenate([one * cos - other * sin, other * cos + one * sin], axis=-1)
        return ops.cast(turned, heads.dtype)

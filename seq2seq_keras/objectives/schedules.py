"""How often the truth is fed, by count: p falls while the model learns to go on from its own words.

Each is a value, called with a count i (of epochs or of steps, from 0) for the share p of true words, float32.
"""

import math
from dataclasses import dataclass

from keras import ops

from seq2seq_keras.serial import serializable


@serializable
@dataclass(frozen=True)
class Constant:
    """p = share, whatever the count; 0 is free running, 1 teacher forcing.

    Args:
        share: p, 0 to 1.

    Raises:
        ValueError: another share.
    """

    share: float

    def __post_init__(self):
        _check("share", self.share, 0.0, 1.0)

    def __call__(self, count):
        return ops.full((), self.share, dtype="float32")


@serializable
@dataclass(frozen=True)
class Linear:
    """p = max(floor, 1 - k * i).

    Args:
        k: how much p falls with each count, 0 or more.
        floor: the least p, 0 to 1.

    Raises:
        ValueError: another k or floor.

    Reference: Bengio et al., 2015, section 2.4.
    """

    k: float
    floor: float = 0.0

    def __post_init__(self):
        _check("k", self.k, 0.0, math.inf)
        _check("floor", self.floor, 0.0, 1.0)

    def __call__(self, count):
        return ops.maximum(1.0 - self.k * ops.cast(count, "float32"), self.floor)


@serializable
@dataclass(frozen=True)
class Exponential:
    """p = k^i.

    Args:
        k: what is left of p after each count, 0 to 1.

    Raises:
        ValueError: another k.

    Reference: Bengio et al., 2015, section 2.4.
    """

    k: float

    def __post_init__(self):
        _check("k", self.k, 0.0, 1.0)

    def __call__(self, count):
        return ops.power(ops.full((), self.k, dtype="float32"), ops.cast(count, "float32"))


@serializable
@dataclass(frozen=True)
class InverseSigmoid:
    """p = k / (k + exp(i / k)): near 1 at first, a half at i = k log k, then near 0.

    At i = 0 this is k / (k + 1), a little below 1.

    Args:
        k: 1 or more; the larger, the later and the slower p falls.

    Raises:
        ValueError: another k.

    Reference: Bengio et al., 2015, section 2.4.
    """

    k: float

    def __post_init__(self):
        _check("k", self.k, 1.0, math.inf)

    def __call__(self, count):
        # The same number as a sigmoid: exp would leave the range of float32.
        return ops.sigmoid(math.log(self.k) - ops.cast(count, "float32") / self.k)


def _check(name: str, found: float, least: float, most: float) -> None:
    if not least <= found <= most or math.isinf(found):
        expected = f"{least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"
        raise ValueError(f"{name} must be {expected}, found {found}")

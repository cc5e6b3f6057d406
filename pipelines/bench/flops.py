"""Useful arithmetic of training: the matrix products that real positions need, counted from the formulas.

Only products count, two operations a multiply-add: they are what a matrix-multiply peak can be compared with. Padding,
positions behind the causal mask, dropout, norms, softmax and the optimiser are none of it. Backward is twice forward.
"""

from dataclasses import dataclass

import numpy as np

BACK_AND_FORTH = 3
"""Training work by forward work: each product of the forward pass has two of its size in the backward pass."""


@dataclass(frozen=True)
class Sizes:
    """What the formulas depend on."""

    family: str
    """`lstm`, `attention` or `transformer`."""
    vocabulary: int
    width: int
    depth: int

    @property
    def inner(self) -> int:
        """Width inside the feed-forward parts: the family's default."""
        return 4 * self.width


def forward(sizes: Sizes, source, target) -> float:
    """Operations of one forward pass over pairs.

    Args:
        source: (n,) source lengths, EOS included.
        target: (n,) target lengths, EOS included.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    products = {"lstm": _lstm, "attention": _attention, "transformer": _transformer}[sizes.family]
    scores = sizes.width * sizes.vocabulary * target
    return float(2 * (products(sizes, source, target) + scores).sum())


def training(sizes: Sizes, source, target) -> float:
    """Operations of a forward and a backward pass over pairs; arguments as of `forward`."""
    return BACK_AND_FORTH * forward(sizes, source, target)


def _lstm(sizes: Sizes, source, target):
    """Multiply-adds: four gates, each from the input and from the last state, on every layer of both sides."""
    return sizes.depth * _cell(sizes.width, sizes.width) * (source + target)


def _attention(sizes: Sizes, source, target):
    """Multiply-adds of a bidirectional encoder, the bridge, and a decoder with additive attention and input feeding."""
    width, depth = sizes.width, sizes.depth
    encoder = depth * 2 * _cell(width, width // 2) * source
    bridge = depth * 2 * width**2  # h and c of every layer
    keys = width**2 * source
    cells = _cell(2 * width, width) + (depth - 1) * _cell(width, width)
    query_and_join = width**2 + 2 * width**2
    energy_and_sum = 2 * width * source
    return encoder + bridge + keys + (cells + query_and_join + energy_and_sum) * target


def _transformer(sizes: Sizes, source, target):
    """Multiply-adds; a target position is paired with itself and what came before, not with what the mask hides."""
    width, feed_forward = sizes.width, 2 * sizes.width * sizes.inner
    encoder = (4 * width**2 + feed_forward) * source + 2 * width * source**2
    myself = 4 * width**2 * target + 2 * width * target * (target + 1) / 2
    across = 2 * width**2 * (source + target) + 2 * width * source * target
    return sizes.depth * (encoder + myself + across + feed_forward * target)


def _cell(inputs: int, units: int) -> int:
    """Multiply-adds of one LSTM step."""
    return 4 * units * (inputs + units)

"""Random numbers that depend on what they are for and not on where it stands.

A number is computed from a key (the seed, the source, which sample, which step) by mixing bits: no generator is
drawn from, so a batch can be split, shrink or be put in another order and every text stays the same. Keys are int32
to the outside, of which only the bits count: few kernels of GPUs take other whole numbers.

Reference: Salmon et al., 2011 (numbers from counters); the mixing is C. Wellons, `lowbias32`, 2018.
"""

from keras import ops

from seq2seq_keras.context import PAD, Tensor

_GOLDEN = 0x9E3779B9
"""2^32 over the golden ratio: keeps 0 from being mixed to 0."""


def joined(key: Tensor, number: Tensor) -> Tensor:
    """A key for `number` under `key`: int32 of the shape both broadcast to. `number` is of any integer type."""
    number = ops.add(ops.cast(number, "uint32"), _GOLDEN)
    return ops.cast(_mixed(ops.bitwise_xor(ops.cast(key, "uint32"), _mixed(number))), "int32")


def key_of(ids: Tensor) -> Tensor:
    """(B, S) ids, PAD on the right, to keys (B,) int32, which padding does not change."""
    each = joined(joined(ops.arange(ops.shape(ids)[1], dtype="int32"), 0), ids)
    return joined(ops.sum(ops.where(ops.equal(ids, PAD), 0, each), axis=1), 0)


def uniform(key: Tensor) -> Tensor:
    """int32 to float32 of the same shape: the middle of one of 2^23 equal parts of the interval from 0 to 1."""
    part = ops.cast(ops.right_shift(ops.cast(key, "uint32"), 9), "int32")
    return (ops.cast(part, "float32") + 0.5) * 2.0**-23


def _mixed(numbers: Tensor) -> Tensor:
    """uint32 to uint32, one to one; a change of one bit changes about half of the bits."""
    numbers = ops.bitwise_xor(numbers, ops.right_shift(numbers, 16))
    numbers = ops.multiply(numbers, 0x7FEB352D)
    numbers = ops.bitwise_xor(numbers, ops.right_shift(numbers, 15))
    numbers = ops.multiply(numbers, 0x846CA68B)
    return ops.bitwise_xor(numbers, ops.right_shift(numbers, 16))

"""Nothing where nothing was read."""

from keras import ops


def silent(sequence, real):
    """(B, S, D) with zeros where (B, S) `real` is False: nothing downstream can depend on what a layer says there."""
    return sequence * ops.expand_dims(ops.cast(real, sequence.dtype), -1)

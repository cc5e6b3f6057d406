"""The end of what was said."""

from keras import ops

from seq2seq_keras.context import Tensor
from seq2seq_keras.decode.controls.control import Said

NOTHING = -1
"""Stands where a beginning has not begun; equal to no id."""


def recent(said: Said, count: int) -> Tensor:
    """The last `count` ids of each beginning, (B, K, count) int32, the last one last."""
    places = said.time - count + ops.arange(count, dtype="int32")
    ids = ops.take(said.ids, ops.maximum(places, 0), axis=-1)
    return ops.where(ops.greater_equal(places, 0), ids, NOTHING)

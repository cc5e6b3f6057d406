"""How large a model is, and how much it can hold while it decodes."""

import math
from typing import NamedTuple

from seq2seq_keras.models.seq2seq import Seq2Seq

_PARTS = ("embedding", "target_embedding", "encoder", "bridge", "decoder", "copy")


class Capacity(NamedTuple):
    """How many numbers about what was said are handed from step to step, for each output."""

    always: int
    """However long it is: a recurrent decoder's states."""
    each_step: int
    """More with each step: a Transformer's keys and values."""


def parameters(model: Seq2Seq) -> dict[str, int]:
    """How many numbers each part learned or was given; parts that have none are left out."""
    parts = {name: getattr(model, name) for name in _PARTS}
    counts = {name: _numbers(part) for name, part in parts.items() if part is not None}
    return {name: count for name, count in counts.items() if count}


def _numbers(part) -> int:
    """Which rows are frozen is no number that a part works with."""
    return sum(math.prod(weight.shape) for weight in part.weights if weight.dtype != "bool")


def capacity(decoder) -> Capacity:
    """Of a recurrent decoder layers * units * states (an LSTM has two); of a Transformer 2 * layers * width of the
    heads of keys and values, for each step. What is fed back or counts as position is left out."""
    if hasattr(decoder, "stack"):
        return Capacity(decoder.stack.capacity, 0)
    memory_heads = decoder.memory_heads or decoder.heads
    return Capacity(0, 2 * decoder.depth * decoder.width // decoder.heads * memory_heads)

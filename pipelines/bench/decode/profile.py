"""Where the time of a step goes: TensorFlow's own trace of its operations, summed by what they are for.

Operations that TensorFlow found to take few microseconds it leaves out of the trace, at every level.
"""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from seq2seq_keras.training.tensorboard.trace import EXECUTOR, operations

_PARTS = (
    ("logits", r"embedding(_\d+)?/.*MatMul$"),
    ("attention", r"BatchMatMul\w*$|Einsum$|(?<!Log)Softmax$|additive_attention"),
    ("products of layers", r"MatMul$"),
    ("top-k", r"TopK\w*$"),
    ("rows taken: beams, tables", r"Gather\w*$"),
    ("writes: caches, outputs", r"SelectV2$|Pad\w*$|TensorScatter\w*$"),
    ("sums over the vocabulary, norms, the rest", r""),
)
"""What a name must hold to be of a part; the first that fits. Names are SCOPE/OPERATION:KIND."""
_OUTSIDE = "outside of the steps: tokenizers, encoder, chosen rows"
_BETWEEN = "the executor, and operations too cheap to be traced"
_STEP = re.compile(r"^while(_\d+)?/body/_\d+/\S*?/(?P<part>body|cond)/_\d+/")
"""Of the loop of steps, which is inside the loop that lets finished sources leave."""


def profile(call: Callable[[], object]) -> dict:
    """One call, traced.

    Returns:
        `steps` taken, `milliseconds` a step by the clock, and `parts`: name to milliseconds a step (of all threads
        together), their share, and operations traced a step.
    """
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        try:
            begun = time.perf_counter()
            call()
            seconds = time.perf_counter() - begun
        finally:
            tf.profiler.experimental.stop()
        took, times = operations(Path(folder))
    return summed(took, times, seconds)


def summed(took: Counter, times: Counter, seconds: float) -> dict:
    """Operations by name, to parts.

    Args:
        took: milliseconds of each name, and of `EXECUTOR`.
        times: how often each was run.
        seconds: by the clock.
    """
    milliseconds, calls = Counter(), Counter()
    for name in took.keys() - {EXECUTOR}:
        part = part_of(name)
        milliseconds[part] += took[name]
        calls[part] += times[name]
    milliseconds[_BETWEEN] = max(0.0, took[EXECUTOR] - milliseconds.total())
    inside = (name for name in took if (found := _STEP.match(name)) and found["part"] == "body")
    steps = max((times[name] for name in inside), default=0)
    if not steps:
        raise RuntimeError("no step was found in the trace: the names of operations have changed")
    everything = milliseconds.total()
    return {
        "steps": steps,
        "milliseconds": 1000 * seconds / steps,
        "parts": {
            part: {"milliseconds": spent / steps, "share": spent / everything, "operations": calls[part] / steps}
            for part, spent in milliseconds.most_common()
        },
    }


def part_of(name: str) -> str:
    """What an operation is for."""
    if not _STEP.match(name):
        return _OUTSIDE
    return next(part for part, pattern in _PARTS if re.search(pattern, name))

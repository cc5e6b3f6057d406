"""The loop compiled whole by XLA, one program for each search and shape."""

import threading
from collections.abc import Callable

import tensorflow as tf

from seq2seq_keras import decode
from seq2seq_keras.context import PAD, Stepper
from seq2seq_keras.tasks.few_rows import for_few_rows

_LENGTHS = 16
"""Sources are padded to a multiple of so many ids: few shapes to compile."""


def rounded(source):
    """(B, S) int32 ids, PAD on the right, to a number of ids that many a source has in common."""
    return tf.pad(source, [[0, 0], [0, -tf.shape(source)[1] % _LENGTHS]], constant_values=PAD)


class CompiledLoop:
    """`decode.generate`, compiled when a search or a shape is new, which takes seconds, and quick from then on.

    What TensorFlow spends between the many small operations of a step falls away, which is most of the time of a batch
    of one; large batches gain nothing, since compiled ones keep their finished rows to the end.

    Args:
        generate: another loop of the same arguments.
    """

    def __init__(self, generate: Callable = decode.generate):
        self._generate = generate
        self._compiled: dict = {}
        self._lock = threading.Lock()

    def __call__(self, stepper: Stepper, source, search, max_length: int):
        """What the loop returns, eagerly."""
        if source.shape[1] % _LENGTHS:
            source = rounded(source)
        key = (search, tuple(source.shape))
        with self._lock:  # batches that run side by side have the same shapes
            if key not in self._compiled:
                self._compiled[key] = tf.function(
                    lambda ids: self._generate(
                        for_few_rows(stepper, ids.shape[0] * search.width), ids, search, max_length
                    ),
                    input_signature=[tf.TensorSpec(source.shape, tf.int32)],
                    autograph=False,
                    jit_compile=True,
                ).get_concrete_function()
        return self._compiled[key](source)

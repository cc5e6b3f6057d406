"""The loops of KerasHub's samplers, which XLA compiles whole, one program for each shape.

KerasHub compiles its generation with XLA, so its sampler is measured in the same frame: tokenizer, compiled loop,
detokenizer. Its step is that of our model, with the cache at its full length, as KerasHub has it.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras import ops, tree

from pipelines.bench_decode_cases import Case
from pipelines.bench_decode_systems import Said
from seq2seq_keras import tokens
from seq2seq_keras.context import BOS, EOS, PAD, DecodeState
from seq2seq_keras.decode.places import speakable
from seq2seq_keras.export.shapes import no_empty_axis
from seq2seq_keras.tasks import TextToText

_ROOM = 16
"""Sources are padded to a multiple of so many ids: few shapes to compile."""
_TEXTS = tf.TensorSpec([None], tf.string)


class Compiled:
    """Texts to texts through a compiled loop.

    Args:
        loop: (B, S) int32 source ids, task and search to (B, L) int32 ids said.
    """

    def __init__(self, task: TextToText, loop: Callable):
        self._task, self._loop = task, loop
        self._compiled: dict = {}

        @tf.function(input_signature=[_TEXTS], autograph=False)
        def ids(text):
            found = no_empty_axis(tokens.prepare(text, task.source, task.max_source))
            return tf.pad(found, [[0, 0], [0, -tf.shape(found)[1] % _ROOM]], constant_values=PAD)

        self._ids = ids
        self._texts = tf.function(
            task.target.decode, input_signature=[tf.TensorSpec([None, task.max_length], tf.int32)], autograph=False
        )

    def prepare(self, texts: list[str]) -> list[str]:
        return texts

    def __call__(self, case: Case, given: list[str]) -> tuple[np.ndarray, list[str]]:
        ids = self._ids(tokens.strings(given))
        said = self._of(case, ids.shape)(ids)
        return said.numpy(), [text.decode("utf-8") for text in self._texts(said).numpy()]

    def read(self, case: Case, texts: list[str], found: tuple[np.ndarray, list[str]]) -> Said:
        ids, said = found
        return Said(said, lengths(ids))

    def _of(self, case: Case, shape):
        if (case.search, shape) not in self._compiled:
            self._compiled[case.search, shape] = tf.function(
                lambda ids: self._loop(ids, self._task, case.search),
                input_signature=[tf.TensorSpec(shape, tf.int32)],
                autograph=False,
                jit_compile=True,
            ).get_concrete_function()
        return self._compiled[case.search, shape]


def lengths(ids: np.ndarray) -> list[int]:
    """(B, L) ids to how many there are up to the first EOS, it included; whatever follows is no output."""
    ends = ids == EOS
    before = np.cumsum(ends, axis=1) - ends == 0
    return (before & (ids != PAD)).sum(axis=1).tolist()


def keras_hub(ids, task: TextToText, search):
    """The loop of KerasHub's greedy or beam sampler over this model's cached step.

    Its beam has no length penalty, goes on after EOS, and stops when every beginning holds one.

    Raises:
        ImportError: it is not installed.
    """
    from keras_hub import samplers

    sampler = samplers.GreedySampler() if search.width == 1 else samplers.BeamSampler(num_beams=search.width)
    start = task.model.init_state(ids, task.max_length)
    # Once, and not at every step: in its favour, since its own models repeat the source in each.
    fixed = tree.map_structure(lambda leaf: ops.repeat(leaf, search.width, axis=0), start.fixed)
    prompt = ops.pad(ops.full((ids.shape[0], 1), BOS, "int32"), [[0, 0], [0, task.max_length]], constant_values=PAD)

    def step(prompt, cache, index):
        logits, after = task.model.step(prompt[:, index - 1], DecodeState(cache, fixed))
        return speakable(logits), None, after.carry

    said = sampler(step, prompt, cache=start.carry, index=1, mask=ops.equal(prompt, BOS), stop_token_ids=[EOS])
    return said[:, 1:]

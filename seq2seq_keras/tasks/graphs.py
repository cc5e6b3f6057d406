"""What a task runs, as graphs that are traced once."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from seq2seq_keras import decode, tokens
from seq2seq_keras.context import DecodeState, Stepper
from seq2seq_keras.export import texts
from seq2seq_keras.tasks.compiled import CompiledLoop, rounded

_TEXTS = tf.TensorSpec([None], tf.string)


class Graphs:
    """Strings to strings by one model, a graph for each way of decoding that was asked for.

    Args:
        model: the stepper.
        source: tokenizer of the source.
        target: tokenizer of the target.
        max_source: most source ids, EOS included.
        max_length: most target ids, EOS included.
        jit_compile: compiles the loop by XLA, but where there are prefixes.
    """

    def __init__(
        self,
        model: Stepper,
        source: tokens.Tokenizer,
        target: tokens.Tokenizer,
        max_source: int,
        max_length: int,
        jit_compile: bool,
    ):
        self._model, self._source, self._target = model, source, target
        self._limits = (max_source, max_length)
        self._loop = CompiledLoop() if jit_compile else None
        self._outputs: dict = {}

    def outputs(self, search, prefixed: bool, replace_unknown: bool):
        """A function of (B,) texts, and of (B,) prefixes if those are given: see `texts.found`."""
        key = (search, prefixed, replace_unknown)
        if key not in self._outputs:
            self._outputs[key] = self._traced(*key)
        return self._outputs[key]

    @cached_property
    def scores(self):
        """A function of (B,) texts and (B,) targets: see `texts.scored`."""

        @tf.function(input_signature=[_TEXTS, _TEXTS], autograph=False)
        def scores(text, said):
            return texts.scored(text, said, self._model, self._source, self._target, *self._limits)

        return scores

    @cached_property
    def attended(self):
        """A function of (B,) texts and (B,) targets: see `texts.attended`."""

        @tf.function(input_signature=[_TEXTS, _TEXTS], autograph=False)
        def attended(text, said):
            return texts.attended(text, said, self._model, self._source, self._target, *self._limits)

        return attended

    @cached_property
    def stepper(self) -> "Stepped":
        """The model for loops outside a graph."""
        return Stepped(self._model)

    def _traced(self, search, prefixed: bool, replace_unknown: bool):
        if self._loop is not None and not prefixed:
            return self._around_the_loop(search, replace_unknown)
        fixed = {"model": self._model, "source": self._source, "target": self._target, "search": search}
        fixed |= dict(zip(("max_source", "max_length"), self._limits)) | {"replace_unknown": replace_unknown}

        @tf.function(input_signature=[_TEXTS] * (2 if prefixed else 1), autograph=False)
        def outputs(text, prefix=None):
            return texts.found(text, **fixed, prefix=prefix)

        # Now, since TensorFlow warns of a function that is traced by many a call, and takes several searches for one.
        outputs.get_concrete_function()
        return outputs

    def _around_the_loop(self, search, replace_unknown: bool):
        """`texts.found` in three parts, since XLA has no strings: a graph before its loop, and one after it only where
        there is more to do than to read ids. A call of a graph costs a lone text as much as two steps."""
        max_source, max_length = self._limits
        tell = self._named(search, max_length) if replace_unknown else self._written
        hear = hearing(self._source, max_source)

        def outputs(text):
            heard = hear(text)
            return tell(text, heard, self._loop(self._model, heard, search, max_length))

        return outputs

    def _named(self, search, max_length: int):
        """`texts.told` with unknown words replaced."""
        shape = [None, search.n_best]
        ids, log_probs = (tf.TensorSpec([*shape, max_length], dtype) for dtype in (tf.int32, tf.float32))
        found = decode.Hypotheses(ids, tf.TensorSpec(shape, tf.int32), tf.TensorSpec(shape, tf.float32), log_probs)

        @tf.function(input_signature=[_TEXTS, tf.TensorSpec([None, None], tf.int32), found], autograph=False)
        def told(text, heard, found):
            return texts.told(text, heard, found, self._model, self._source, self._target, replace_unknown=True)

        return told

    def _written(self, text, heard, found: decode.Hypotheses) -> dict:
        """`texts.told` without TensorFlow."""
        ids = found.ids.numpy()
        written = [[self._target.written(row).encode("utf-8") for row in rows] for rows in ids]
        return {
            "text": np.array(written, object),
            "score": found.scores.numpy(),
            "ids": ids,
            "log_probs": found.token_log_probs.numpy(),
        }


def hearing(source: tokens.Tokenizer, max_source: int):
    """A graph of (B,) texts to (B, S) ids, S one of the few lengths that a compiled loop is made for."""

    @tf.function(input_signature=[_TEXTS], autograph=False)
    def hear(text):
        return rounded(texts.hear(text, source, max_source))

    return hear.get_concrete_function()


class Stepped:
    """Encodes and steps as `stepper` does, by graphs: faster where a Python loop calls it."""

    def __init__(self, stepper: Stepper):
        self._stepper = stepper
        self._init_state = tf.function(stepper.init_state, autograph=False, reduce_retracing=True)
        self._step = tf.function(stepper.step, autograph=False, reduce_retracing=True)

    @property
    def alignment(self):
        return getattr(self._stepper, "alignment", None)

    def init_state(self, source, max_length: int) -> DecodeState:
        return self._init_state(tf.cast(source, tf.int32), max_length)

    def step(self, ids, state: DecodeState):
        return self._step(ids, state)

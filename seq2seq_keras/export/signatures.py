"""The endpoints of an exported model, each traced once for every batch and length.

Traced without AutoGraph: nothing here needs it, and it reads source files, which an installation may lack.
"""

import contextlib
import dataclasses

import tensorflow as tf

from seq2seq_keras import decode, tokens
from seq2seq_keras.context import Stepper
from seq2seq_keras.export import states, texts
from seq2seq_keras.export.states import IDS

TEXT = tf.TensorSpec([None], tf.string)
"""(B,) texts, UTF-8; other bytes become U+FFFD."""

ENDPOINTS = {
    "serving_default": "text (B,) to the best text (B,) and its score (B,), by the search of this export",
    "nbest": "text (B,) to every kept text (B, N) and its score (B, N), best first; an empty place has score -inf",
    "greedy": "text (B,) to text (B,) and its log probability (B,), the most likely token at every step",
    "score": "text (B,) and target (B,) to score (B,): log probability of the target",
    "attention": "text (B,) and target (B,) to where each step of the target looked: weights (B, T, S), and the pieces "
    "source (B, S) and target (B, T) that they are between; only of a model that has attention",
    "tokenize": "text (B,) to source (B, S) int32 ids, as `encode` and `init_state` take them",
    "detokenize": "ids (B, T) int32 to text (B,): up to the end id, padding left out",
    "encode": "source (B, S) int32 ids to what the decoder sees of them",
    "init_state": "source (B, S) int32 ids to the state before the first step: carry_0, ..., fixed_0, ...",
    "step": "ids (B,) int32 just chosen (BOS first) and the state to logits (B, V) and the new carry_0, ...; "
    "fixed_0, ... never change and go into every step as `init_state` gave them",
}
"""What each one does, in one line."""
OF_ATTENTION = {"attention"}
"""Those that a model without attention has not."""


def of_ids(model: Stepper, max_length: int) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """`encode`, `init_state` and `step`: all that a search outside the graph needs.

    Args:
        max_length: most steps that will be taken; caches are made for so many.
    """
    spec = states.trace(model, max_length)

    @tf.function(input_signature=[IDS], autograph=False)
    def encode(source):
        return states.flatten_context(model.encode(texts.no_empty_axis(source)))

    @tf.function(input_signature=[IDS], autograph=False)
    def init_state(source):
        return states.flatten(model.init_state(texts.no_empty_axis(source), max_length))

    @tf.function(autograph=False)
    def step(ids, **leaves):
        logits, after = model.step(ids, spec.unflatten(leaves))
        return {"logits": logits} | states.named("carry", after.carry)

    return {
        "encode": encode.get_concrete_function(),
        "init_state": init_state.get_concrete_function(),
        "step": step.get_concrete_function(ids=tf.TensorSpec([None], tf.int32, "ids"), **spec.names),
    }


def of_texts(
    model: Stepper, source: tokens.Tokenizer, target: tokens.Tokenizer, search, max_source: int, max_length: int
) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """All that take or give strings: tokenizer and search inside the graph.

    Args:
        source: tokenizer of the source.
        target: tokenizer of the target; may be the same one.
        search: of `serving_default` and `nbest`.
        max_source: most source ids, EOS included; a longer text loses its end.
        max_length: most target ids, EOS included.
    """
    widest = dataclasses.replace(search, n_best=search.width) if search.n_best != search.width else search

    def found(text, how) -> dict:
        return texts.found(text, model, source, target, how, max_source, max_length)

    def first(text, how) -> dict:
        return {name: values[:, 0] for name, values in found(text, how).items()}

    @tf.function(input_signature=[TEXT], autograph=False)
    def serving_default(text):
        return first(text, search)

    @tf.function(input_signature=[TEXT], autograph=False)
    def nbest(text):
        return found(text, widest)

    @tf.function(input_signature=[TEXT], autograph=False)
    def greedy(text):
        return first(text, decode.Greedy())

    # Not `target`, which is the tokenizer here; the signature's name comes from the spec.
    @tf.function(input_signature=[TEXT, tf.TensorSpec([None], tf.string, "target")], autograph=False)
    def score(text, said):
        return {"score": texts.scored(text, said, model, source, target, max_source, max_length)}

    @tf.function(input_signature=[TEXT, tf.TensorSpec([None], tf.string, "target")], autograph=False)
    def attention(text, said):
        return texts.attended(text, said, model, source, target, max_source, max_length)

    @tf.function(input_signature=[TEXT], autograph=False)
    def tokenize(text):
        return {"source": tokens.prepare(text, source, max_source)}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, "ids")], autograph=False)
    def detokenize(ids):
        return {"text": target.decode(ids)}

    functions = {"serving_default": serving_default, "nbest": nbest, "greedy": greedy, "score": score}
    functions |= {"tokenize": tokenize, "detokenize": detokenize}
    if model.has_attention:
        functions["attention"] = attention
    return {name: function.get_concrete_function() for name, function in functions.items()}


@contextlib.contextmanager
def portable(model):
    """While it holds, `model` is traced for every machine, whatever this one has.

    Keras writes the cuDNN kernel of a recurrent layer into a trace where a GPU is visible, and a SavedModel
    with that kernel runs on no machine without one.
    """
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "use_cudnn")]
    before = [layer.use_cudnn for layer in layers]
    try:
        for layer in layers:
            layer.use_cudnn = False
        yield
    finally:
        for layer, use in zip(layers, before, strict=True):
            layer.use_cudnn = use

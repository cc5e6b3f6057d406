"""The endpoints of an exported model, each traced once for every batch and length.

Traced without AutoGraph: nothing here needs it, and it reads source files, which an installation may lack.
"""

import contextlib
import dataclasses

import tensorflow as tf

from seq2seq_keras import decode, tokens
from seq2seq_keras.context import Stepper
from seq2seq_keras.export import states, texts
from seq2seq_keras.export.shapes import no_empty_axis
from seq2seq_keras.export.states import IDS

TEXT = tf.TensorSpec([None], tf.string)
"""(B,) texts, UTF-8; other bytes become U+FFFD."""

ENDPOINTS = {
    "serving_default": "text (B,) to the best text (B,) and its score (B,), by the search of this export",
    "nbest": "text (B,) to every kept text (B, N) and its score (B, N), best first; an empty place has score -inf",
    "greedy": "text (B,) to text (B,) and its log probability (B,), the most likely token at every step, whatever "
    "rules this export has for its own search",
    "sample": "text (B,), and the scalars temperature, top_k, top_p, min_p and seed, to text (B,) drawn at random and "
    "its log probability (B,), by the rules of this export; top_k 0, top_p 1 and min_p 0 are off, temperature 0 is "
    "nearly greedy",
    "prefixed": "text (B,) and prefix (B,) to the best text (B,) that begins with the prefix, and its score (B,), by "
    "the search of this export; score -inf and an empty text where its rules forbid the prefix",
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
LATER = {"sample", "prefixed"}
"""Those that exports of earlier versions have not."""
SAMPLING = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 0}
"""The scalars of `sample`, and for each the value that changes nothing."""
SCALARS = [
    tf.TensorSpec([], tf.float32, "temperature"),
    tf.TensorSpec([], tf.int32, "top_k"),
    tf.TensorSpec([], tf.float32, "top_p"),
    tf.TensorSpec([], tf.float32, "min_p"),
    tf.TensorSpec([], tf.int64, "seed"),
]
"""The specs of these."""


def of_ids(model: Stepper, max_length: int) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """`encode`, `init_state` and `step`: all that a search outside the graph needs.

    Args:
        max_length: most steps that will be taken; caches are made for so many.
    """
    spec = states.trace(model, max_length)

    @tf.function(input_signature=[IDS], autograph=False)
    def encode(source):
        return states.flatten_context(model.encode(no_empty_axis(source)))

    @tf.function(input_signature=[IDS], autograph=False)
    def init_state(source):
        return states.flatten(model.init_state(no_empty_axis(source), max_length))

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
    model: Stepper,
    source: tokens.Tokenizer,
    target: tokens.Tokenizer,
    search,
    max_source: int,
    max_length: int,
    replace_unknown: bool = False,
) -> dict[str, tf.types.experimental.ConcreteFunction]:
    """All that take or give strings: tokenizer and search inside the graph.

    Args:
        source: tokenizer of the source.
        target: tokenizer of the target; may be the same one.
        search: of `serving_default`, `nbest` and `prefixed`; `sample` has its controls.
        max_source: most source ids, EOS included; a longer text loses its end.
        max_length: most target ids, EOS included.
        replace_unknown: names words that the vocabulary lacks by those of the source.
    """

    def found(text, how, prefix=None) -> dict:
        every = texts.found(
            text,
            model,
            source,
            target,
            how,
            max_source,
            max_length,
            prefix=prefix,
            replace_unknown=replace_unknown,
        )
        return {name: every[name] for name in ("text", "score")}

    def first(text, how, prefix=None) -> dict:
        return {name: values[:, 0] for name, values in found(text, how, prefix).items()}

    @tf.function(input_signature=[TEXT], autograph=False)
    def serving_default(text):
        return first(text, search)

    @tf.function(input_signature=[TEXT], autograph=False)
    def nbest(text):
        return found(text, _widest(search))

    @tf.function(input_signature=[TEXT], autograph=False)
    def greedy(text):
        return first(text, decode.Greedy())

    @tf.function(input_signature=[TEXT, *SCALARS], autograph=False)
    def sample(text, temperature, top_k, top_p, min_p, seed):
        how = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed}
        return first(text, decode.Sample(**how, controls=search.controls))

    @tf.function(input_signature=[TEXT, tf.TensorSpec([None], tf.string, "prefix")], autograph=False)
    def prefixed(text, prefix):
        return first(text, search, prefix)

    # Not `target`, which is the tokenizer here; the signature's name comes from the spec.
    @tf.function(input_signature=[TEXT, tf.TensorSpec([None], tf.string, "target")], autograph=False)
    def score(text, said):
        return {"score": texts.scored(text, said, model, source, target, max_source, max_length)["score"]}

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
    functions |= {"sample": sample, "prefixed": prefixed, "tokenize": tokenize, "detokenize": detokenize}
    if model.has_attention:
        functions["attention"] = attention
    return {name: function.get_concrete_function() for name, function in functions.items()}


def _widest(search):
    """The search that returns all it keeps."""
    most = getattr(search, "bank", search.width)
    return search if search.n_best == most else dataclasses.replace(search, n_best=most)


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

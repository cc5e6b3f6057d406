"""Strings in, strings out inside one graph: what a live task and an exported model both run."""

import tensorflow as tf

from seq2seq_keras import decode, tokens
from seq2seq_keras.context import BOS, PAD, Stepper
from seq2seq_keras.errors import InputError

TOO_LONG = "a target has more ids than the model was exported for"
"""The one error that the graph raises."""


def check_sizes(model, source: tokens.Tokenizer, target: tokens.Tokenizer) -> None:
    """A vocabulary of another model would give ids without a row in the table, or words of another meaning.

    Raises:
        InputError: a vocabulary and the model's table of that side differ in size.
    """
    for side, tokenizer, table in (
        ("source", source, model.embedding),
        ("target", target, model.target_embedding or model.embedding),
    ):
        if tokenizer.size != table.size:
            raise InputError(
                f"the {side} vocabulary has {tokenizer.size:,} entries and the model's table {table.size:,}",
                remedy="use the vocabulary the model was trained with",
            )


def found(
    text,
    model: Stepper,
    source: tokens.Tokenizer,
    target: tokens.Tokenizer,
    search,
    max_source: int,
    max_length: int,
) -> dict:
    """(B,) string to `text` (B, N) string and `score` (B, N) float32, best first."""
    ids = no_empty_axis(tokens.prepare(text, source, max_source))
    hypotheses = decode.generate(model, ids, search, max_length)
    texts = target.decode(tf.reshape(hypotheses.ids, [-1, max_length]))
    return {"text": tf.reshape(texts, [-1, search.n_best]), "score": hypotheses.scores}


def scored(
    text,
    said,
    model: Stepper,
    source: tokens.Tokenizer,
    target: tokens.Tokenizer,
    max_source: int,
    max_length: int,
):
    """(B,) string and (B,) string said of it to (B,) float32 log probabilities."""
    lengths = target.encode(said).row_lengths()
    # The score of a target that lost its end would be a number, but of another text.
    tf.debugging.assert_less(lengths, tf.constant(max_length, lengths.dtype), TOO_LONG)
    ids = tokens.prepare(said, target, max_length)
    heard = no_empty_axis(tokens.prepare(text, source, max_source))
    return decode.score(model, heard, _of_length(ids, max_length))[1]


def attended(
    text,
    said,
    model: Stepper,
    source: tokens.Tokenizer,
    target: tokens.Tokenizer,
    max_source: int,
    max_length: int,
) -> dict:
    """Where the model looks while `said` is forced upon it.

    (B,) string and (B,) string to `weights` (B, T, S) float32 and the pieces that they are between, `source` (B, S)
    and `target` (B, T) string, both with their ends; weights are 0 and pieces empty where a text has ended.
    """
    heard = no_empty_axis(tokens.prepare(text, source, max_source))
    ids = no_empty_axis(tokens.prepare(said, target, max_length))
    before = tf.concat([tf.fill([tf.shape(ids)[0], 1], BOS), ids[:, :-1]], axis=1)
    weights = model.attention(heard, _of_length(before, max_length))[:, : tf.shape(ids)[1]]
    weights = tf.where(tf.not_equal(ids, PAD)[:, :, None], weights, 0.0)
    return {"weights": weights, "source": source.named(heard), "target": target.named(ids)}


def no_empty_axis(ids):
    """(B, S) with S at least 1: a batch of no rows has no length of its own, and layers want a first position."""
    return tf.pad(ids, [[0, 0], [0, tf.cast(tf.equal(tf.shape(ids)[1], 0), tf.int32)]], constant_values=PAD)


def _of_length(ids, length: int):
    """(B, T) ids, T at most `length`, to (B, length): loops want their length static."""
    padded = tf.pad(ids, [[0, 0], [0, length - tf.shape(ids)[1]]], constant_values=PAD)
    return tf.ensure_shape(padded, [None, length])

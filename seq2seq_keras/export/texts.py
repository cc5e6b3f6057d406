"""Strings in, strings out inside one graph: what a live task and an exported model both run."""

import dataclasses

import tensorflow as tf

from seq2seq_keras import decode, tokens
from seq2seq_keras.context import PAD, Stepper
from seq2seq_keras.decode.controls import Prefixes
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import unknowns
from seq2seq_keras.export.shapes import no_empty_axis, of_length, shifted

TOO_LONG = "a target has more ids than the model was exported for"
PREFIX_TOO_LONG = "a prefix leaves no room for a further id within the length the model was exported for"
"""The two errors that the graph raises."""


def check_sizes(model, source: tokens.Tokenizer, target: tokens.Tokenizer) -> None:
    """A vocabulary of another model would give ids without a row in the table, or words of another meaning.

    Args:
        model: a `Seq2Seq`, or an ensemble of such; other steppers are believed.

    Raises:
        InputError: a vocabulary and the model's table of that side differ in size.
    """
    for member in getattr(model, "steppers", ()):
        check_sizes(member, source, target)
    if not hasattr(model, "embedding"):
        return
    for side, tokenizer, table in (
        ("source", source, model.embedding),
        ("target", target, model.table),
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
    *,
    prefix=None,
    replace_unknown: bool = False,
) -> dict:
    """(B,) string to what was found, best first: `text` (B, N) string and `score` (B, N) float32; and in ids, `ids`
    (B, N, L) int32 and their `log_probs` (B, N, L) float32.

    Args:
        prefix: (B,) string, how each output must begin; None forces nothing.
        replace_unknown: names words that the vocabulary lacks by those of the source: see `unknowns`.
    """
    heard = hear(text, source, max_source)
    if prefix is not None:
        search = begun(search, prefix, target, max_length)
    hypotheses = decode.generate(model, heard, search, max_length)
    return told(text, heard, hypotheses, model, source, target, replace_unknown=replace_unknown)


def hear(text, tokenizer: tokens.Tokenizer, most: int):
    """(B,) string to ids (B, S) int32 as a model takes them, S from 1 to `most`."""
    return no_empty_axis(tokens.prepare(text, tokenizer, most))


def told(
    text,
    heard,
    hypotheses: decode.Hypotheses,
    model: Stepper,
    source: tokens.Tokenizer,
    target: tokens.Tokenizer,
    *,
    replace_unknown: bool = False,
) -> dict:
    """What was found of (B,) string that the model heard as (B, S) ids, as `found` has it."""
    _, count, length = hypotheses.ids.shape
    ids = tf.reshape(hypotheses.ids, [-1, length])
    said = unknowns.named(text, heard, ids, model, source, target) if replace_unknown else target.decode(ids)
    return {
        "text": tf.reshape(said, [-1, count]),
        "score": hypotheses.scores,
        "ids": hypotheses.ids,
        "log_probs": hypotheses.token_log_probs,
    }


def begun(search, prefix, target: tokens.Tokenizer, max_length: int):
    """A search whose outputs begin with `prefix`, (B,) string; it is good for these rows only."""
    ids = target.encode(prefix)
    # A prefix that lost its end would be another one.
    lengths = ids.row_lengths()
    tf.debugging.assert_less(lengths, tf.constant(max_length, lengths.dtype), PREFIX_TOO_LONG)
    prefixes = Prefixes(ids.to_tensor(PAD, shape=[None, max_length]))
    return dataclasses.replace(search, controls=(prefixes, *search.controls))


def scored(
    text,
    said,
    model: Stepper,
    source: tokens.Tokenizer,
    target: tokens.Tokenizer,
    max_source: int,
    max_length: int,
) -> dict:
    """(B,) string and (B,) string said of it to its `ids` (B, L) int32, their `log_probs` (B, L) float32, 0 after the
    end, and the `score` (B,) float32, which is the sum."""
    lengths = target.encode(said).row_lengths()
    # The score of a target that lost its end would be a number, but of another text.
    tf.debugging.assert_less(lengths, tf.constant(max_length, lengths.dtype), TOO_LONG)
    ids = tokens.prepare(said, target, max_length)
    heard = hear(text, source, max_source)
    ids = of_length(ids, max_length)
    log_probs, score = decode.score(model, heard, ids)
    return {"ids": ids, "log_probs": log_probs, "score": score}


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
    heard = hear(text, source, max_source)
    ids = hear(said, target, max_length)
    weights = model.attention(heard, of_length(shifted(ids), max_length))[:, : tf.shape(ids)[1]]
    weights = tf.where(tf.not_equal(ids, PAD)[:, :, None], weights, 0.0)
    return {"weights": weights, "source": source.named(heard), "target": target.named(ids)}

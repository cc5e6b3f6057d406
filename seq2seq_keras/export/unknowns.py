"""Words that the vocabulary lacks, named by the source: attention says which of its words each stands for.

Reference: Luong et al., 2015 (ACL), section 3, with attention in place of their alignments.
"""

import tensorflow as tf

from seq2seq_keras import tokens
from seq2seq_keras.context import BOS, EOS, PAD, UNK
from seq2seq_keras.errors import InputError
from seq2seq_keras.export.shapes import shifted
from seq2seq_keras.tokens.tokenizer import UNKNOWN


def check(model, source: tokens.Tokenizer, target: tokens.Tokenizer) -> None:
    """Whether `named` can do its work.

    Raises:
        InputError: the model has no attention, or a side's units are no words.
    """
    if not getattr(model, "has_attention", False):
        raise InputError("unknown words cannot be replaced by a model that has no attention")
    for side, tokenizer in (("source", source), ("target", target)):
        if tokenizer.kind != tokens.Words.kind:
            raise InputError(
                f"unknown words cannot be replaced where the {side} is of {tokenizer.kind}", expected="words"
            )


def named(text, heard, said, model, source: tokens.Words, target: tokens.Words):
    """The texts of hypotheses, each UNK in them the source word that the model looked at most when it said it.

    The model is run once more over what was found, and only if there is an UNK. A source without words names
    nothing.

    Args:
        text: (B,) string, the sources.
        heard: (B, S) int32, their ids.
        said: (B * N, L) int32, N hypotheses of each beside each other; L static.

    Returns:
        (B * N,) string.
    """

    def replaced():
        # A batch of no texts has no number of hypotheses either, and no UNK.
        count = tf.math.floordiv(tf.shape(said)[0], tf.shape(heard)[0])
        looked = model.attention(tf.repeat(heard, count, axis=0), shifted(said))  # (B*N, L, S)
        words = tf.strings.split(source.normalized(text))
        # A source that was cut has fewer ids than words, and its last id is EOS.
        real = tf.minimum(words.row_lengths(), tf.cast(tf.shape(heard)[1] - 1, tf.int64))
        real = tf.repeat(tf.sequence_mask(real, tf.shape(heard)[1]), count, axis=0)
        places = tf.argmax(tf.where(real[:, None, :], looked, -1.0), axis=-1)  # (B*N, L)
        nothing = tf.fill([tf.shape(heard)[0], 1], UNKNOWN)
        words = tf.concat([words.to_tensor(UNKNOWN), nothing], axis=1)
        names = tf.gather(tf.repeat(words, count, axis=0), places, batch_dims=1)
        pieces = tf.where(tf.equal(said, UNK), names, target.named(said))
        silent = tf.equal(said, PAD) | tf.equal(said, BOS) | tf.equal(said, EOS)
        texts = tf.strings.reduce_join(tf.where(silent, "", tf.strings.join([" ", pieces])), axis=1)
        return tf.strings.regex_replace(texts, "^ ", "", replace_global=False)

    return tf.cond(tf.reduce_any(tf.equal(said, UNK)), replaced, lambda: target.decode(said))

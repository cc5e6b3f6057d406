"""Ids in the shapes that loops and layers want."""

import tensorflow as tf

from seq2seq_keras.context import BOS, PAD


def shifted(ids):
    """(B, T) ids to those before each: BOS first, the last one gone."""
    return tf.concat([tf.fill([tf.shape(ids)[0], 1], BOS), ids[:, :-1]], axis=1)


def no_empty_axis(ids):
    """(B, S) with S at least 1: a batch of no rows has no length of its own, and layers want a first position."""
    return tf.pad(ids, [[0, 0], [0, tf.cast(tf.equal(tf.shape(ids)[1], 0), tf.int32)]], constant_values=PAD)


def of_length(ids, length: int):
    """(B, T) ids, T at most `length`, to (B, length): loops want their length static."""
    padded = tf.pad(ids, [[0, 0], [0, length - tf.shape(ids)[1]]], constant_values=PAD)
    return tf.ensure_shape(padded, [None, length])

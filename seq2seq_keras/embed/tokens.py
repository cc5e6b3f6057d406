"""A table of token vectors that also scores."""

import keras
from keras import ops

from seq2seq_keras.serial import serializable


@serializable
class TokenTable(keras.layers.ReversibleEmbedding):
    """Token ids to vectors, and vectors to logits over the same vocabulary.

    The model holds the table and calls it several times (source, target, output): one table, tied by identity.

    Args:
        size: vocabulary size V.
        width: vector width D.
        tied: scores with the table itself (Press and Wolf, 2016); False learns a separate output projection.

    Call:
        inputs: (B, S) int ids; with `reverse=True` (B, ..., D) float.
        returns: (B, S, D) float; with `reverse=True` (B, ..., V).
    """

    def __init__(self, size: int, width: int, tied: bool = True, **kwargs):
        # 1/sqrt(D) keeps the logits of the tied projection near unit variance at the start.
        initializer = keras.initializers.RandomNormal(stddev=width**-0.5)
        # Logits of fewer bits would blur what search compares.
        kwargs.setdefault("reverse_dtype", "float32")
        super().__init__(size, width, tie_weights=tied, embeddings_initializer=initializer, **kwargs)
        self.size, self.width, self.tied = size, width, tied

    def score(self, vectors):
        """(B, ..., D) float to (B, ..., V) float32 logits; float32 under every precision policy."""
        return ops.cast(self(vectors, reverse=True), "float32")

"""A table of token vectors that also scores."""

import keras
import numpy as np
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

    @property
    def matrix(self):
        """(D, V) float32: what `score` multiplies vectors by, as the layer's policy reads it."""
        matrix = ops.transpose(self.embeddings) if self.tied else self.reverse_embeddings
        return ops.cast(ops.cast(matrix, self.compute_dtype), "float32")

    def fill(self, ids, vectors) -> None:
        """Gives some ids their first vectors, such as pretrained ones; training goes on from there.

        All are multiplied by one number that makes their mean square 1/D, which is what the random rows have:
        directions and relative lengths stay, and positions and the tied output find the size they are made for.

        Args:
            ids: (N,) int, each once.
            vectors: (N, D) float.

        Raises:
            ValueError: ids or vectors of another shape, or an id the table does not have.
        """
        ids, vectors = np.asarray(ids, "int64"), np.asarray(vectors, "float32")
        if ids.ndim != 1 or vectors.shape != (len(ids), self.width):
            raise ValueError(
                f"vectors must have shape (N, {self.width}) for N ids, found {vectors.shape} for ids of {ids.shape}"
            )
        if len(ids) and not 0 <= ids.min() <= ids.max() < self.size:
            raise ValueError(f"ids must be from 0 to {self.size - 1}, found {ids.min()} to {ids.max()}")
        if not self.built:
            self.build(None)
        square = np.square(vectors, dtype="float64").sum() / max(1, vectors.size)
        rows = np.array(ops.convert_to_numpy(self.embeddings))
        rows[ids] = vectors / np.sqrt(square * self.width) if square else vectors
        self.embeddings.assign(rows)

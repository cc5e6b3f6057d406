"""A table of vectors of another width than the model's."""

import keras
from keras import ops

from seq2seq_keras.embed.tokens import TokenTable
from seq2seq_keras.serial import serializable


@serializable
class ProjectedTable(keras.layers.Layer):
    """Token vectors of width E through a learned map P (E, D): x = E_w P; tied, logits = (v P^T) E^T, back through it.

    So it is the table E P of V rows and D columns, of rank E at most. P begins orthogonal: vectors keep their angles
    and their size (mean square 1/D) where E <= D. Without a bias, since a tied output could not use it.

    Args:
        table: `TokenTable` of E, or a kind of it; tied, since its own output projection would have no use.
        width: vector width D of the model.
        tied: scores with the table itself; False learns a separate output projection (D, V).

    Call:
        inputs: (B, S) int ids; with `reverse=True` (B, ..., D) float.
        returns: (B, S, D) float; with `reverse=True` (B, ..., V) float32.

    Raises:
        ValueError: `table` is not tied.

    Reference: Lan et al., 2020 (ALBERT), section 3.1, factorized embedding.
    """

    def __init__(self, table: TokenTable, width: int, tied: bool = True, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not table.tied:
            raise ValueError("table must be tied, found one with an output projection of its own; give tied=False here")
        self.table, self.width, self.tied, self.size = table, width, tied, table.size

    def build(self, input_shape=None):
        if not self.table.built:
            self.table.build(None)
        gain = max(1.0, self.table.width / self.width) ** 0.5
        self.projection = self.add_weight(
            shape=(self.table.width, self.width), initializer=keras.initializers.Orthogonal(gain), name="projection"
        )
        if not self.tied:
            self.reverse_embeddings = self.add_weight(
                shape=(self.width, self.size),
                initializer=keras.initializers.RandomNormal(stddev=self.width**-0.5),
                name="reverse_embeddings",
            )

    def call(self, inputs, reverse=False):
        if not reverse:
            return ops.matmul(self.table(inputs), ops.cast(self.projection, self.compute_dtype))
        inputs = ops.cast(inputs, "float32")
        if not self.tied:
            return ops.matmul(inputs, self.reverse_embeddings)
        return self.table.score(ops.matmul(inputs, ops.transpose(self.projection)))

    @property
    def embeddings(self):
        """(V, D) float: the table E P."""
        return ops.matmul(self.table.embeddings, self.projection)

    def score(self, vectors):
        """(B, ..., D) float to (B, ..., V) float32 logits; float32 under every precision policy."""
        return self(vectors, reverse=True)

    @property
    def matrix(self):
        """(D, V) float32: what `score` multiplies vectors by, as the layer's policy reads it."""
        weights = ops.transpose(self.projection) if self.tied else self.reverse_embeddings
        weights = ops.cast(ops.cast(weights, self.compute_dtype), "float32")
        return ops.matmul(weights, self.table.matrix) if self.tied else weights

    def fill(self, ids, vectors) -> None:
        """As the table's own `fill`: (N,) int and (N, E) float."""
        self.table.fill(ids, vectors)

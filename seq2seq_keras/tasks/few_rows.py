"""Logits of few rows at a time, in the form that XLA computes quickly."""

from keras import ops

from seq2seq_keras.context import DecodeState, Stepper
from seq2seq_keras.models import Seq2Seq

_MOST = 32
"""More rows than this are quicker in one product."""
_WIDE = 2_048
"""Fewer entries than this lie close enough."""
_COLUMNS = 64
"""Entries of the vocabulary that lie beside each other."""


def for_few_rows(stepper: Stepper, rows: int) -> Stepper:
    """The same stepper for a loop that XLA compiles, of so many rows in every step.

    To be called in what is compiled, before the loop: that is where the matrix is laid out anew.
    """
    wide = isinstance(stepper, Seq2Seq) and stepper.table.size >= _WIDE
    return FewRows(stepper) if wide and 1 < rows <= _MOST else stepper


class FewRows:
    """A model whose output matrix lies in memory in parts of a few columns, each whole.

    On a CPU XLA reads the matrix (D, V) of a product with few rows in pieces of a few numbers, V apart. A part is
    read from its beginning to its end, two to three times as fast. For one row XLA has a way of its own.
    """

    def __init__(self, model: Seq2Seq):
        self._model = model
        matrix = model.table.matrix
        width, self._size = matrix.shape
        padded = ops.pad(matrix, [[0, 0], [0, -self._size % _COLUMNS]])
        self._parts = ops.transpose(ops.reshape(padded, (width, -1, _COLUMNS)), (1, 0, 2))  # (P, D, columns)

    def __getattr__(self, name: str):
        return getattr(self._model, name)

    def step(self, ids, state: DecodeState):
        return self._model.step(ids, state, self._score)

    def _score(self, vectors):
        """(N, D) float to (N, V) float32 logits."""
        rows = ops.broadcast_to(ops.cast(vectors, "float32"), (self._parts.shape[0], *vectors.shape))
        logits = ops.transpose(ops.matmul(rows, self._parts), (1, 0, 2))
        return ops.reshape(logits, (vectors.shape[0], -1))[:, : self._size]

"""A table in which pretrained vectors stay as they are."""

import numpy as np
from keras import ops

from seq2seq_keras.embed.tokens import TokenTable
from seq2seq_keras.serial import serializable


@serializable
class FrozenTable(TokenTable):
    """A `TokenTable` whose filled rows never change; all others (specials, words without a vector) learn as ever.

    Which rows those are is a weight, so that a saved model knows it without the file the vectors came from. The
    gradient of a frozen row is zero wherever the table is used, as input and as tied output; an optimizer with weight
    decay would still shrink it.

    Args:
        size: vocabulary size V.
        width: vector width D.
        tied: scores with the table itself; False learns a separate output projection, of which nothing is frozen.

    Call: as `TokenTable`.
    """

    def build(self, input_shape=None):
        super().build(input_shape)
        self.frozen = self.add_weight(
            shape=(self.size,), initializer="zeros", dtype="bool", name="frozen", trainable=False
        )

    def call(self, inputs, reverse=False):
        if not reverse:
            vectors, frozen = super().call(inputs), ops.take(self.frozen, inputs, axis=0)
            return ops.where(ops.expand_dims(frozen, -1), ops.stop_gradient(vectors), vectors)
        if not self.tied:
            return super().call(inputs, reverse=True)
        kernel = _as_is(ops.cast(self.embeddings, self.reverse_dtype), ops.convert_to_tensor(self.frozen))
        return ops.matmul(ops.cast(inputs, self.reverse_dtype), ops.transpose(kernel))

    @property
    def variable_serialization_spec(self):
        """What Keras' embeddings save, by kind of quantization, and which rows are frozen."""
        return {mode: [*names, "frozen"] for mode, names in super().variable_serialization_spec.items()}

    def fill(self, ids, vectors) -> None:
        """As `TokenTable.fill`, for good."""
        super().fill(ids, vectors)
        frozen = np.array(ops.convert_to_numpy(self.frozen))
        frozen[np.asarray(ids, "int64")] = True
        self.frozen.assign(frozen)


@ops.custom_gradient
def _as_is(rows, frozen):
    """(V, D) rows themselves; no gradient goes to those where (V,) bool `frozen` is True.

    To choose between rows and `stop_gradient` of them would say the same, and copy the table at every step of a search.
    """

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        return ops.where(ops.expand_dims(frozen, -1), ops.zeros_like(upstream), upstream), None

    return rows, gradient

"""Multiplicative attention."""

import keras
from keras import ops

from seq2seq_keras.attention.look import look
from seq2seq_keras.serial import serializable


@serializable
class DotAttention(keras.layers.Layer):
    """Scores by a product of query and memory: one matrix product where additive attention needs a small network.

    score(q, h) = q . h (`dot`), q . W h (`general`) or q . h / sqrt(D) (`scaled`).

    Args:
        kind: `dot`, `general` or `scaled`.

    Call:
        query: (B, D) float, decoder output at this step; or (B, T, D), several steps.
        keys: (B, S, D) float, from `prepare(memory)`, computed once per source.
        memory: (B, S, M) float; M = D but for `general`.
        seen: (B, S) bool, True where real.
        covered: None; this attention does not know where earlier steps looked.
        returns: context (B, M) or (B, T, M) float, weights (B, S) or (B, T, S) float32 that sum to 1.

    Raises:
        ValueError: another kind, query and keys of two widths, or `covered` given.

    Reference: Luong et al., 2015, section 3.1; Vaswani et al., 2017, section 3.2.1 (scaled).
    """

    coverage = False

    def __init__(self, kind: str = "general", **kwargs):
        super().__init__(**kwargs)
        if kind not in ("dot", "general", "scaled"):
            raise ValueError(f"kind must be dot, general or scaled, found {kind!r}")
        self.kind, self._projection = kind, None

    def build(self, query_shape, keys_shape, memory_shape, seen_shape, covered_shape=None):
        if self.kind == "general":
            self._project(memory_shape[-1], query_shape[-1])
        width = memory_shape[-1] if self._projection is None else self._projection.units
        if query_shape[-1] != width:
            raise ValueError(
                f"{self.kind} attention needs queries as wide as its keys, {width}; found {query_shape[-1]}"
            )

    def prepare(self, memory):
        """(B, S, M) memory to (B, S, D) keys. Before the width of queries is known, D = M."""
        if self.kind == "general":
            return self._project(memory.shape[-1], memory.shape[-1])(memory)
        return ops.convert_to_tensor(memory)

    def call(self, query, keys, memory, seen, covered=None):
        if covered is not None:
            raise ValueError("covered must be None for DotAttention; AdditiveAttention(coverage=True) takes it")
        if self.kind == "scaled":
            query = query * query.shape[-1] ** -0.5
        scores = ops.einsum("btd,bsd->bts" if len(query.shape) == 3 else "bd,bsd->bs", query, keys)
        return look(scores, memory, seen)

    def _project(self, width: int, units: int):
        """W, made when it is first needed: only then is its shape known."""
        if self._projection is None:
            self._projection = keras.layers.Dense(units, use_bias=False, name="memory", dtype=self.dtype_policy)
            self._projection.build((None, None, width))
        return self._projection

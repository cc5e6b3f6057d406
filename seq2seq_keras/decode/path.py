"""A path: one hypothesis that grows by one id a step and never looks back. Greedy search and sampling follow paths."""

from typing import Any, NamedTuple

from keras import ops

from seq2seq_keras.context import EOS, PAD, Nest, Tensor
from seq2seq_keras.decode.controls.control import Said
from seq2seq_keras.decode.hypotheses import Hypotheses
from seq2seq_keras.decode.places import write


class Path(NamedTuple):
    """K paths a source."""

    ids: Any
    """(B, K, L) int32."""
    token_log_probs: Any
    """(B, K, L) float32."""
    ranks: Any
    """(B, K) float32: the sum of what each id was ranked by; -inf where nothing could be said."""
    lengths: Any
    """(B, K) int32."""
    ended: Any
    """(B, K) bool: EOS was said, or nothing could be."""
    known: Nest
    """What the controls know of the sources, leaves (B, ...)."""


def begin(batch: Tensor, width: int, max_length: int, known: Nest) -> Path:
    """Empty paths for `batch` sources."""
    return Path(
        ids=ops.full((batch, width, max_length), PAD, dtype="int32"),
        token_log_probs=ops.zeros((batch, width, max_length), "float32"),
        ranks=ops.zeros((batch, width), "float32"),
        lengths=ops.zeros((batch, width), "int32"),
        ended=ops.zeros((batch, width), "bool"),
        known=known,
    )


def said(path: Path, time: Tensor) -> Said:
    """The paths as controls see them."""
    return Said(path.ids, time)


def follow(path: Path, time: Tensor, ids: Tensor, ranks: Tensor, log_probs: Tensor) -> tuple[Tensor, Path]:
    """Takes one step; a path that ended stays as it is.

    Args:
        ids, ranks, log_probs: (B*K,): what is said, what it was ranked by, and log p of it.

    Returns:
        ids said (B*K,), PAD by those that had ended, and the paths.
    """
    shape = ops.shape(path.ended)
    ids, ranks, log_probs = (ops.reshape(leaf, shape) for leaf in (ids, ranks, log_probs))
    stuck = ops.equal(ranks, float("-inf"))
    silent = ops.logical_or(path.ended, stuck)
    ids, gain = ops.where(silent, PAD, ids), ops.where(silent, 0.0, log_probs)
    after = Path(
        ids=write(path.ids, time, ids),
        token_log_probs=write(path.token_log_probs, time, gain),
        ranks=path.ranks + ops.where(path.ended, 0.0, ranks),
        lengths=path.lengths + ops.cast(ops.logical_not(silent), "int32"),
        ended=ops.logical_or(silent, ops.equal(ids, EOS)),
        known=path.known,
    )
    return ops.reshape(ids, (-1,)), after


def hypotheses(path: Path, scores: Tensor) -> Hypotheses:
    """The paths as they are, in their order; one that got stuck is an empty hypothesis of score -inf.

    Args:
        scores: (B, K) float32.
    """
    stuck = ops.equal(path.ranks, float("-inf"))
    return Hypotheses(
        ids=ops.where(ops.expand_dims(stuck, -1), PAD, path.ids),
        lengths=ops.where(stuck, 0, path.lengths),
        scores=ops.where(stuck, float("-inf"), scores),
        token_log_probs=ops.where(ops.expand_dims(stuck, -1), 0.0, path.token_log_probs),
    )

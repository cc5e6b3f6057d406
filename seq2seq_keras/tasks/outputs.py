"""What a task says, and how sure of it and by what it was."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_keras.context import PAD


class Scored(NamedTuple):
    """One output."""

    text: str
    score: float
    """What the search ranks by: larger is better; -inf where nothing could be said."""
    pieces: Sequence[str] = ()
    """Names of the T ids, EOS included where it was said."""
    log_probs: Sequence[float] = ()
    """T: log p of each id by the model, whatever rules made of it."""


class Alignment(NamedTuple):
    """Where each output piece looked in the source."""

    source: list[str]
    """S pieces."""
    target: list[str]
    """T pieces."""
    weights: np.ndarray
    """(T, S) float32, rows sum to 1."""


def scored(text: bytes, score: float, ids: np.ndarray, log_probs: np.ndarray, names: np.ndarray) -> Scored:
    """One output as a graph gives it.

    Args:
        ids: (L,) int32, PAD on the right.
        log_probs: (L,) float32.
        names: of every id, strings.
    """
    said = ids != PAD
    return Scored(text.decode("utf-8"), float(score), names[ids[said]].tolist(), log_probs[said].tolist())

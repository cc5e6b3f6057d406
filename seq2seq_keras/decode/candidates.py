"""What may be said next, best first, after the model and the controls have had their say."""

from typing import Any, NamedTuple

from keras import ops

from seq2seq_keras.context import Nest, Tensor
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.places import likeliest, speakable, top_k


class Candidates(NamedTuple):
    """C ids for each of B * K beginnings."""

    ranks: Any
    """(B*K, C) float32, falling: log p as the controls left it; -inf if this must not be said."""
    log_probs: Any
    """(B*K, C) float32: log p by the model."""
    ids: Any
    """(B*K, C) int32."""


def begin(controls: tuple[Control, ...], source: Tensor) -> tuple[Nest, ...]:
    """What each control must know of each source."""
    return tuple(control.begin(source) for control in controls)


def candidates(
    logits: Tensor, count: int, controls: tuple[Control, ...], said: Said, known: tuple[Nest, ...]
) -> Candidates:
    """The `count` best ids for each beginning.

    Args:
        logits: (B*K, V) float; a row with NaN has no candidate.
        said: (B, K, L) beginnings.
        known: from `begin`.
    """
    if not controls:
        log_probs, ids = likeliest(logits, count)
        return Candidates(log_probs, log_probs, ids)
    whole = log_softmax(logits)
    ranks, ids = top_k(controlled(whole, controls, said, known), count)
    return Candidates(ranks, ops.take_along_axis(whole, ids, axis=-1), ids)


def log_softmax(logits: Tensor) -> Tensor:
    """(N, V) logits to float32 log probabilities; -inf all over a row with NaN."""
    log_probs = ops.log_softmax(ops.cast(logits, "float32"))
    return ops.where(ops.isnan(log_probs), float("-inf"), log_probs)


def controlled(log_probs: Tensor, controls: tuple[Control, ...], said: Said, known: tuple[Nest, ...]) -> Tensor:
    """(B*K, V) log probabilities to what the controls make of them; PAD and BOS are never said."""
    ranks = speakable(log_probs)
    shape = (-1, said.ids.shape[1], log_probs.shape[-1])
    for control, own in zip(controls, known, strict=True):
        ranks = ops.reshape(control(ops.reshape(ranks, shape), said, own), ops.shape(log_probs))
    return ranks

"""Searches that follow one path: pick a token, go on from it."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seq2seq_keras.context import EOS, PAD
from seq2seq_keras.decode.generate import Hypotheses
from seq2seq_keras.decode.places import likeliest, write


class Path(NamedTuple):
    """What was picked so far."""

    ids: Any
    """(B, L) int32."""
    lengths: Any
    """(B,) int32."""
    log_probs: Any
    """(B,) float32."""
    ended: Any
    """(B,) bool: EOS was picked."""


@dataclass(frozen=True)
class Greedy:
    """The most likely token at every step. The score of a hypothesis is its log probability."""

    width: ClassVar[int] = 1
    n_best: ClassVar[int] = 1

    def begin(self, batch, max_length: int) -> Path:
        return Path(
            ids=ops.full((batch, max_length), PAD, dtype="int32"),
            lengths=ops.zeros((batch,), "int32"),
            log_probs=ops.zeros((batch,), "float32"),
            ended=ops.zeros((batch,), "bool"),
        )

    def advance(self, logits, state: Path, time):
        gain, ids = (ops.squeeze(leaf, -1) for leaf in likeliest(logits, 1))
        ids, gain = ops.where(state.ended, PAD, ids), ops.where(state.ended, 0.0, gain)
        return (
            ids,
            None,
            Path(
                ids=write(state.ids, time, ids),
                lengths=state.lengths + ops.cast(ops.logical_not(state.ended), "int32"),
                log_probs=state.log_probs + gain,
                ended=ops.logical_or(state.ended, ops.equal(ids, EOS)),
            ),
        )

    def done(self, state: Path, time):
        return ops.all(state.ended)

    def finish(self, state: Path) -> Hypotheses:
        ids, lengths, log_probs = (ops.expand_dims(leaf, 1) for leaf in state[:3])
        return Hypotheses(ids, lengths, log_probs, log_probs)

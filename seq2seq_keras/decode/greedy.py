"""Greedy search."""

from dataclasses import dataclass
from typing import ClassVar

from keras import ops

from seq2seq_keras.decode import path
from seq2seq_keras.decode.candidates import begin, candidates
from seq2seq_keras.decode.controls.conflicts import check
from seq2seq_keras.decode.controls.control import Control
from seq2seq_keras.decode.hypotheses import Hypotheses


@dataclass(frozen=True)
class Greedy:
    """The most likely token at every step. The score of a hypothesis is its log probability, as its controls left it.

    Args:
        controls: rules about what may be said.
    """

    controls: tuple[Control, ...] = ()
    width: ClassVar[int] = 1
    n_best: ClassVar[int] = 1
    reorders: ClassVar[bool] = False
    needs_attention: ClassVar[bool] = False

    def __post_init__(self):
        check(self.controls)

    def begin(self, source, max_length: int) -> path.Path:
        return path.begin(ops.shape(source)[0], 1, max_length, begin(self.controls, source))

    def advance(self, logits, state: path.Path, time, looked=None):
        found = candidates(logits, 1, self.controls, path.said(state, time), state.known)
        ids, state = path.follow(state, time, found.ids, found.ranks, found.log_probs)
        return ids, None, state

    def finished(self, state: path.Path, time):
        return state.ended[:, 0]

    def finish(self, state: path.Path) -> Hypotheses:
        return path.hypotheses(state, state.ranks)

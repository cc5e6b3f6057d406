"""A part of the vocabulary to choose from."""

from dataclasses import dataclass

from seq2seq_keras.context import EOS, Tensor
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.controls.ids import check_size, sayable
from seq2seq_keras.decode.controls.lower import everywhere


@dataclass(frozen=True)
class Shortlist(Control):
    """Forbids every id but those on the list and EOS.

    Args:
        ids: what may be said, in any order, with or without EOS.

    Raises:
        ValueError: there is no id but EOS, or one that can not be said; in a search, one is none of the vocabulary.
    """

    ids: tuple[int, ...]

    def __post_init__(self):
        ids = sayable([i for i in self.ids if i != EOS], "ids")
        if not ids:
            raise ValueError(f"ids must hold one that is not EOS, found {self.ids}")
        object.__setattr__(self, "ids", ids)

    def __call__(self, ranks: Tensor, said: Said, known: tuple[()]) -> Tensor:
        check_size(self.ids, ranks.shape[-1], "ids")
        return everywhere(ranks, (*self.ids, EOS), but=True)

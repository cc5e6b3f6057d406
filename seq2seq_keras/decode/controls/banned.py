"""Words and phrases that must not be said."""

from dataclasses import dataclass

from keras import ops

from seq2seq_keras.context import EOS, Tensor
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.controls.ids import check_size, sayable
from seq2seq_keras.decode.controls.lower import everywhere, forbid
from seq2seq_keras.decode.controls.recent import recent

_ANY = -2
"""Stands before a phrase that is shorter than the longest; neither an id nor what `recent` puts before a beginning."""


@dataclass(frozen=True)
class Banned(Control):
    """Forbids words, one id each, and the last id of a phrase whose other ids were just said.

    Args:
        phrases: ids of each. One that ends in EOS must not be the end of a hypothesis.

    Raises:
        ValueError: a phrase is empty, is EOS alone, or holds what can not be said; in a search, an id is none of the
            vocabulary.
    """

    phrases: tuple[tuple[int, ...], ...]

    def __post_init__(self):
        phrases = tuple(sayable(phrase, "phrases") for phrase in self.phrases)
        if () in phrases:
            raise ValueError(f"phrases must each hold an id, found {phrases}")
        if (EOS,) in phrases:
            raise ValueError(f"phrases must not ban EOS {EOS}, without which nothing ends; found {phrases}")
        object.__setattr__(self, "phrases", phrases)

    def __call__(self, ranks: Tensor, said: Said, known: tuple[()]) -> Tensor:
        check_size(sum(self.phrases, ()), ranks.shape[-1], "phrases")
        words = [phrase[0] for phrase in self.phrases if len(phrase) == 1]
        phrases = [phrase for phrase in self.phrases if len(phrase) > 1]
        if words:
            ranks = everywhere(ranks, words, but=False)
        if not phrases:
            return ranks
        longest = max(map(len, phrases)) - 1
        heads = ops.convert_to_tensor([(_ANY,) * (longest + 1 - len(p)) + p[:-1] for p in phrases], "int32")  # (P, M)
        last = ops.expand_dims(recent(said, longest), 2)  # (B, K, 1, M)
        fits = ops.logical_or(ops.equal(heads, _ANY), ops.equal(heads, last))
        return forbid(ranks, ops.convert_to_tensor([phrase[-1] for phrase in phrases], "int32"), ops.all(fits, axis=-1))

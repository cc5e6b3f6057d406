"""How hypotheses must begin."""

from dataclasses import dataclass
from typing import Any

from keras import ops

from seq2seq_keras.context import EOS, PAD, Tensor
from seq2seq_keras.decode.controls.control import Control, Said
from seq2seq_keras.decode.controls.ids import check_size, sayable
from seq2seq_keras.decode.controls.lower import only


@dataclass(frozen=True)
class Prefix(Control):
    """Forces the first ids of every hypothesis; they cost what they cost without force.

    Args:
        ids: of the beginning; one that ends in EOS is the whole hypothesis. None forces nothing.

    Raises:
        ValueError: it holds what can not be said; in a search, an id is none of the vocabulary, or `max_length` has
            no room for the prefix and one more id, or for the whole of it where it ends in EOS.
    """

    ids: tuple[int, ...]

    def __post_init__(self):
        object.__setattr__(self, "ids", sayable(self.ids, "ids"))

    def __call__(self, ranks: Tensor, said: Said, known: tuple[()]) -> Tensor:
        check_size(self.ids, ranks.shape[-1], "ids")
        room = said.ids.shape[-1] - (self.ids[-1:] != (EOS,))
        if len(self.ids) > room:
            raise ValueError(f"ids of a prefix must fit in {room}, to leave room within max_length; found {self.ids}")
        return _begun(ranks, ops.convert_to_tensor([(*self.ids, PAD)], "int32"), said.time)


@dataclass(frozen=True, eq=False)
class Prefixes(Control):
    """Forces the first ids of every hypothesis, other ones for each source. May be used in one call of a search only.

    Nothing is refused: a prefix is cut at the search's `max_length`, and one with an id that can not be said leaves
    its source with an empty hypothesis of score -inf.

    Args:
        ids: (B, P) int32, PAD on the right; a row of nothing but PAD forces nothing. P static.

    Raises:
        ValueError: in a search, `ids` has another number of rows than the sources, where both are known.
    """

    ids: Any

    def begin(self, source: Tensor) -> Tensor:
        ids = ops.cast(ops.convert_to_tensor(self.ids), "int32")
        if len(ids.shape) != 2 or None not in (ids.shape[0], source.shape[0]) and ids.shape[0] != source.shape[0]:
            raise ValueError(f"ids must have a row for each of {source.shape[0]} sources, found shape {ids.shape}")
        # A loop which sources leave wants no shape that says how many there are.
        ids = ops.take(ids, ops.arange(ops.shape(source)[0], dtype="int32"), axis=0)
        return ops.pad(ids, ((0, 0), (0, 1)), constant_values=PAD)

    def __call__(self, ranks: Tensor, said: Said, known: Tensor) -> Tensor:
        return _begun(ranks, known, said.time)


def _begun(ranks: Tensor, ids: Tensor, time: Tensor) -> Tensor:
    """(B, K, V) ranks with only id number `time` of `ids` (B or 1, P + 1), or as they are where that is PAD."""
    wanted = ops.take(ids, ops.minimum(time, ops.shape(ids)[1] - 1), axis=1)
    wanted = ops.reshape(wanted, (-1, 1, 1))
    return ops.where(ops.equal(wanted, PAD), ranks, only(ranks, wanted))

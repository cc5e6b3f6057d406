"""A hypothesis while it grows."""

from collections.abc import Iterator

from keras import ops

from seq2seq_keras.context import Nest, Stepper
from seq2seq_keras.decode.greedy import Greedy
from seq2seq_keras.decode.search import Search
from seq2seq_keras.decode.walk import Walk, begin, steps

_GREEDY = Greedy()


def stream(stepper: Stepper, source, max_length: int, search: Search = _GREEDY) -> Iterator[list[int]]:
    """The ids said so far for one source, after every step; the last of them are those that `generate` finds.

    A plain Python loop: the model works when the next ids are asked for and not before, and an iterator that is
    closed or forgotten takes no further step. A stepper whose `step` is compiled makes it fast.

    Args:
        stepper: has `init_state` and `step`, and `alignment` for a search that wants to know where the model looked.
        source: (1, S) int32 ids.
        max_length: most ids said, EOS included.
        search: greedy search and a single sample only ever add ids. A search that keeps several hypotheses shows
            the one that would be returned if it stopped now, which the next step may replace by another.

    Returns:
        an iterator of lists of ids, EOS included where it was said; an empty list where nothing could be said.

    Raises:
        ValueError: more or fewer sources than one, `max_length` not positive, or a search that needs attention and
            a stepper that has none; all at once, not at the first step.
    """
    source = ops.convert_to_tensor(source)
    if len(source.shape) != 2 or source.shape[0] != 1:
        raise ValueError(f"source must have shape (1, S), found {tuple(source.shape)}")
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1, found {max_length}")
    walk, fixed = begin(stepper, search, source, max_length, max_length)
    return _growing(stepper, search, fixed, walk, max_length)


def _growing(stepper: Stepper, search: Search, fixed: Nest, walk: Walk, max_length: int) -> Iterator[list[int]]:
    for time in range(1, max_length + 1):
        walk = steps(stepper, search, fixed, walk, time)
        yield _best(search, walk.found)
        if bool(search.finished(walk.found, walk.time)[0]):
            return


def _best(search: Search, found: Nest) -> list[int]:
    """Ids of the first hypothesis, without padding."""
    hypotheses = search.finish(found)
    ids, length = ops.convert_to_numpy(hypotheses.ids), int(hypotheses.lengths[0, 0])
    return ids[0, 0, :length].tolist()

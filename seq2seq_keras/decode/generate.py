"""One loop from source ids to hypotheses, for every decoder and every search."""

from keras import ops, tree

from seq2seq_keras.context import Nest, Stepper
from seq2seq_keras.decode.search import Search
from seq2seq_keras.decode.walk import begin, chosen, left_with, lengthened, steps

_ROOMS = (32, 64, 128, 256)
"""Room that states have, one after the other, where shapes must not change."""
_CHUNK = 8
"""Steps between two looks at who has finished, where shapes may change."""


def generate(stepper: Stepper, source, search: Search, max_length: int):
    """Decodes a batch of sources in one loop that ends as soon as the search is done with every row.

    In a graph whose batch size is open, sources that are finished leave the batch on the way, and states get room
    as texts grow. Where shapes are fixed (XLA wants them so) all rows stay to the end.

    Args:
        stepper: has `init_state` and `step`; `branch` if a row can continue another's beginning without copying it, and
            `lengthen` if such a state with less room makes a cheaper step; `shares_fixed` if the rows of one source can
            share what never changes; `alignment` for searches that want to know where the model looked.
        source: (B, S) int32 ids, PAD on the right.
        search: `Greedy()`, `Beam(...)`, `Sample(...)`.
        max_length: most ids of a hypothesis, EOS included.

    Returns:
        `Hypotheses`, or whatever `search.finish` makes.

    Raises:
        ValueError: `max_length` is not positive, or the search needs attention and the stepper has none.
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1, found {max_length}")
    source = ops.convert_to_tensor(source)
    loop = _finished_leave if source.shape[0] is None else _all_stay
    return search.finish(loop(stepper, source, search, max_length))


def _all_stay(stepper: Stepper, source, search: Search, max_length: int) -> Nest:
    """The loop over a batch that keeps its shape; returns the state of the search."""
    lengthen = getattr(stepper, "lengthen", None)
    rooms = [*(room for room in _ROOMS if room < max_length and lengthen), max_length]
    walk, fixed = begin(stepper, search, source, rooms[0], max_length)
    for room in rooms:
        if room > rooms[0]:
            walk = lengthened(stepper, walk, fixed, room)
        walk = steps(stepper, search, fixed, walk, room)
    return walk.found


def _finished_leave(stepper: Stepper, source, search: Search, max_length: int) -> Nest:
    """The loop over a batch that shrinks: every few steps, sources that are finished leave it."""
    lengthen = getattr(stepper, "lengthen", None)
    # Of a length that no trace knows, since it will change.
    room = 0 * ops.shape(source)[0] if lengthen else max_length
    walk, fixed = begin(stepper, search, source, room, max_length)
    here = ops.arange(ops.shape(source)[0], dtype="int32")

    def going(walk, fixed, here, whole):
        return ops.logical_and(ops.less(walk.time, max_length), ops.greater(ops.size(here), 0))

    def chunk(walk, fixed, here, whole):
        until = ops.minimum(walk.time + _CHUNK, max_length)
        if lengthen:
            walk = lengthened(stepper, walk, fixed, until)
        walk = steps(stepper, search, fixed, walk, until)
        places = ops.expand_dims(here, -1)
        whole = tree.map_structure(lambda old, new: ops.scatter_update(old, places, new), whole, walk.found)
        left = ops.cast(ops.nonzero(ops.logical_not(search.finished(walk.found, walk.time)))[0], "int32")
        return *left_with(stepper, search, fixed, walk, left), chosen(here, left), whole

    return ops.while_loop(going, chunk, (walk, fixed, here, walk.found))[-1]

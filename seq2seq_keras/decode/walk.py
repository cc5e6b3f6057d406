"""Steps of a model under a search, and the rows they are taken in."""

from typing import NamedTuple

from keras import ops, tree

from seq2seq_keras.context import BOS, DecodeState, Nest, Stepper, Tensor
from seq2seq_keras.decode.search import Search


class Walk(NamedTuple):
    """Everything that a step changes. N = B * width rows."""

    time: Tensor
    """Scalar int32: steps taken."""
    ids: Tensor
    """(N,) int32: said last."""
    carry: Nest
    """Leaves (N, ...)."""
    found: Nest
    """State of the search, leaves (B, ...)."""


def begin(stepper: Stepper, search: Search, source, room, max_length: int) -> tuple[Walk, Nest]:
    """Before the first step: the walk, and what never changes on it.

    The model's rows are (B * width), those of a source beside each other.

    Args:
        room: steps that the state has room for.
        max_length: most ids of a hypothesis.

    Raises:
        ValueError: the search needs attention and the stepper has none.
    """
    if search.needs_attention and getattr(stepper, "alignment", None) is None:
        raise ValueError(f"{search} needs to know where the model looked, and this model has no attention")
    start = stepper.init_state(source, room)
    walk = Walk(
        time=ops.convert_to_tensor(0, "int32"),
        ids=ops.full((ops.shape(source)[0] * search.width,), BOS, dtype="int32"),
        carry=_repeated(start.carry, search.width),
        found=search.begin(source, max_length),
    )
    return walk, _repeated(start.fixed, copies(stepper, search))


def steps(stepper: Stepper, search: Search, fixed: Nest, walk: Walk, until) -> Walk:
    """Steps up to time `until`, or until every source is finished."""

    def going(time, ids, carry, found):
        return ops.logical_and(ops.less(time, until), ops.logical_not(ops.all(search.finished(found, time))))

    def step(time, ids, carry, found):
        logits, after = stepper.step(ids, DecodeState(carry, fixed))
        looked = stepper.alignment(after) if search.needs_attention else None
        ids, parents, found = search.advance(logits, found, time, looked)
        carry = after.carry if parents is None else chosen(after.carry, parents)
        return ops.add(time, 1), ids, carry, found

    return Walk(*ops.while_loop(going, step, tuple(walk)))


def copies(stepper: Stepper, search: Search) -> int:
    """Rows of what never changes, for each source."""
    return 1 if getattr(stepper, "shares_fixed", False) else search.width


def rows_of(places, width: int):
    """Places (N,) of sources to the rows (N * width,) that the model runs for them."""
    return ops.reshape(ops.expand_dims(places, -1) * width + ops.arange(width, dtype="int32"), (-1,))


def chosen(nest: Nest, rows) -> Nest:
    """Leaves with the rows named, in that order."""
    return tree.map_structure(lambda leaf: ops.take(leaf, rows, axis=0), nest)


def _repeated(nest: Nest, times: int) -> Nest:
    """Leaves (B, ...) to (B * times, ...), copies of a row beside each other."""
    return nest if times == 1 else tree.map_structure(lambda leaf: ops.repeat(leaf, times, axis=0), nest)

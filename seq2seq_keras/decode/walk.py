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
    grown: Nest
    """Leaves (B, ...), or (N, ...) where no row continues another."""
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
    start = _branched(stepper, search, stepper.init_state(source, room))
    walk = Walk(
        time=ops.convert_to_tensor(0, "int32"),
        ids=ops.full((ops.shape(source)[0] * search.width,), BOS, dtype="int32"),
        carry=start.carry,
        grown=start.grown,
        found=search.begin(source, max_length),
    )
    return walk, _repeated(start.fixed, copies(stepper, search))


def steps(stepper: Stepper, search: Search, fixed: Nest, walk: Walk, until) -> Walk:
    """Steps up to time `until`, or until every source is finished."""

    def going(time, ids, carry, grown, found):
        return ops.logical_and(ops.less(time, until), ops.logical_not(ops.all(search.finished(found, time))))

    def step(time, ids, carry, grown, found):
        logits, after = stepper.step(ids, DecodeState(carry, fixed, grown))
        looked = stepper.alignment(after) if search.needs_attention else None
        ids, parents, found = search.advance(logits, found, time, looked)
        carry = after.carry if parents is None else chosen(after.carry, parents)
        return ops.add(time, 1), ids, carry, after.grown, found

    return Walk(*ops.while_loop(going, step, tuple(walk)))


def lengthened(stepper: Stepper, walk: Walk, fixed: Nest, room) -> Walk:
    """The same walk, with room for so many steps in all."""
    after = stepper.lengthen(DecodeState(walk.carry, fixed, walk.grown), room)
    return walk._replace(carry=after.carry, grown=after.grown)


def left_with(stepper: Stepper, search: Search, fixed: Nest, walk: Walk, places) -> tuple[Walk, Nest]:
    """The walk of some of the sources, by their places (N,), and what never changes of them."""
    rows = model_rows(places, search.width)
    walk = Walk(
        time=walk.time,
        ids=chosen(walk.ids, rows),
        carry=chosen(walk.carry, rows),
        grown=chosen(walk.grown, places if search.reorders else rows),
        found=chosen(walk.found, places),
    )
    return walk, chosen(fixed, model_rows(places, copies(stepper, search)))


def copies(stepper: Stepper, search: Search) -> int:
    """Rows of what never changes, for each source."""
    return 1 if getattr(stepper, "shares_fixed", False) else search.width


def model_rows(places, width: int):
    """Places (N,) of sources to the rows (N * width,) that the model runs for them."""
    return ops.reshape(ops.expand_dims(places, -1) * width + ops.arange(width, dtype="int32"), (-1,))


def chosen(nest: Nest, rows) -> Nest:
    """Leaves with the rows named, in that order."""
    return tree.map_structure(lambda leaf: ops.take(leaf, rows, axis=0), nest)


def _branched(stepper: Stepper, search: Search, start: DecodeState) -> DecodeState:
    """The state of `search.width` rows a source; `fixed` is still one."""
    branch = getattr(stepper, "branch", None)
    if branch is not None and search.reorders:
        return branch(start, search.width)
    start = start._replace(carry=_repeated(start.carry, search.width))
    return start if branch is None else branch(start, 1)


def _repeated(nest: Nest, times: int) -> Nest:
    """Leaves (B, ...) to (B * times, ...), copies of a row beside each other."""
    return nest if times == 1 else tree.map_structure(lambda leaf: ops.repeat(leaf, times, axis=0), nest)

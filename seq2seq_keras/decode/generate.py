"""One loop from source ids to hypotheses, for every decoder and every search."""

from typing import Any, NamedTuple, Protocol

from keras import ops, tree

from seq2seq_keras.context import BOS, DecodeState, Nest, Stepper, Tensor

_ROOMS = (32, 64, 128, 256)


class Hypotheses(NamedTuple):
    """What a search found, best first. A row with fewer than N ends in empty ones of score -inf."""

    ids: Any
    """(B, N, L) int32, EOS included where it was said, PAD after it."""
    lengths: Any
    """(B, N) int32: ids before the padding, EOS included."""
    scores: Any
    """(B, N) float32: what the search ranks by."""
    log_probs: Any
    """(B, N) float32: sum of log p of the ids."""


class Search(Protocol):
    """Decides what is said next. Its state is a nest of tensors, batch first, of constant shape and dtype."""

    width: int
    """Rows the model runs for each source."""

    def begin(self, batch: Tensor, max_length: int) -> Nest:
        """State before the first step, for `batch` sources."""

    def advance(self, logits: Tensor, state: Nest, time: Tensor) -> tuple[Tensor, Tensor | None, Nest]:
        """(B*width, V) float32 logits of step `time` to ids said, rows they continue, and the next state.

        Ids and rows are (B*width,) int32; rows are None where each continues itself, which saves the reordering.
        """

    def done(self, state: Nest, time: Tensor) -> Tensor:
        """Scalar bool: further steps, from step `time` on, would change nothing."""

    def finish(self, state: Nest) -> Any:
        """The result."""


def generate(stepper: Stepper, source, search: Search, max_length: int):
    """Decodes a batch of sources in one loop that ends as soon as the search is done with every row.

    Args:
        stepper: has `init_state` and `step`; `lengthen` if a state with less room makes a cheaper step.
        source: (B, S) int32 ids, PAD on the right.
        search: `Greedy()`, `Beam(...)`.
        max_length: most ids of a hypothesis, EOS included.

    Returns:
        `Hypotheses`, or whatever `search.finish` makes.
    """
    if max_length < 1:
        raise ValueError(f"max_length must be at least 1, found {max_length}")
    lengthen = getattr(stepper, "lengthen", None)
    lengths = _rooms(max_length) if lengthen else [max_length]
    start = stepper.init_state(source, lengths[0])
    batch, width = ops.shape(source)[0], search.width
    # The model runs on (B * width) rows; what never changes is repeated once, outside the loop.
    fixed = _repeat(start.fixed, width)

    def body(time, ids, carry, found):
        logits, after = stepper.step(ids, DecodeState(carry, fixed))
        ids, parents, found = search.advance(logits, found, time)
        carry = after.carry
        if parents is not None:
            carry = tree.map_structure(lambda leaf: ops.take(leaf, parents, axis=0), carry)
        return ops.add(time, 1), ids, carry, found

    time, ids, carry, found = (
        ops.convert_to_tensor(0, "int32"),
        ops.full((batch * width,), BOS, dtype="int32"),
        _repeat(start.carry, width),
        search.begin(batch, max_length),
    )
    for length in lengths:
        if length > lengths[0]:
            carry = lengthen(carry, length)

        def going(time, ids, carry, found, length=length):
            return ops.logical_and(ops.less(time, length), ops.logical_not(search.done(found, time)))

        time, ids, carry, found = ops.while_loop(going, body, (time, ids, carry, found))
    return search.finish(found)


def _rooms(max_length: int) -> list[int]:
    """Lengths that states are made for, one after the other: most texts end before the last.

    A step reads and, in a beam, copies all the room its state has, filled or not.
    """
    return [*(length for length in _ROOMS if length < max_length), max_length]


def _repeat(nest, times: int):
    """Leaves (B, ...) to (B * times, ...), copies of a row beside each other; a batch of none stays one of none."""

    def repeated(leaf):
        rows = ops.floor_divide(ops.arange(ops.shape(leaf)[0] * times, dtype="int32"), times)
        return ops.take(leaf, rows, axis=0)

    return nest if times == 1 else tree.map_structure(repeated, nest)

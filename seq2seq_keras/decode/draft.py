"""What a small model guesses that a large one will say."""

from typing import Any

from keras import ops, tree

from seq2seq_keras.context import DecodeState, Nest, Stepper
from seq2seq_keras.decode.places import likeliest


def guess(draft: Stepper, state: DecodeState, last, lookahead: int) -> tuple[Any, list[Nest]]:
    """The next ids by greedy search.

    Args:
        state: before the draft heard `last`.
        last: (B,) int32 id said last.

    Returns:
        (B, lookahead + 1) int32: `last` and the guesses; and the carries of the draft: before it heard the first of
        them, after the first, and so on to after the last.
    """
    heard, carries = [last], [state.carry]
    for _ in range(lookahead + 1):
        logits, state = draft.step(heard[-1], state)
        heard.append(ops.squeeze(likeliest(logits, 1)[1], -1))
        carries.append(state.carry)
    return ops.stack(heard[:-1], axis=1), carries


def chosen(carries: list[Nest], which) -> Nest:
    """For each row the carry of its number in `which` (B,) int32: any model can go back so, also one that forgets."""

    def of_rows(*leaves):
        found = leaves[0]
        for place, leaf in enumerate(leaves[1:], 1):
            here = ops.reshape(ops.equal(which, place), (-1, *[1] * (len(leaf.shape) - 1)))
            found = ops.where(here, leaf, found)
        return found

    return tree.map_structure(of_rows, *carries)

"""A text while it grows."""

from collections.abc import Callable, Iterator

_CUT = "\N{REPLACEMENT CHARACTER}"
"""What half a letter looks like in a vocabulary of bytes; its other half comes with a later id."""


def growing(steps: Iterator[list[int]], read: Callable[[list[int]], str]) -> Iterator[str]:
    """The text so far, whenever it has changed; the last one is whole. Closing it ends the steps.

    Args:
        steps: ids so far, after each step.
        read: ids to text.
    """
    shown = whole = ""
    for ids in steps:
        whole = read(ids)
        if whole.rstrip(_CUT) != shown:
            shown = whole.rstrip(_CUT)
            yield shown
    if whole != shown:
        yield whole

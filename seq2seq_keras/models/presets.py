"""The same parts in other sizes."""

from collections.abc import Callable
from functools import partial


def sized(build: Callable, about: str, **sizes) -> Callable:
    """A builder with other values of its own, all of which can be given as before.

    Args:
        build: the builder.
        about: its docstring.
        sizes: keyword arguments of `build`.
    """
    made = partial(build, **sizes)
    made.__doc__ = f"{about.rstrip()}\n\n    Args: as `{build.__name__}`.\n    "
    made.__name__ = sizes["name"]
    return made

"""Seeds of earlier calls, which join those of this one."""

import re
from collections.abc import Iterable


def found(names: Iterable[str], before: str = "") -> set[int]:
    """The seeds in names of files or folders, `seed-N` with something before it; other names are passed over."""
    matches = (re.fullmatch(rf"{re.escape(before)}seed-(0|[1-9]\d*)", name) for name in names)
    return {int(match[1]) for match in matches if match}


def joined(given: tuple[int, ...], earlier: set[int]) -> list[int]:
    """Those that are given, and the earlier ones after them."""
    return [*given, *sorted(earlier - set(given))]

"""How far `prepare` is, for people: a bar on a screen, and one line when a stage is over."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def stage(done: str, unit: str, total: int) -> Iterator:
    """Shows one stage; what the block is given takes how many more are done.

    Args:
        done: what was done to them, for the line at the end.
        unit: what is counted.
    """
    begun, counted = time.monotonic(), 0
    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(done, total=total)

        def advance(count: int) -> None:
            nonlocal counted
            counted += count
            bar.update(task, advance=count)

        yield advance
    seconds = max(time.monotonic() - begun, 1e-9)
    rate = counted / seconds
    print(
        f"{done} {counted:,} {unit} in {seconds:,.1f} s" + (f" ({rate:,.0f} a second)" if rate >= 10 else ""),
        flush=True,
    )

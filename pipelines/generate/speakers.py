"""What answers lines of text, and a run that does."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pipelines import runs, searches
from pipelines.settings import Generate
from seq2seq_keras import decode
from seq2seq_keras.errors import InputError


class Speaker(NamedTuple):
    """How one model answers."""

    answer: Callable[[list[str]], list[list]]
    """Texts to outputs, best first: tuples that begin with text and score."""
    grow: Callable[[str], Iterator[str]]
    """One text to its output as it grows: the whole so far."""
    align: Callable[[str, str], tuple] | None = None
    """One text and what was said of it to source pieces, target pieces and weights."""


def live(settings: Generate) -> Speaker:
    """A run, which can be asked anything."""
    from seq2seq_keras.tasks import TextToText

    task = TextToText.load(runs.model_folder(settings.model), jit_compile=settings.jit)
    if settings.ensemble:
        others = [TextToText.load(runs.model_folder(run)) for run in settings.ensemble]
        task = together(task, others, settings.jit)
    task.batch_size = settings.batch
    search = searches.asked(settings.strategy, settings.rules, task, settings.mbr or settings.n_best)
    if settings.stream and search.width > 1:
        raise InputError("--stream follows a single path", remedy="add --search greedy or --search sample")

    def answer(lines: list[str]) -> list[list]:
        if settings.mbr:
            agreed = task.consensus(lines, search, replace_unknown=settings.replace_unknown)
            return [[(text, 0.0)] for text in agreed]
        return task.nbest(lines, search, replace_unknown=settings.replace_unknown)

    align = task.align if getattr(task.model, "has_attention", False) else None
    return Speaker(answer, lambda line: task.stream(line, search), align)


def together(task, others: list, jit_compile: bool = False):
    """One task of several models, with the search and the limits of the first.

    Raises:
        InputError: they have not the same vocabularies.
    """
    from seq2seq_keras.tasks import TextToText

    for other in others:
        for side in ("source", "target"):
            if getattr(task, side).fingerprint != getattr(other, side).fingerprint:
                raise InputError(f"the runs of an ensemble have other {side} vocabularies", expected="the same")
    return TextToText(
        decode.Ensemble([task.model, *(other.model for other in others)]),
        task.source,
        None if task.shared else task.target,
        search=task.search,
        max_source=min(one.max_source for one in (task, *others)),
        max_length=min(one.max_length for one in (task, *others)),
        jit_compile=jit_compile,
    )

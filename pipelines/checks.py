"""What can be known to be wrong with settings before any work is done, or any folder claimed."""

from pipelines import adapt, checks_model, demands, objective, scores, vectors
from pipelines.monitor import pages
from pipelines.settings import Translate
from seq2seq_keras.errors import InputError

_TEACHER_FORCED = ("val_loss", "val_perplexity")


def translate(settings: Translate) -> None:
    """Refuses settings that cannot work, by name.

    Raises:
        InputError: names the first such setting, what was found and what would do.
    """
    demands.from_one(settings, "epochs", "batch_tokens", "average", "beam", "max_length", "workers")
    demands.from_zero(settings, "warmup", "clip", "patience", "checkpoint_every", "decode_rows", "length_penalty")
    demands.demand(settings, ["smoothing"], lambda value: 0 <= value < 1, "from 0 to below 1")
    checks_model.check(settings.model)
    checks_model.with_texts(settings)
    objective.check(settings.objective)
    vectors.check(settings)
    adapt.check(settings)
    pages.check(settings.board)
    demands.demand(settings, ["seed"], lambda value: 0 <= value < 2**32, "from 0 to 4294967295")
    demands.above_zero(settings, "lr", "minutes", "join_seconds")
    demands.demand(settings, ["max_source", "max_target"], lambda value: value >= 2, "2 or more: a token and the end")
    if settings.schedule == "deadline" and settings.minutes is None:
        raise InputError("--schedule deadline needs a deadline", remedy="add --minutes")
    for name in ("train", "valid"):
        columns(settings, name)
    _monitor(settings)


def columns(settings, name: str) -> None:
    """Refuses columns that no table has; `name` is that of a field of `Files`."""
    given = getattr(settings, name).columns
    if min(given) < 0:
        raise InputError(f"--{name}.columns is {given}", expected="numbers from 0")


def watched_pairs(settings: Translate) -> None:
    """Raises what is wrong if the figure to watch is one of decoded text and no file of validation pairs is given."""
    if settings.monitor not in _TEACHER_FORCED and settings.valid.source is None and settings.valid.tsv is None:
        raise InputError(f"--monitor {settings.monitor} needs validation pairs", remedy="add --valid.source and so on")


def _monitor(settings: Translate) -> None:
    figures = scores.judge(settings)(["a"], ["a"])  # also tells whether the tokeniser of the score is there
    watched = settings.monitor.removeprefix("val_")
    decoded = settings.monitor not in _TEACHER_FORCED
    if decoded and watched not in figures:
        known = ", ".join(f"val_{name}" for name in figures)
        raise InputError(
            f"--monitor {settings.monitor} is no figure of --score {settings.score}",
            expected=f"val_perplexity, val_loss, {known}",
        )
    if decoded and not settings.decode_rows:
        raise InputError(f"--monitor {settings.monitor} needs decoded text", remedy="raise --decode-rows")

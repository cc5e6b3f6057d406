"""What can be known to be wrong with a search before any work is done."""

from pipelines import checks, demands, runs
from pipelines.settings import Tune
from pipelines.tune import defaults, space, value_range
from seq2seq_keras.errors import InputError

_FREE = ("output", "json", "trials", "workers", "failed", "baseline", "train", "valid")
"""What a later command may change: how much is searched and by whom, and where files lie."""
_SETTINGS = "tune.json"


def check(settings: Tune) -> None:
    """Refuses what needs no corpus to be known.

    Raises:
        InputError: names the first such flag, what was found and what would do.
    """
    demands.above_zero(settings, "pairs", "trials", "epochs", "minutes", "workers")
    for name in ("train", "valid"):
        checks.columns(settings, name)
    if settings.algorithm == "hyperband":
        _hyperband(settings)
    decoded = ("val_wer", "val_per") if settings.pipeline == "quickstart" else defaults.DECODED
    if settings.objective not in ("val_loss", "val_perplexity", *decoded):
        raise InputError(
            f"--objective {settings.objective} is no figure of --pipeline {settings.pipeline}",
            expected=f"one of val_loss, val_perplexity, {', '.join(decoded)}",
        )
    if len(set(settings.model.family)) < len(settings.model.family):
        raise InputError(f"--model is {settings.model.family}", expected="each family once")
    places = defaults.folder(settings)
    ranges, names = space.of(settings), defaults.families_of(settings)
    for family in names:
        checks.translate(defaults.trial(settings, family, {}, places))
        for each in ranges:
            if family in space.takers(each, names):
                for value in each.tried:
                    _demand(settings, family, each.path, value)
    runs.check_report_folder(places)


def same(settings: Tune, corpora: defaults.Corpora) -> None:
    """Claims the folder for a search, or refuses another one than was begun in it.

    Raises:
        InputError: other settings or other pairs, or the folder holds something else.
    """
    folder, now = defaults.folder(settings), {"settings": runs.plain(settings), "pairs": defaults.prints(corpora)}
    path = folder / _SETTINGS
    if not path.exists():
        if folder.is_dir() and any(each.name[0] != "." for each in folder.iterdir()):
            raise InputError(
                "holds files but no search", where=folder, remedy="name a new or empty folder with --output"
            )
        runs.write_json(path, now)
        return
    before = runs.read_json(path)
    changed = runs.differences(before["settings"], now["settings"], _FREE)
    changed += [f"the {name} pairs changed" for name, found in now["pairs"].items() if before["pairs"][name] != found]
    if changed:
        raise InputError(
            "the search began otherwise: " + "; ".join(changed),
            where=folder,
            remedy="repeat the first command to go on, or name another folder with --output",
        )


def _hyperband(settings: Tune) -> None:
    for name, why in (("trials", "the epochs say how many there are"), ("minutes", "its trials are counted in epochs")):
        if getattr(settings, name) is not None:
            raise InputError(f"--{name} is not for --algorithm hyperband: {why}", remedy="leave it out")
    ends = ("cosine", "deadline")
    asked = next((value_range.parse(text) for text in settings.space if "schedule" in text), None)
    found = [settings.schedule] if settings.schedule else list(asked.values if asked else ())
    if set(found) & set(ends):
        raise InputError(
            "--schedule ends with the epochs, and Hyperband gives its trials more of them later",
            expected="inverse-square-root or constant",
        )


def _demand(settings: Tune, family: str, path: str, value) -> None:
    """Refuses a value of the search that no run would take."""
    try:
        checks.translate(defaults.trial(settings, family, {path: value}, defaults.folder(settings)))
    except InputError as error:
        raise InputError(error.found, where="--space", expected=error.expected, remedy=error.remedy) from None

"""From the settings of a search to those of its runs."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from pipelines import families, quickstart, runs, steps
from pipelines.settings import Files, Model, Quickstart, Translate, Tune, Vocabulary
from pipelines.study import splits
from pipelines.tune import value_range
from seq2seq_keras import data
from seq2seq_keras.errors import InputError

EPOCHS = 8
"""Of a trial, where no budget is given: minutes for a dozen on the dictionary."""
_TIME_DECIDES = 100
_OF_DICTIONARY = 10_000
_EDITS = ("val_wer", "val_per")
DECODED = ("val_bleu", "val_chrf", *_EDITS)
"""Objectives that need decoded text."""


class Corpora(NamedTuple):
    """What every trial trains on and is judged by."""

    train: data.Corpus
    valid: data.Corpus


def folder(settings: Tune) -> Path:
    """Of the search."""
    return settings.output or Path("runs/tune") / settings.pipeline


def families_of(settings: Tune) -> tuple[str, ...]:
    """Those that are searched, or the one that all trials have."""
    return settings.model.family or (_pipelines_model(settings).family,)


def model(settings: Tune, family: str) -> Model:
    """What a model of the family begins with: the pipeline's own flags, less those it cannot take, and the given."""
    own = {
        name: value
        for name, value in families.given(_pipelines_model(settings)).items()
        if families.takes(family, name)
    }
    return Model(family, **(own | families.given(settings.model)))


def read(settings: Tune) -> Corpora:
    """The user's pairs, or part of the dictionary.

    Raises:
        InputError: a part is missing, or what `steps.read` and `quickstart.dictionary` raise.
    """
    files = {"train": settings.train, "valid": settings.valid}
    own = settings.pipeline == "translate" or any(part != Files() for part in files.values())
    parts = {name: steps.read(part, name) for name, part in files.items()} if own else quickstart.dictionary()
    for name in files:
        if parts[name] is None:
            raise InputError(f"no {name} pairs", remedy=f"give --{name}.source and --{name}.target, or --{name}.tsv")
    count = settings.pairs or (len(parts["train"]) if own else _OF_DICTIONARY)
    return Corpora(splits.evenly(parts["train"], count), splits.evenly(parts["valid"], splits.WATCHED))


def baseline(settings: Tune) -> Translate:
    """The pipeline's own settings at the budget of a trial, with what was given as flags."""
    return trial(settings, families_of(settings)[0], {}, folder(settings) / "trials" / "baseline")


def trial(settings: Tune, family: str, values: dict, output: Path) -> Translate:
    """Settings of a run.

    Args:
        values: path of a setting to value, as `tune.space.declare` has them.
    """
    base = _pipelines(settings, model(settings, family))
    edits = settings.pipeline == "quickstart" or settings.objective in _EDITS
    every = {
        "output": output,
        "epochs": settings.epochs or (EPOCHS if settings.minutes is None else _TIME_DECIDES),
        "minutes": settings.minutes,
        "objective": settings.training,
        "monitor": settings.objective,
        "decode_rows": settings.decode_rows if settings.objective in DECODED else 0,
        "score": "edits" if edits else "overlap",
        "tokenize": settings.tokenize,
        "patience": settings.patience,
        "precision": settings.precision,
        "seed": settings.seed,
    }
    names = ("beam", "max_source", "max_target", *value_range.TRAINING)
    given = {name: getattr(settings, name, None) for name in names}
    given |= {"max_length": settings.max_target}
    every |= {name: value for name, value in given.items() if value is not None} | values
    return splits.changed(base, every)


def prints(corpora: Corpora) -> dict[str, str]:
    """What tells whether the pairs are the same."""
    return {name: runs.fingerprint(part.source, part.target) for name, part in corpora._asdict().items()}


def _pipelines_model(settings: Tune) -> Model:
    return (Quickstart if settings.pipeline == "quickstart" else Translate).model


def _pipelines(settings: Tune, model: Model) -> Translate:
    """The pipeline's own settings, its schedule made to fit the budget."""
    if settings.pipeline == "translate":
        files = {"train": settings.train, "valid": settings.valid}
        return Translate(output=folder(settings), model=model, tokens=settings.tokens, **files)
    base = quickstart.as_translation(Quickstart(model=model))
    ends = settings.minutes is not None and settings.epochs is None
    tokens = quickstart.SPELLING if settings.tokens == Vocabulary() else settings.tokens
    return dataclasses.replace(base, tokens=tokens, schedule="deadline" if ends else "cosine")

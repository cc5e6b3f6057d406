"""What is searched: the usual ranges of a pipeline, less what was given, with the user's own in their place."""

import dataclasses

from pipelines import checks_model, families
from pipelines.settings import Model, Translate, Tune
from pipelines.tune import defaults, value_range
from pipelines.tune.value_range import Range
from seq2seq_keras.errors import InputError
from seq2seq_keras.recurrence import Cell

_SMALL = (
    Range("width", (64, 128, 256)),
    Range("depth", (1, 2, 3)),
    Range("lr", low=5e-4, high=1e-2, log=True),
    Range("batch_tokens", (256, 512, 1024)),
    Range("warmup", (50, 100, 200, 400)),
)
_LARGE = (
    Range("width", (128, 256, 512)),
    Range("depth", (1, 2, 3, 4)),
    Range("lr", low=1e-4, high=5e-3, log=True),
    Range("batch_tokens", (2048, 4096, 8192)),
    Range("warmup", (250, 1000, 4000)),
)
_ANY = (
    Range("dropout", low=0.0, high=0.4),
    Range("cell", ("gru", "lstm")),
    Range("layer_norm", (False, True)),
    Range("attention", ("additive", "dot", "general", "scaled")),
    Range("heads", (2, 4, 8)),
    Range("activation", ("relu", "gelu", "swiglu")),
    Range("optimizer", ("adam", "rmsprop")),
    Range("smoothing", (0.0, 0.05, 0.1, 0.2)),
)


def of(settings: Tune) -> tuple[Range, ...]:
    """All that is searched, the user's ranges last.

    Raises:
        InputError: a range is of a flag that was given too, or of no family, or cannot be; or nothing is left.
    """
    asked = {}
    for text in settings.space:
        found = value_range.parse(text)
        if found.name in asked or given(settings, found.name):
            raise InputError(f"--space {text} and {families.flag(found.name)} were given", remedy="give it once")
        asked[found.name] = found
    models = {family: defaults.model(settings, family) for family in defaults.families_of(settings)}
    usual = [each for each in _usual(settings) if each.name not in asked and not given(settings, each.name)]
    ranges = [each for each in (_fitting(each, models) for each in usual) if each is not None] + list(asked.values())
    for each in asked.values():
        _taken(each, models)
    if not ranges and len(models) == 1:
        raise InputError("nothing is left to search", remedy="give fewer flags, or a range with --space")
    _together(ranges, models)
    return tuple(ranges)


def given(settings: Tune, name: str) -> bool:
    """Whether a flag says what the setting is."""
    return getattr(settings if name in value_range.TRAINING else settings.model, name, None) is not None


def takers(each: Range, family_names: tuple[str, ...]) -> tuple[str, ...]:
    """Families to which a range means something."""
    if each.name in value_range.TRAINING:
        return family_names
    return tuple(family for family in family_names if families.takes(family, each.name))


def declare(hp, ranges: tuple[Range, ...], family_names: tuple[str, ...]) -> tuple[str, dict]:
    """Asks a `keras_tuner.HyperParameters` for everything.

    Returns:
        the family, and path of a setting to value for all that its models have.
    """
    several = len(family_names) > 1
    family, values = hp.Choice("model", list(family_names)) if several else family_names[0], {}
    for each in ranges:
        takes = takers(each, family_names)
        if takes == family_names:
            values[each.path] = each.ask(hp)
            continue
        with hp.conditional_scope("model", list(takes)):
            value = each.ask(hp)
        if family in takes:
            values[each.path] = value
    return family, values


def held(ranges: tuple[Range, ...], settings: Translate) -> dict:
    """What a run has of all that is searched, by name: as it was given, or as its family has it."""
    built = families.arguments(settings.model)
    if "cell" in built:
        cell = Cell.of(built["cell"])
        own = {"cell": cell.kind, "layer_norm": cell.normalize, "residual": cell.residual}
        built |= own | {"recurrent_dropout": cell.recurrent_dropout}
    built |= {name: getattr(settings, name) for name in value_range.TRAINING}
    return {each.name: built[each.name] for each in ranges if each.name in built}


def _usual(settings: Tune) -> tuple[Range, ...]:
    every = (*(_SMALL if settings.pipeline == "quickstart" else _LARGE), *_ANY, _schedules(settings))
    # The validation loss is that of the smoothed labels: trials that smooth otherwise cannot be compared by it.
    return tuple(each for each in every if each.name != "smoothing" or settings.objective != "val_loss")


def _schedules(settings: Tune) -> Range:
    """Those that fit the budget. One that ends with the epochs cannot go on for more, as Hyperband's trials do."""
    ends = "deadline" if settings.minutes and not settings.epochs else "cosine"
    every = ("inverse-square-root", "constant")
    return Range("schedule", every if settings.algorithm == "hyperband" else (ends, *every))


def _fitting(each: Range, models: dict[str, Model]) -> Range | None:
    """The range without values that cannot be, given the rest; None where too little of it is left to search."""
    takes = takers(each, tuple(models))
    if not takes or each.name in value_range.TRAINING:
        return each if takes else None
    good = [value for value in each.tried if all(_works(models[family], {each.name: value}) for family in takes)]
    if each.values:
        return each._replace(values=tuple(good)) if len(good) > 1 else None
    return each if len(good) == 2 else None


def _taken(each: Range, models: dict[str, Model]) -> None:
    """Refuses a range that no family takes."""
    if takers(each, tuple(models)) or each.name in value_range.TRAINING:
        return
    families.check(dataclasses.replace(next(iter(models.values())), **{each.name: each.tried[0]}))


def _together(ranges: list[Range], models: dict[str, Model]) -> None:
    """Refuses values of which two cannot be together: a search would come to it some time."""
    own = [each for each in ranges if each.name not in value_range.TRAINING]
    for family, model in models.items():
        held = [each for each in own if families.takes(family, each.name)]
        for place, one in enumerate(held):
            for other in held[place:]:
                for first in one.tried:
                    for second in other.tried if other is not one else (first,):
                        _demand(model, {one.name: first, other.name: second})


def _works(model: Model, flags: dict) -> bool:
    try:
        checks_model.check(dataclasses.replace(model, **flags))
    except InputError:
        return False
    return True


def _demand(model: Model, flags: dict) -> None:
    try:
        checks_model.check(dataclasses.replace(model, **flags))
    except InputError as error:
        remedy = error.remedy or f"narrow {' or '.join(flags)} with --space, or give the flag"
        raise InputError(
            error.found, where=f"the search of --model {model.family}", expected=error.expected, remedy=remedy
        ) from None

"""Training that begins with a trained run, or trains only part of a model."""

import dataclasses
import math
from pathlib import Path

import keras

from pipelines import families, runs
from pipelines.settings import Adapt, Model, Translate, Vocabulary
from seq2seq_keras import tasks, training
from seq2seq_keras.errors import InputError

_TRAINING_ONLY = ("dropout", "recurrent_dropout", "coverage_loss")
"""What may be asked of a trained model: its weights are the same with another value."""
_MATRICES = ("*kernel",)
"""What adapters are for where nothing else is said: every linear map, recurrent ones included, but no table."""


def check(settings: Translate) -> None:
    """Refuses what means nothing, or nothing together.

    Raises:
        InputError: names the first such flag, what was found and what would do.
    """
    asked = settings.adapt
    if asked.accumulate is not None and asked.accumulate < 2:
        raise InputError(f"--accumulate is {asked.accumulate}", expected="2 or more", remedy="leave it out for 1")
    if asked.ema is not None and not 0 < asked.ema < 1:
        raise InputError(f"--ema is {asked.ema}", expected="more than 0 and below 1")
    if asked.ema is not None and settings.average > 1:
        raise InputError("--ema and --average are both averages of weights", remedy="give one of them")
    if asked.lora is None:
        alone = next((name for name in ("alpha", "on") if getattr(asked, f"lora_{name}") not in (None, ())), None)
        if alone:
            raise InputError(f"--lora-{alone} without --lora", remedy="add --lora 8")
        return
    if asked.lora < 1:
        raise InputError(f"--lora is {asked.lora}", expected="1 or more")
    if asked.lora_alpha is not None and asked.lora_alpha <= 0:
        raise InputError(f"--lora-alpha is {asked.lora_alpha}", expected="more than 0")
    if asked.init is None:
        raise InputError("--lora without --init", expected="a trained run, which is adapted")
    if asked.freeze:
        raise InputError("--freeze with --lora", expected="one of them: all but the adapters is frozen")


def inherited(settings: Translate, usual: Translate) -> Translate:
    """The settings with model, vocabularies and vectors of the run that `--init` names; a run that has begun has them.

    Args:
        usual: what the command has where nothing is given.

    Raises:
        InputError: no such run, or not finished; or flags that say something else than the run.
    """
    init = settings.adapt.init
    if init is None:
        return settings
    if runs.started(settings.output):
        home = settings.output
    else:
        home = init
        runs.model_folder(home)
    before = runs.read_json(home / "settings.json")
    if not isinstance(before.get("model"), dict) or before["model"].keys() - {
        f.name for f in dataclasses.fields(Model)
    }:
        raise InputError("was trained by another version", where=home, remedy="train it anew")
    trained = Model(**before["model"])
    tokens = Vocabulary(**before["tokens"])
    if settings.tokens not in (usual.tokens, tokens):
        raise InputError(
            "--tokens and --init were both given", expected="one of them: the vocabularies are those of the run"
        )
    paths = {name: before.get(name) and Path(before[name]) for name in ("source_vectors", "target_vectors")}
    vectors = paths | {"vectors": before.get("vectors")}
    if any(getattr(settings, name) not in (None, value) for name, value in vectors.items()):
        raise InputError("vectors and --init were both given", expected="one of them: the tables are those of the run")
    model = _with(trained, settings.model, usual.model)
    return dataclasses.replace(settings, model=model, tokens=tokens, **vectors)


def begin(model: keras.Model, settings: Translate) -> None:
    """Gives a model that is not compiled yet the weights to begin with, and freezes what is not to learn.

    Raises:
        InputError: the run's model is another one, or a pattern means no weight.
    """
    asked = settings.adapt
    if asked.init is not None and not training.files(settings.output / "checkpoints"):
        folder = runs.model_folder(asked.init)
        training.take_weights(model, tasks.TextToText.load(folder).model, folder)
    if asked.freeze:
        training.freeze(training.named(model, asked.freeze))
    if asked.lora is not None:
        matrices = {id(weight) for weight in _matrices(model, asked)}
        training.freeze([weight for weight in model.weights if id(weight) not in matrices])
    if not model.trainable_weights:
        raise InputError("nothing is left to learn", remedy="freeze less")


def lines(model: keras.Model, settings: Translate) -> list[str]:
    """For people: what training begins with, and what of the model learns."""
    asked, learning = settings.adapt, model.trainable_weights
    told = [] if asked.init is None else [f"begins with: {asked.init}, its weights and its vocabularies"]
    numbers = sum(
        training.adapted_numbers(weight.shape, asked.lora) if asked.lora else _size(weight) for weight in learning
    )
    if asked.lora is not None:
        told.append(f"learns: adapters of rank {asked.lora} for {len(learning)} matrices, {_share(numbers, model)}")
    elif asked.freeze:
        told.append(f"learns: {len(learning)} of {len(model.weights)} weights, {_share(numbers, model)}")
    if asked.accumulate:
        told.append(f"an update: {asked.accumulate} batches, each counted by its tokens")
    return told


def _matrices(model: keras.Model, asked: Adapt) -> list:
    """Those that adapters are trained for; where one would be no smaller than the matrix it is left out."""
    paths = {weight.path for weight in model.weights}
    meant = training.named(model, asked.lora_on or _MATRICES)
    found = [
        weight
        for weight in meant
        if training.adapted_numbers(weight.shape, asked.lora) < _size(weight)
        # Pretrained rows that are frozen stay so.
        and f"{weight.path.rpartition('/')[0]}/frozen" not in paths
    ]
    if not found:
        raise InputError(
            f"--lora {asked.lora}: none of the {len(meant)} weights meant is a matrix larger than its adapter",
            remedy="lower --lora, or name others with --lora-on",
        )
    return found


def _with(trained: Model, given: Model, usual: Model) -> Model:
    """The run's model, with what was given of what only training knows."""
    said = {f.name: getattr(given, f.name) for f in dataclasses.fields(Model)}
    said = {name: value for name, value in said.items() if value != getattr(usual, name)}
    for name, value in said.items():
        if name not in _TRAINING_ONLY and value != getattr(trained, name):
            raise InputError(
                f"{families.flag(name)} is {value} and that of the run is {getattr(trained, name)}",
                expected="the run's model: --init has its weights",
                remedy="leave it out",
            )
    return dataclasses.replace(trained, **{name: value for name, value in said.items() if name in _TRAINING_ONLY})


def _size(weight) -> int:
    return math.prod(weight.shape)


def _share(numbers: int, model: keras.Model) -> str:
    every = model.count_params()
    return f"{numbers:,} parameters, {numbers / every:.2%} of the model's {every:,}"

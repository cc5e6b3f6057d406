"""What a run shows TensorBoard, by its settings."""

import re
from collections.abc import Callable
from pathlib import Path

from pipelines import runs
from pipelines.monitor import utilisation
from seq2seq_keras import training
from seq2seq_keras.errors import InputError
from seq2seq_keras.training import tensorboard

LOGS = "logs"
"""Folder of TensorBoard's files in a run."""
MAPS = 2
"""Attention maps drawn after each epoch."""
SAMPLES = 8
"""Decoded samples shown after each epoch."""
_NO_AXIS = ("output", "json", "train", "valid", "source_vectors", "target_vectors", "board")
"""Settings that say where files lie, or what is shown."""


def board(
    settings,
    material,
    translator,
    throughput: training.Throughput,
    decoded: training.DecodedScore | None,
    batch: Callable[[], tuple] | None,
) -> training.TensorBoard:
    """The callback, with its pages.

    Args:
        settings: those of `Translate`.
        material: `steps.Material`.
        translator: of the model that is trained.
        throughput: comes before it in the callbacks.
        decoded: comes before it too; None where nothing is decoded.
        batch: returns a batch whose gradients are looked at; None for none.
    """
    asked, values = settings.board, runs.plain(settings)
    figures = [tensorboard.of_optimizer, utilisation.utilisation(material.report["train"], throughput)]
    pages = [
        tensorboard.Scalars(asked.scalars, figures),
        tensorboard.HParams({name: value for name, value in values.items() if name not in _NO_AXIS}),
    ]
    if asked.projector:
        pages.append(tensorboard.Projector(_tables(material)))
    if decoded is not None:
        pages += _said(translator, decoded)
    if asked.histograms:
        pages.append(tensorboard.Histograms(asked.histograms, batch))
    if asked.graph:
        pages.append(tensorboard.Graph())
    if asked.profile:
        pages.append(tensorboard.Profile(*steps_of(asked.profile)))
    return training.TensorBoard(settings.output / LOGS, pages)


def final(settings, report: dict) -> None:
    """Adds the figures of a finished run to its settings, for the HParams page."""
    figures = {**report["valid"], "minutes": report["minutes"], "parameters": report["parameters"]}
    tensorboard.write_final(settings.output / LOGS, figures)


def check(asked) -> None:
    """Refuses what TensorBoard cannot be told.

    Args:
        asked: `settings.Board`.

    Raises:
        InputError: names the flag.
    """
    for name, least in (("scalars", 1), ("histograms", 0)):
        if (value := getattr(asked, name)) < least:
            raise InputError(f"--{name} is {value}", expected=f"{least} or more")
    if asked.profile:
        steps_of(asked.profile)


def steps_of(text: str) -> tuple[int, int]:
    """`100:110` to first and last step."""
    found = re.fullmatch(r"(\d+)(?::(\d+))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last:
        raise InputError(f"--profile is {text}", expected="first and last step, counted from 1, as 100:110")
    return first, last


def folder(output: Path) -> Path:
    """Of TensorBoard's files of a run."""
    return Path(output) / LOGS


def _tables(material) -> dict:
    """Tables to project, each with its labels."""
    if material.target is None:
        return {"vocabulary": (lambda model: model.embedding, material.source.pieces)}
    return {
        "source": (lambda model: model.embedding, material.source.pieces),
        "target": (lambda model: model.target_embedding, material.target.pieces),
    }


def _said(translator, decoded: training.DecodedScore) -> list[tensorboard.Page]:
    """Pages of what the model says: outputs beside references and, with attention, where it looked."""

    def samples():
        return tuple(texts[:SAMPLES] for texts in (decoded.sources, decoded.outputs, decoded.references))

    def maps():
        for source, output in zip(decoded.sources[:MAPS], decoded.outputs):
            found = translator.align(source, output)
            yield output, found.source, found.target, found.weights

    said = [tensorboard.Samples(samples)]
    return [*said, tensorboard.AttentionMaps(maps)] if translator.model.has_attention else said

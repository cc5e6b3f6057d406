"""Which systems decode with a model's weights, and which cannot."""

import contextlib
import importlib
from importlib import metadata
from pathlib import Path

from pipelines.bench.decode import apart, compiled, ctranslate2
from pipelines.bench.decode.cases import Subject
from pipelines.bench.decode.systems import LIVE, Live, System, saved
from pipelines.settings import BenchDecode
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import TextToText

_CTRANSLATE2 = {
    "ctranslate2": ("float32", False),
    "ctranslate2-apart": ("float32", True),
    "ctranslate2-int8": ("int8", False),
}
"""Systems by what they compute in, and whether parts of a batch run side by side."""


def versions(settings: BenchDecode) -> dict[str, str]:
    """Of the packages of peers that are asked for and installed."""
    found = {}
    for package in dict.fromkeys(name.removesuffix("-int8").removesuffix("-apart") for name in settings.system):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def lineup(
    subject: Subject, settings: BenchDecode, folder: Path, cores: int
) -> tuple[dict[str, System], dict[str, str]]:
    """Systems by name, the live one first; and why others are skipped.

    Args:
        folder: an empty one, for what they are loaded from.
        cores: threads of those that are told how many.
    """
    known: dict[str, int] = {}
    systems: dict[str, System] = {LIVE: Live(subject.task, known)}
    skipped: dict[str, str] = {}
    for name in dict.fromkeys(settings.system):
        if name == "saved_model":
            systems[name] = saved(subject, settings, folder / name, known)
        elif name == "xla":
            systems[name] = Live(by_xla(subject.task), known)
        else:
            try:
                systems[name] = _peer(name, subject, settings, folder, cores)
            except (ImportError, InputError) as error:
                skipped[name] = getattr(error, "found", str(error))  # without what else a user could do
                print(f"{subject.name}: {name} skipped: {skipped[name]}", flush=True)
    return systems, skipped


def by_xla(task: TextToText) -> TextToText:
    """The same model, whose loop XLA compiles."""
    options = {name: getattr(task, name) for name in ("search", "max_source", "max_length")}
    return TextToText(task.model, task.source, None if task.shared else task.target, **options, jit_compile=True)


def _peer(name: str, subject: Subject, settings: BenchDecode, folder: Path, cores: int) -> System:
    if name in apart.SCRIPTS:
        return apart.Apart(name, subject, settings, folder / name)
    if name == "keras-hub":
        importlib.import_module("keras_hub.samplers")
        return compiled.Compiled(subject.task, compiled.keras_hub)
    written = folder / "ctranslate2"
    if not written.exists():
        ctranslate2.write(written, subject)
    numbers, cut = _CTRANSLATE2[name]
    return ctranslate2.CTranslate2(written, numbers, cores, cut)

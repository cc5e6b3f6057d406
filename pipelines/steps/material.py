"""A corpus made ready for training: ids, vocabularies, and a report of both."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import keras

from pipelines import adapt, families, parts, runs, vectors
from pipelines.settings import Vocabulary
from seq2seq_keras import data, tokens
from seq2seq_keras.errors import InputError


class Material(NamedTuple):
    """A corpus made ready."""

    source: Any
    """Tokenizer of the source."""
    target: Any
    """Tokenizer of the target; None shares the source's."""
    train: data.Examples | data.Shards
    valid: data.Examples | None
    valid_text: data.Corpus | None
    epoch: int
    """Training batches of an epoch."""
    report: dict
    """What was read, left out and learned: `data.json`."""


def prepare(
    train: data.Corpus | data.Shards, valid: data.Corpus | None, settings, folder: Path, resumed: bool
) -> Material:
    """Pairs to ids, with the vocabularies of the run: learned the first time, or those of `--init`; loaded ever after.

    Args:
        settings: those of `Translate`.
        folder: of the run; nothing in it is changed.
        resumed: whether the run began earlier.
    """
    if resumed or settings.adapt.init is not None:
        home = folder if resumed else settings.adapt.init
        source = tokens.load(home / "source")
        target = tokens.load(home / "target") if (home / "target").exists() else None
    elif isinstance(train, data.Shards):
        source, target = parts.vocabularies(train, settings)
    else:
        source, target = learn(train, settings.tokens)
    output = source if target is None else target
    trained = parts.read(train, source, output, settings)
    watched = None if valid is None else parts.read(valid, source, output, settings)
    report = {
        "train": trained.told,
        "valid": watched and watched.told,
        "samples": trained.samples,
        "vocabulary": {"source": source.size, "target": output.size, "shared": target is None},
        "fingerprints": {
            "train": trained.fingerprint,
            "valid": watched.fingerprint if watched else "",
            "vocabulary": f"{source.fingerprint} {output.fingerprint}",
        },
    }
    longest = max(part.longest for part in (trained, watched) if part)
    if longest > settings.batch_tokens:
        raise InputError(
            f"--batch-tokens is {settings.batch_tokens} and the longest pair has {longest} ids on a side",
            remedy="raise --batch-tokens, or leave long pairs out (translate: --max-source and --max-target)",
        )
    epoch = len(data.plan(trained.examples, settings.batch_tokens, settings.seed))
    return Material(source, target, trained.examples, watched and watched.examples, valid, epoch, report)


def learn(train: data.Corpus, how: Vocabulary) -> tuple:
    """Tokenizers of source and target; None for a target that shares the source's."""
    sizes = {} if how.size is None else {"size": how.size}
    form, other_form = how.normalize, how.target_normalize or how.normalize
    other = how.target_kind or how.kind
    if how.shared:
        if (other, other_form) != (how.kind, form):
            raise InputError(
                f"one vocabulary cannot be of kind {how.kind}, {form} and of kind {other}, {other_form}",
                remedy="add --tokens.no-shared",
            )
        return tokens.learn(how.kind, [*train.source, *train.target], **sizes, normalize=_form(form)), None
    source = tokens.learn(how.kind, train.source, **sizes, normalize=_form(form))
    return source, tokens.learn(other, train.target, **sizes, normalize=_form(other_form))


def begin(folder: Path, settings, material: Material) -> None:
    """Writes what makes a folder a run; the settings come last, since they say that it began."""
    tokens.save(material.source, folder / "source")
    if material.target is not None:
        tokens.save(material.target, folder / "target")
    else:
        shutil.rmtree(folder / "target", ignore_errors=True)  # of a beginning with other settings that was killed
    runs.write_json(folder / "data.json", material.report)
    runs.write_json(folder / "settings.json", runs.plain(settings))


def describe(model: keras.Model, material: Material, settings) -> str:
    """What is about to be trained on what, in a few lines."""
    train, valid, vocabulary = (material.report[name] for name in ("train", "valid", "vocabulary"))
    lines = [
        f"train: {train['pairs']:,} pairs, {train['target_ids']:,} target tokens{_left_out(train)}",
        "valid: " + ("none" if valid is None else f"{valid['pairs']:,} pairs{_left_out(valid)}"),
        f"vocabulary: {vocabulary['source']:,}"
        + (" for both sides" if vocabulary["shared"] else f" and {vocabulary['target']:,}"),
        *vectors.lines(material.report),
        *families.summary(model, settings.model.family),
        *adapt.lines(model, settings),
        f"an epoch: {material.epoch:,} batches of at most {settings.batch_tokens:,} positions",
    ]
    cut = material.train.longer_targets(settings.max_length)
    if cut:
        lines.append(
            f"note: {cut:,} training targets are longer than --max-length {settings.max_length}, where outputs end"
        )
    return "\n".join(lines)


def validation(material: Material, settings):
    """The validation batches; None without validation pairs."""
    return None if material.valid is None else data.batch(material.valid, settings.batch_tokens, shuffle=False)


def _form(name: str) -> str | None:
    return None if name == "none" else name


def _left_out(part: dict) -> str:
    counts = {**part["rejected"], **part["filtered"]}
    return f"; left out: {', '.join(f'{why} {count:,}' for why, count in counts.items())}" if counts else ""

"""The five verbs every pipeline shares: prepare, build, fit, measure, export."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import keras

from pipelines import plots, runs, watch
from pipelines.settings import Files, Vocabulary
from seq2seq_keras import data, decode, models, objectives, tasks, tokens, training
from seq2seq_keras import export as archives
from seq2seq_keras.errors import InputError
from seq2seq_keras.metrics import sequence


class Material(NamedTuple):
    """A corpus made ready."""

    source: Any
    """Tokenizer of the source."""
    target: Any
    """Tokenizer of the target; None shares the source's."""
    train: data.Examples
    valid: data.Examples | None
    valid_text: data.Corpus | None
    report: dict
    """What was read, left out and learned: `data.json`."""


def read(files: Files, name: str) -> data.Corpus | None:
    """The pairs of one part of the corpus; None if no file is given.

    Args:
        name: `train`, `valid` or `test`, for messages.
    """
    options = {"columns": files.columns, "max_reject_fraction": files.max_reject_fraction}
    given = [files.source is not None, files.target is not None]
    if files.tsv is not None:
        if any(given):
            raise InputError(f"--{name}.tsv and aligned files were given", remedy="give one or the other")
        return data.read_pairs(files.tsv, **options)
    if not any(given):
        return None
    if not all(given):
        missing = "target" if given[0] else "source"
        raise InputError(f"--{name}.{missing} is missing", remedy=f"give both sides, or --{name}.tsv")
    return data.read_pairs(files.source, files.target, **options)


def prepare(train: data.Corpus, valid: data.Corpus | None, settings, folder: Path) -> Material:
    """Pairs to ids, with the vocabularies of the run: learned the first time, loaded ever after.

    Args:
        settings: has `tokens`, `max_source` and `max_target`.
        folder: of the run; nothing in it is changed.
    """
    if (folder / "source").exists():
        source = tokens.load(folder / "source")
        target = tokens.load(folder / "target") if (folder / "target").exists() else None
    else:
        source, target = _learn(train, settings.tokens)
    output = source if target is None else target
    limits = {"max_source": settings.max_source, "max_target": settings.max_target}
    train_examples = tokens.pairs(train, source, output, **limits)
    valid_examples = None if valid is None else tokens.pairs(valid, source, output, **limits)
    report = {
        "train": _counted(train, train_examples),
        "valid": None if valid is None else _counted(valid, valid_examples),
        "vocabulary": {"source": source.size, "target": output.size, "shared": target is None},
        "fingerprints": {
            "train": runs.fingerprint(train.source, train.target),
            "valid": "" if valid is None else runs.fingerprint(valid.source, valid.target),
            "vocabulary": f"{source.fingerprint} {output.fingerprint}",
        },
    }
    return Material(source, target, train_examples, valid_examples, valid, report)


def build(settings, material: Material) -> keras.Model:
    """A compiled model of the settings' family and sizes, with first weights from the settings' seed."""
    training.use_precision(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    sizes = {"width": settings.width, "depth": settings.depth, "dropout": settings.dropout, "tied": settings.tied}
    if settings.model == "transformer":
        sizes |= {"heads": settings.heads, "inner": settings.inner}
    else:
        sizes |= {"cell": settings.cell}
    model = getattr(models, settings.model)(
        material.source.size,
        None if material.target is None else material.target.size,
        **{name: value for name, value in sizes.items() if value is not None},
    )
    kind = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[settings.optimizer]
    steps_in_all = settings.epochs * len(data.plan(material.train, settings.batch_tokens, settings.seed))
    momenta = {"beta_2": 0.98, "epsilon": 1e-9} if settings.optimizer == "adam" else {}
    model.compile(
        kind(_schedule(settings, steps_in_all), global_clipnorm=settings.clip or None, **momenta),
        objectives.CrossEntropy(smoothing=settings.smoothing, reduction=settings.reduction),
        metrics=[sequence.Perplexity(), sequence.TokenAccuracy()],
        jit_compile=False,  # batches differ in shape: XLA would compile each anew
    )
    return model


def fit(model: keras.Model, material: Material, settings, folder: Path, score, end: float | None) -> list[dict]:
    """Trains from wherever the run stands to its last epoch, the deadline, or the end of patience.

    Args:
        score: (outputs, references) to the figure logged as `val_bleu`.
        end: deadline in `time.monotonic()`'s seconds.

    Returns:
        one dict of logs an epoch, of this and all earlier calls.
    """
    callbacks = _callbacks(model, material, settings, folder, score, end)
    position = training.restore(folder / "checkpoints", model, callbacks) or training.Position(0, 0)
    history = watch.KeepHistory(folder / "history.json", position.epoch)
    if position.epoch < settings.epochs:
        model.fit(
            data.batch(
                material.train,
                settings.batch_tokens,
                seed=settings.seed,
                epoch=position.epoch,
                step=position.step,
            ),
            epochs=settings.epochs,
            initial_epoch=position.epoch,
            validation_data=validation(material, settings),
            callbacks=[history, *callbacks],
            verbose=0,
        )
    if history.rows:
        plots.curves(history.rows, folder / "curves.png")
    return history.rows


def validation(material: Material, settings):
    """The validation batches; None without validation pairs."""
    return None if material.valid is None else data.batch(material.valid, settings.batch_tokens, shuffle=False)


def translator(model: keras.Model, material: Material, settings) -> tasks.TextToText:
    """The model with its vocabularies and its search: strings in, strings out."""
    return tasks.TextToText(
        model,
        material.source,
        material.target,
        search=decode.Beam(settings.beam, settings.length_penalty) if settings.beam > 1 else decode.Greedy(),
        max_source=settings.max_source,
        max_length=settings.max_length,
    )


def _learn(train: data.Corpus, how: Vocabulary) -> tuple:
    """Tokenizers of source and target; None for a target that shares the source's."""
    options = {"normalize": None if how.normalize == "none" else how.normalize}
    if how.size is not None:
        options["size"] = how.size
    other = how.target_kind or how.kind
    if how.shared:
        if other != how.kind:
            raise InputError(
                f"one vocabulary cannot be of kind {how.kind} and {other}", remedy="add --tokens.no-shared"
            )
        return tokens.learn(how.kind, [*train.source, *train.target], **options), None
    return tokens.learn(how.kind, train.source, **options), tokens.learn(other, train.target, **options)


def _counted(corpus: data.Corpus, examples: data.Examples) -> dict:
    """What was read and what was left out, for people and for `data.json`."""
    return {
        "name": corpus.name,
        "pairs": len(examples),
        "rejected": {reason: len(lines) for reason, lines in corpus.rejected.items()},
        "filtered": {reason: count for reason, count in examples.filtered.items() if count},
        "source_ids": int(examples.source.lengths.sum()),
        "target_ids": int(examples.target.lengths.sum()) + len(examples),
    }


def _schedule(settings, steps_in_all: int):
    """Learning rate by step."""
    if settings.schedule == "inverse-square-root":
        return training.InverseSquareRoot(settings.lr, max(settings.warmup, 1))
    if settings.schedule == "constant":
        return settings.lr
    warmup = min(settings.warmup, steps_in_all // 2)
    rise = {"warmup_target": settings.lr, "warmup_steps": warmup} if warmup else {}
    first = 0.0 if warmup else settings.lr
    return keras.optimizers.schedules.CosineDecay(first, max(steps_in_all - warmup, 1), alpha=0.01, **rise)

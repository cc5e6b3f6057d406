"""The verbs every pipeline shares: read, prepare, build, fit, choose, measure."""

import shutil
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from pipelines import adapt, families, objective, optimizer, parts, plots, runs, vectors, watch, workers
from pipelines.monitor import pages
from pipelines.settings import Files, Vocabulary
from seq2seq_keras import data, decode, metrics, models, tasks, tokens, training
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


def read_training(files: Files) -> data.Corpus | data.Shards | None:
    """The pairs to train on, as texts or prepared; None if no file is given."""
    if files.shards is None:
        return read(files, "train")
    if any(path is not None for path in (files.source, files.target, files.tsv)):
        raise InputError("--train.shards and other training pairs were given", remedy="give one or the other")
    return data.Shards(files.shards)


def read(files: Files, name: str) -> data.Corpus | None:
    """The pairs of one part of the corpus; None if no file is given.

    Args:
        name: `train`, `valid` or `test`, for messages.
    """
    check_files(files, name)
    options = {"columns": files.columns, "max_reject_fraction": files.max_reject_fraction}
    if files.tsv is not None:
        return data.read_pairs(files.tsv, **options)
    return None if files.source is None else data.read_pairs(files.source, files.target, **options)


def check_files(files: Files, name: str) -> None:
    """Refuses files of which it is not clear what to read; looks at none of them.

    Raises:
        InputError: one side is missing, or two forms of a corpus were given.
    """
    given = [files.source is not None, files.target is not None]
    if files.tsv is not None and any(given):
        raise InputError(f"--{name}.tsv and aligned files were given", remedy="give one or the other")
    if any(given) and not all(given):
        missing = "target" if given[0] else "source"
        raise InputError(f"--{name}.{missing} is missing", remedy=f"give both sides, or --{name}.tsv")
    if files.shards is not None:
        raise InputError(f"--{name}.shards: shards are for translate to train on", expected="pairs as texts")


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


def build(settings, material: Material) -> keras.Model:
    """A compiled model of the settings' family and sizes, with first weights from the settings' seed."""
    training.use_precision(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    # Without it some sums depend on which thread came first, and no resume could be exact.
    tf.config.experimental.enable_op_determinism()
    model = families.build(settings.model, *vectors.tables(settings, material))
    adapt.begin(model, settings)
    model.compile(
        optimizer.optimizer(settings, settings.epochs * material.epoch),
        objective.loss(settings, material.epoch),
        metrics=[metrics.Perplexity(), metrics.TokenAccuracy(), training.TokenCount(), training.PaddingShare()],
        jit_compile=False,  # batches differ in shape: XLA would compile each anew
    )
    return model


def fit(
    model, translator, material: Material, settings, judge, budget: watch.Budget, watching: tuple = (), team=None
) -> tuple[list[dict], int]:
    """Trains from wherever the run stands to its last epoch, the end of its time, or the end of patience.

    Args:
        translator: of the same model.
        judge: outputs and references to figures, logged as `val_NAME`.
        budget: of time.
        watching: further callbacks.
        team: `training.Workers` of which this process is the chief; None where one device trains alone.

    Returns:
        one dict of logs an epoch, of this and all earlier calls; and the exit code: 0, or 130 and 143 after a signal.
    """
    folder = settings.output
    best = best_weights(material, settings)
    throughput = training.Throughput()
    checkpoints = training.Checkpoints(
        folder / "checkpoints", every=settings.checkpoint_every, keep=max(3, settings.average), others=[best, budget]
    )
    position = checkpoints.restore(model)
    patient = not settings.patience or best.waited < settings.patience
    history = watch.KeepHistory(folder / "history.json", budget, position.epoch)
    shown = _decoding(translator, material, settings, judge, throughput)

    def batches(epoch: int, step: int):
        return data.batch(material.train, settings.batch_tokens, seed=settings.seed, epoch=epoch, step=step)

    bad = training.BadBatches(folder / "bad_batches", batches, _readers(material))
    callbacks = [training.RequireFinite(keep=bad, step=position.step), throughput, *shown]
    progress = training.Progress(position.step, throughput, lambda: budget.seconds - budget.taken)
    callbacks += [history, best, progress, budget, *watching]
    if settings.adapt.ema is not None:
        averages = training.ShowAverages()
        callbacks = [averages, *callbacks, averages.end]
    if settings.schedule == "deadline":
        callbacks.append(watch.Anneal(settings.lr, settings.warmup, budget))
    callbacks.append(checkpoints)
    train = batches(*position)
    code = 0
    go_on = position.epoch < settings.epochs and patient and budget.spent < 1.0
    workers.begin(team, position, go_on)
    if go_on:
        with warnings.catch_warnings():
            # A resumed epoch is shorter than the others; Keras takes that for a mistake.
            warnings.filterwarnings("ignore", "Your input ran out of data")
            try:
                workers.fit(
                    team,
                    model,
                    train,
                    epochs=settings.epochs,
                    initial_epoch=position.epoch,
                    validation_data=validation(material, settings),
                    callbacks=callbacks,
                )
            except training.Interrupted as stopped:
                code = stopped.code
            finally:
                progress.close()
                shown[-1].close()
                checkpoints.close()
    if history.rows:
        plots.curves(history.rows, folder / "curves.png")
    return history.rows, code


def choose_weights(model, translator, material: Material, settings, judge) -> str:
    """Gives the model the best weights of the run: those of the best epoch, or the mean of the last epochs.

    Returns:
        which, in words.
    """
    best = best_weights(material, settings)
    ends = training.files(settings.output / "checkpoints", whole_epochs=True)[-settings.average :]
    if settings.average < 2 or len(ends) < 2:
        return "the best epoch" if best.restore(model) else "the last step"
    training.average(ends, model)
    if material.valid is None:
        return f"the mean of the last {len(ends)} epochs"
    mean = _watched(model, translator, material, settings, judge)
    found = best.restore(model)
    if found and best.sign * _watched(model, translator, material, settings, judge) <= best.sign * mean:
        return "the best epoch"
    training.average(ends, model)
    return f"the mean of the last {len(ends)} epochs"


def measure(model, translator, material: Material, settings, judge) -> dict:
    """Figures of the model on the validation pairs, decoded by the translator's own search."""
    if material.valid is None:
        return {}
    figures = _evaluate(model, material, settings)
    return figures | judge(translator.generate(material.valid_text.source), material.valid_text.target)


def best_weights(material: Material, settings) -> training.Best:
    """The callback that keeps them; without validation pairs it watches the training loss."""
    monitor = "loss" if material.valid is None else settings.monitor
    return training.Best(settings.output / "best" / "weights.npz", monitor, patience=settings.patience)


def validation(material: Material, settings):
    """The validation batches; None without validation pairs."""
    return None if material.valid is None else data.batch(material.valid, settings.batch_tokens, shuffle=False)


def translator(model: models.Seq2Seq, material: Material, settings) -> tasks.TextToText:
    """The model with its vocabularies and its search: strings in, strings out."""
    return tasks.TextToText(
        model,
        material.source,
        material.target,
        search=decode.Beam(settings.beam, settings.length_penalty) if settings.beam > 1 else decode.Greedy(),
        max_source=settings.max_source,
        max_length=settings.max_length,
    )


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


def _form(name: str) -> str | None:
    return None if name == "none" else name


def _left_out(part: dict) -> str:
    counts = {**part["rejected"], **part["filtered"]}
    return f"; left out: {', '.join(f'{why} {count:,}' for why, count in counts.items())}" if counts else ""


def _decoding(translator, material: Material, settings, judge, throughput) -> list:
    """The callbacks that show what the model says and does; TensorBoard's is the last."""
    batch = None if material.valid is None else lambda: _middle(validation(material, settings))
    if material.valid_text is None or not settings.decode_rows:
        return [pages.board(settings, material, translator, throughput, None, batch)]
    every = max(1, len(material.valid_text) // settings.decode_rows)
    decoded = training.DecodedScore(
        lambda texts: translator.generate(texts, decode.Greedy()),
        material.valid_text.source[::every][: settings.decode_rows],
        material.valid_text.target[::every][: settings.decode_rows],
        judge,
    )
    return [decoded, pages.board(settings, material, translator, throughput, decoded, batch)]


def _readers(material: Material) -> dict:
    """Ids of a training batch to texts, by the name of the array."""

    def reader(tokenizer):
        return lambda ids: [text.decode() for text in tokenizer.decode(ids).numpy()]

    target = material.source if material.target is None else material.target
    return {"source": reader(material.source), "labels": reader(target)}


def _middle(batches):
    """The batch in the middle: they come by length, so that it is like most."""
    return next(iter(batches.skip(int(batches.cardinality()) // 2)))


def _watched(model, translator, material: Material, settings, judge) -> float:
    """The figure that says which weights are best, for the weights as they are."""
    name = settings.monitor.removeprefix("val_")
    figures = _evaluate(model, material, settings)
    if name not in figures:
        figures |= judge(translator.generate(material.valid_text.source, decode.Greedy()), material.valid_text.target)
    return figures[name]


def _evaluate(model, material: Material, settings) -> dict:
    figures = model.evaluate(validation(material, settings), verbose=0, return_dict=True)
    return {name: float(figures[name]) for name in ("loss", "perplexity", "accuracy")}

"""Training, with all that watches it and keeps it."""

import warnings

from pipelines import plots, watch, workers
from pipelines.monitor import pages
from pipelines.steps.material import Material, validation
from seq2seq_keras import data, decode, training


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


def best_weights(material: Material, settings) -> training.Best:
    """The callback that keeps them; without validation pairs it watches the training loss."""
    monitor = "loss" if material.valid is None else settings.monitor
    return training.Best(settings.output / "best" / "weights.npz", monitor, patience=settings.patience)


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

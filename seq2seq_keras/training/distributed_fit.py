"""Keras' `fit` for several workers, by the public interface of Keras and `tf.distribute` alone."""

from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from seq2seq_keras.training import state
from seq2seq_keras.training.distributed_agreement import Agreement
from seq2seq_keras.training.distributed_step import training_step
from seq2seq_keras.training.interrupts import Interrupted


def fit_together(
    model: keras.Model,
    train: tf.data.Dataset,
    workers,
    epochs: int,
    initial_epoch: int = 0,
    validation_data: tf.data.Dataset | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> keras.callbacks.History:
    """Trains a compiled model on all workers: every process calls it, with the same model and the same batches.

    It begins with the chief's weights and optimizer, however the others' were made, and with one process and one
    device it is Keras' `fit`. Callbacks and validation are the chief's; the other processes wait where it takes its
    time. What a callback does to `stop_training`, and to a learning rate that is no schedule, holds for all. A signal
    to any process is handed to the chief's callbacks, so that `Checkpoints` saves, and then ends all.

    Args:
        model: see `training_step`.
        train: the same batches `(inputs, labels)` in every process; one pass is an epoch.
        workers: `Workers`.
        epochs: number of the last epoch.
        initial_epoch: of the first one, from 0.
        validation_data: for `model.evaluate`, after each epoch.
        callbacks: Keras' own or others.

    Returns:
        the history; empty where the process is not the chief.

    Raises:
        Interrupted: SIGTERM or SIGINT came to any process.
        WorkerLost: another process is gone, or has been silent for too long.
        ValueError: see `training_step`.
    """
    with workers.lost():
        return _fit(model, train, workers, epochs, initial_epoch, validation_data, callbacks)


def _fit(model, train, workers, epochs, initial_epoch, validation_data, callbacks):
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    state.build_metrics(model)
    workers.copy(list({id(v): v for v in [*model.variables, *model.optimizer.variables]}.values()))
    step = training_step(model, workers, train.element_spec)
    steps = int(train.cardinality())
    calls = keras.callbacks.CallbackList(
        list(callbacks) if workers.chief else [],
        add_history=True,
        model=model,
        epochs=epochs,
        steps=steps if steps > 0 else None,
        verbose=0,
    )
    model.stop_training, logs = False, {}
    calls.on_train_begin()
    # After the callbacks began: a signal is first agreed on, then theirs.
    with Agreement(workers, model) as agreement:
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            calls.on_epoch_begin(epoch)
            logs = _epoch(step, train, calls, agreement)
            if workers.chief:
                if validation_data is not None:
                    found = model.evaluate(validation_data, callbacks=calls, verbose=0, return_dict=True)
                    logs |= {f"val_{name}": value for name, value in found.items()}
                calls.on_epoch_end(epoch, logs)
            if agreement.signal is None:
                agreement.reach()
            if agreement.signal is not None:
                raise Interrupted(agreement.signal)
            if agreement.stop:
                break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    calls.on_train_end(logs)
    return model.history


def _epoch(step, train: Iterable, calls: keras.callbacks.CallbackList, agreement: Agreement) -> dict:
    """The steps of an epoch; returns the figures of the last."""
    logs = {}
    for number, (batch, last) in enumerate(_ahead(train)):
        if not agreement.model.stop_training:
            calls.on_train_batch_begin(number)
        agreement.reach()
        if agreement.stop:
            break
        logs = {name: float(value) for name, value in step(*batch).items()}
        try:
            calls.on_train_batch_end(number, logs)
        except StopIteration:  # so do `Checkpoints` tell Keras that the data end here
            break
        if agreement.signal is not None and not last:
            raise Interrupted(agreement.signal)
    return logs


def _ahead(batches: Iterable) -> Iterator[tuple]:
    """Each batch, and whether it is the last."""
    batches = iter(batches)
    one = next(batches, None)
    while one is not None:
        following = next(batches, None)
        yield one, following is None
        one = following

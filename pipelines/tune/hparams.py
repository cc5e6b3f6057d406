"""The trials for TensorBoard's page of hyperparameters, with its parallel coordinates."""

import shutil
from pathlib import Path

import tensorflow as tf
from tensorboard.plugins.hparams import api

from pipelines.tune import table, trial_record
from pipelines.tune.trial_record import Record
from pipelines.tune.value_range import Range


def write(records: list[Record], ranges: tuple[Range, ...], objective: str, logs: Path) -> None:
    """One session a finished trial, with all its figures, in place of what an earlier call wrote.

    Args:
        logs: a folder of its own.
    """
    finished = [record for record in records if record.status == trial_record.FINISHED]
    names = table.searched(finished)
    shutil.rmtree(logs, ignore_errors=True)
    figures = list(dict.fromkeys(name for record in finished for name in record.figures))
    with _writing(logs):
        api.hparams_config(
            hparams=[api.HParam(name, _domain(name, ranges, finished)) for name in names],
            metrics=[api.Metric(objective), *(api.Metric(f"valid/{name}", display_name=name) for name in figures)],
        )
    for record in finished:
        with _writing(logs / record.trial):
            api.hparams(trial_record.labelled(record), trial_id=record.trial)
            tf.summary.scalar(objective, record.score)
            for name, value in record.figures.items():
                tf.summary.scalar(f"valid/{name}", value)


def _writing(folder: Path):
    return tf.summary.create_file_writer(str(folder)).as_default(0)


def _domain(name: str, ranges: tuple[Range, ...], records: list[Record]):
    """What a hyperparameter may be; of the model's family what it was."""
    each = next((each for each in ranges if each.name == name), None)
    if each is None:
        return api.Discrete(sorted({trial_record.labelled(record)[name] for record in records}))
    if each.values:
        return api.Discrete(each.values)
    return (api.IntInterval if each.whole else api.RealInterval)(each.low, each.high)

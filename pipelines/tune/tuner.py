"""KerasTuner's loop: its oracle chooses, and each trial is a run of `translate`."""

import time
from pathlib import Path

import keras
import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner

from pipelines import steps
from pipelines.settings import Translate, Tune
from pipelines.tune import defaults, space, trial_record, trial_run
from pipelines.tune.defaults import Corpora
from pipelines.tune.trial_record import Record
from seq2seq_keras import data

STATE = "search"
"""Folder of the oracle's state, in that of the search."""


class Failed(keras_tuner.errors.FatalError):
    """A trial could not train, and that ends the search: the cause is the argument."""


class Translators(keras_tuner.HyperModel):
    """Everything that may be tried, as KerasTuner asks for it.

    Args:
        settings: of the search.
        corpora: what every trial trains on.
        material: the same made ready with the vocabularies that all trials share.
    """

    def __init__(self, settings: Tune, corpora: Corpora, material: steps.Material):
        super().__init__()
        self.search, self.corpora, self.material = settings, corpora, material
        self.families, self.ranges = defaults.families_of(settings), space.of(settings)

    def asked(self, hp) -> tuple[str, dict]:
        """The family and the values of a `HyperParameters`: see `tune.space.declare`."""
        return space.declare(hp, self.ranges, self.families)

    def settings(self, hp, output: Path) -> Translate:
        """Those of the run that `hp` stands for."""
        return defaults.trial(self.search, *self.asked(hp), output)

    def build(self, hp) -> keras.Model:
        """The compiled model of that run, by the constructors of every other run."""
        settings = self.settings(hp, defaults.folder(self.search))
        epoch = len(data.plan(self.material.train, settings.batch_tokens, settings.seed))
        return steps.build(settings, self.material._replace(epoch=epoch))


class Trials(BaseTuner):
    """KerasTuner's loop around `translate.train_run`.

    Args:
        hypermodel: what may be tried.
        oracle: who chooses; a worker's is asked through KerasTuner's chief.
    """

    def __init__(self, hypermodel: Translators, oracle: keras_tuner.Oracle):
        folder = defaults.folder(hypermodel.search)
        self.trials = folder / "trials"
        super().__init__(oracle=oracle, hypermodel=hypermodel, directory=folder, project_name=STATE)
        if self.oracle is oracle:
            oracle.reload()

    def save(self):
        """What there is to keep the oracle keeps."""

    def pre_create_trial(self):
        if self._is_worker():
            time.sleep(0.2)  # an oracle that waits for others is asked again and again

    def run_trial(self, trial, *_, **__):
        """Trains one trial, or takes the figures of a finished one.

        Returns:
            score by objective.
        """
        values, model = trial.hyperparameters.values, self.hypermodel
        family, chosen = model.asked(trial.hyperparameters)
        named = {path.removeprefix("model."): value for path, value in chosen.items()}
        record = Record(trial.trial_id, family, named, begins_with=values.get("tuner/trial_id"))
        changes = {"epochs": values["tuner/epochs"]} if "tuner/epochs" in values else {}
        settings = defaults.trial(model.search, family, chosen | changes, self.trials / trial.trial_id)
        record = trial_run.run(settings, record, model.search, model.corpora, model.material)
        if record.status == trial_record.FAILED:
            wrong = Failed if model.search.failed == "stop" else keras_tuner.errors.FailedTrialError
            raise wrong(record.cause)
        return {model.search.objective: record.score}

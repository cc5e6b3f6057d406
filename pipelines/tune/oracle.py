"""Who chooses the next trial: KerasTuner's oracles, their state in one file that is whole or absent."""

from pathlib import Path

import keras_tuner

from pipelines import runs
from pipelines.settings import Tune
from pipelines.tune import defaults
from seq2seq_keras.errors import InputError

TRIALS = 12
"""Where none are asked for."""
STATE = "oracle.json"


class _Whole:
    """Keeps all that an oracle knows in one file, written beside and renamed.

    KerasTuner's own files, one for the oracle and one for each trial, are written in place: a kill may tear one.
    """

    def save(self):
        trials = [trial.get_state() for trial in self.trials.values()]
        runs.write_json(self._state_file, {"oracle": self.get_state(), "trials": trials})

    def reload(self):
        """Takes up an earlier search, if there was one; trials that were under way then are the next to run."""
        if not self._state_file.exists():
            return
        kept = runs.read_json(self._state_file)
        for state in kept["trials"]:
            trial = keras_tuner.engine.trial.Trial.from_state(state)
            self.trials[trial.trial_id] = trial
        state = kept["oracle"]
        state["retry_queue"] += [each for each in state["ongoing_trials"].values() if each not in state["retry_queue"]]
        state["ongoing_trials"] = {}
        self.set_state(state)

    def _save_trial(self, trial):
        """It is in the one file."""

    @property
    def _state_file(self) -> Path:
        return Path(self._project_dir) / STATE


class _Random(_Whole, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Bayesian(_Whole, keras_tuner.oracles.BayesianOptimizationOracle):
    pass


class _Hyperband(_Whole, keras_tuner.oracles.HyperbandOracle):
    pass


def of(settings: Tune) -> keras_tuner.Oracle:
    """The oracle that the settings name.

    Raises:
        InputError: it needs a library that is not installed.
    """
    every = {
        "objective": keras_tuner.Objective(settings.objective, "min" if sign(settings.objective) > 0 else "max"),
        "seed": settings.seed + 1,  # 0 would be a random one
        # The policy about failures is in `tune.tuner`: an error raised here leaves KerasTuner's lock shut for ever.
        "max_consecutive_failed_trials": 10**9,
    }
    if settings.algorithm == "hyperband":
        oracle = _Hyperband(max_epochs=settings.epochs or defaults.EPOCHS, **every)
    elif settings.algorithm == "random":
        oracle = _Random(max_trials=settings.trials or TRIALS, **every)
    else:
        count = settings.trials or TRIALS
        try:
            # KerasTuner would draw three points for each dimension before it begins to learn from any.
            oracle = _Bayesian(max_trials=count, num_initial_points=max(3, count // 3), **every)
        except ImportError:
            raise InputError(
                "--algorithm bayesian needs scikit-learn and scipy", remedy="run pip install -e '.[tune]'"
            ) from None
    oracle.verbose = 0
    return oracle


def sign(objective: str) -> int:
    """1 where less is better, -1 where more is."""
    return -1 if objective in ("val_bleu", "val_chrf") else 1

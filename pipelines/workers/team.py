"""Training that several devices or processes share: how they come together, and what they tell each other.

The chief is an ordinary run, which writes its folder. What the others do is in `workers.follow`.
"""

import hashlib
import json
import os
from dataclasses import replace

from pipelines import runs
from pipelines.settings import Translate
from pipelines.workers import processes, ray
from seq2seq_keras import training
from seq2seq_keras.errors import InputError


def join(settings: Translate) -> tuple[training.Workers | None, Translate]:
    """Those that train together, as the settings and `TF_CONFIG` have it; to be called before TensorFlow did anything.

    Returns:
        None where one device trains alone; and the settings with the number of devices that share each batch.

    Raises:
        InputError: `TF_CONFIG` is wrong, its workers did not come, or there are not so many devices.
    """
    given = os.environ.get("TF_CONFIG")
    cluster = training.read_cluster(given) if given else None
    if cluster is not None and len(cluster.addresses) > 1:
        team = training.Workers.of_cluster(cluster, settings.join_seconds, same=_digest(settings))
        if settings.workers not in (None, team.replicas):
            raise InputError(
                f"--workers is {settings.workers} and TF_CONFIG brings {team.replicas} devices together",
                remedy="leave --workers out",
            )
    elif (settings.workers or 1) > 1:
        try:
            team = training.Workers.devices(settings.workers)
        except ValueError as error:
            raise InputError(f"--workers is {settings.workers}: {error}") from None
    else:
        return None, settings
    return team, replace(settings, workers=team.replicas)


def to_launch(settings: Translate) -> bool:
    """Whether this process is only to start the workers."""
    return settings.processes is not None and (settings.workers or 1) > 1 and "TF_CONFIG" not in os.environ


def launch(name: str, settings) -> int:
    """Starts a command in `settings.workers` processes, and returns its exit code."""
    launcher = {"local": processes, "ray": ray}[settings.processes]
    return launcher.launch(name, settings, settings.workers)


def is_chief(team: training.Workers | None) -> bool:
    """Whether this process is the one that writes and speaks."""
    return team is None or team.chief


def agree(team: training.Workers | None, own: dict[str, str]) -> None:
    """Refuses to train where a process read other pairs, or learned another vocabulary, than the chief.

    Args:
        own: fingerprints of this process, by the name of what they are of.

    Raises:
        InputError: in every process.
    """
    if team is None:
        return
    chief = team.from_chief(own)
    others = [name for name in own if own[name] != chief[name]]
    told = team.add([int(bool(others)) << team.number])[0]
    if told:
        named = ", ".join(str(number) for number in range(team.count) if told >> number & 1)
        what = f" ({' and '.join(others)})" if others else ""
        raise InputError(
            f"worker {named} has other pairs or another vocabulary than worker 0{what}",
            remedy="give all workers the same files; with --train.shards they also share the vocabulary",
        )


def begin(team: training.Workers | None, position: training.Position, go_on: bool) -> None:
    """Tells the others where the chief's run stands, and whether there is anything to train."""
    if team is not None:
        team.from_chief([*position, go_on])


def fit(team: training.Workers | None, model, train, **how) -> None:
    """Keras' `fit`, or that of all workers."""
    if team is None:
        model.fit(train, shuffle=False, verbose=0, **how)  # the batches come in the order of the plan
    else:
        training.fit_together(model, train, team, **how)


def end(team: training.Workers | None) -> None:
    """Waits until all are here: the others do not leave before the chief has written what it has to."""
    if team is not None:
        team.add([0])


def _digest(settings: Translate) -> str:
    """Of what all workers must be told alike."""
    told = {name: value for name, value in runs.plain(settings).items() if name not in runs.FREE}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

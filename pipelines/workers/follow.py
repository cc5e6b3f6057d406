"""What a worker does that is not the chief: it makes the same model from the same pairs, and writes nothing."""

from pipelines import steps, workers
from pipelines.settings import Translate
from seq2seq_keras import data, training


def follow(settings: Translate, train, valid, team: training.Workers) -> int:
    """What a worker does that is not the chief; returns the exit code."""
    with team.lost():
        material = steps.prepare(train, valid, settings, settings.output, _visible(settings))
        model = steps.build(settings, material)
        workers.agree(team, material.report["fingerprints"])
        epoch, step, go_on = team.from_chief(None)
        if go_on:
            batches = data.batch(material.train, settings.batch_tokens, seed=settings.seed, epoch=epoch, step=step)
            try:
                training.fit_together(model, batches, team, epochs=settings.epochs, initial_epoch=epoch)
            except training.Interrupted as stopped:
                return stopped.code
        workers.end(team)
    return 0


def _visible(settings: Translate) -> bool:
    """Whether the chief's folder lies on a disk of this machine too, and holds a run."""
    return (settings.output / "settings.json").exists()

"""The vocabulary of a corpus that is being prepared: learned from a sample of it, or taken."""

import shutil

from pipelines import steps, unknowns
from pipelines.prepare.jobs import Job
from seq2seq_keras import data, tokens
from seq2seq_keras.errors import InputError


def make(job: Job) -> None:
    """Takes or learns the vocabularies; that of the source is written last, since it says that both are there."""
    for left_over in job.ready.glob(".*"):  # of one that was killed while it was written
        shutil.rmtree(left_over)
    if job.settings.vocabulary is not None:
        source, target = unknowns.load(job.settings.vocabulary)
        target = None if target is source else target
    else:
        found = sample(job)
        if not len(found):
            raise InputError(
                f"no pair is left of {job.spans.lines:,}",
                where=" and ".join(job.spans.files),
                remedy="loosen the filters: see --max-ratio and the scripts",
            )
        source, target = steps.learn(found, job.settings.tokens)
    if target is not None:
        tokens.save(target, job.ready / "target")
    tokens.save(source, job.ready / "source")


def sample(job: Job) -> data.Corpus:
    """The first pairs in the order of hashes, which is a random sample that no order of arrival changes.

    They end with the pair that fills `--sample`: characters, not pairs, are what the trainer's memory grows with.
    """
    sources, targets, lines, room = [], [], [], job.settings.sample
    for shard in range(job.shards):
        rows = data.Partition(job.rows, shard, repeated=job.settings.duplicates)
        for line, (source, target) in zip(rows.lines.tolist(), rows.pairs()):
            sources.append(source.decode())
            targets.append(target.decode())
            lines.append(line)
            room -= len(sources[-1]) + len(targets[-1])
            if room <= 0:
                return data.Corpus(sources, targets, lines, {}, "the sample")
    return data.Corpus(sources, targets, lines, {}, "the sample")

"""The vocabulary of a corpus that is being prepared: learned from a sample of it, or taken."""

import shutil

from pipelines import steps, unknowns
from pipelines.prepare_job import Job
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
    """The first pairs in the order of hashes, which is a random sample that no order of arrival changes."""
    sources, targets, lines = [], [], []
    for shard in range(job.shards):
        rows = data.Partition(job.rows, shard, repeated=job.settings.duplicates)
        wanted = job.settings.sample - len(lines)
        for source, target in rows.pairs(0, wanted):
            sources.append(source.decode())
            targets.append(target.decode())
        lines += rows.lines[:wanted].tolist()
        if len(lines) == job.settings.sample:
            break
    return data.Corpus(sources, targets, lines, {}, "the sample")

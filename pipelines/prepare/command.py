"""A corpus of any size, made ready for training.

    python -m pipelines prepare --train.source a.en --train.target a.de --output corpora/en_de
    python -m pipelines translate --train.shards corpora/en_de --valid.tsv c.tsv --output runs/en_de

Pairs come out in the order of a hash of what they say, so the output is the same byte for byte however many processes,
or machines under Apache Beam, had a part in it.
"""

import importlib
import os
import shutil
import time

from pipelines import runs
from pipelines.prepare import checks, jobs, local, manifests, vocabulary, worker
from pipelines.prepare.jobs import Job
from pipelines.prepare.progress import stage
from pipelines.settings import Prepare
from seq2seq_keras import data, training
from seq2seq_keras.data import shards
from seq2seq_keras.errors import InputError, TooManyRejects


def run(settings: Prepare) -> int:
    """The command; returns the exit code."""
    begun = time.monotonic()
    checks.check(settings)
    engine = _engine(settings.runner)
    job = jobs.plan(settings)
    manifest = _done(job)
    if manifest is None:
        with training.FolderLock(job.work):
            manifest = _prepare(job, engine)
    seconds = round(time.monotonic() - begun, 1)
    print(f"left out: {manifests.described(manifest)}")
    print(f"{manifest['pairs']:,} pairs in {len(manifest['shards']):,} shards: {settings.output} ({seconds:,} s)")
    if settings.json:
        kept = {name: value for name, value in manifest.items() if name != "shards"}
        runs.write_json(settings.json, {**kept, "shards": len(manifest["shards"]), "seconds": seconds})
    return 0


def _done(job: Job) -> dict | None:
    """The manifest where the output is there, and is what this command would write."""
    output = job.settings.output
    if not output.exists() or not any(output.iterdir()):
        return None
    if not (output / shards.MANIFEST).exists():
        raise InputError("holds files but no shards", where=output, remedy="name a new or empty folder with --output")
    manifest = data.Shards(output).manifest
    changed = [name for name in ("settings", "corpus") if manifest.get(name) != job.identity[name]]
    if changed:
        raise InputError(
            f"holds shards that were made with other {' and another '.join(changed)}",
            where=output,
            remedy="name another folder with --output, or remove this one",
        )
    print(f"{output} is complete, and every file is as it was written", flush=True)
    return manifest


def _prepare(job: Job, engine) -> dict:
    begun = job.work / "job.json"
    if not begun.exists() or runs.read_json(begun) != {**job.identity, "shards": job.shards}:
        for path in (begun, job.read):
            path.unlink(missing_ok=True)
        runs.write_json(begun, {**job.identity, "shards": job.shards})
    tally = _read(job, engine)
    if not (job.ready / "source").exists():
        with stage("learned" if job.settings.vocabulary is None else "took", "vocabulary", 1) as advance:
            local.alone(vocabulary.make, job)
            advance(1)
    written = []
    with stage("wrote", "pairs", job.spans.lines) as advance:
        for told in engine.finish(job):
            written.append(told)
            advance(told["facts"]["pairs"])
    manifest = manifests.write(job, tally, written)
    _publish(job)
    return manifest


def _read(job: Job, engine) -> data.Tally:
    """Cleans all lines, unless that is done; returns what was left out."""
    if job.read.exists():
        return data.Tally.of(runs.read_json(job.read))
    worker.fresh(job)  # rows of a job that was killed while it read have no end
    tally = data.Tally()
    with stage("cleaned", "lines", job.spans.lines) as advance:
        for lines, left_out in engine.clean(job):
            _limit(job, tally.merge(left_out))
            advance(lines)
    runs.write_json(job.read, tally.plain())
    return tally


def _limit(job: Job, tally: data.Tally) -> None:
    """As soon as too many lines are unusable, whatever is still to come."""
    found = {reason: count for reason, count in tally.counts.items() if reason in data.UNUSABLE}
    count, limit = sum(found.values()), job.settings.train.max_reject_fraction
    if count > limit * job.spans.lines:
        reasons = "; ".join(
            f"{reason}: {number:,}, first in line {tally.lines[reason][0]:,}"
            for reason, number in sorted(found.items())
        )
        raise TooManyRejects(
            f"{count:,} or more of {job.spans.lines:,} rows cannot be used ({reasons})",
            where=" and ".join(job.spans.files),
            expected=f"at most {limit:.2%}",
            remedy="mend them, or raise --train.max-reject-fraction to go on without them",
        )


def _publish(job: Job) -> None:
    """The output appears whole, and what was made on the way goes."""
    output = job.settings.output.absolute()
    with worker.written(job):
        if output.exists():
            output.rmdir()
        os.replace(job.ready, output)
    shutil.rmtree(job.work, ignore_errors=True)


def _engine(name: str):
    """A module with `clean` and `finish`."""
    if name == "local":
        return local
    try:
        return importlib.import_module("pipelines.prepare.beam")
    except ImportError as error:
        raise InputError(f"Apache Beam is not installed ({error})", remedy="run pip install -e '.[beam]'") from None

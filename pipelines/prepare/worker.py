"""The two things a worker of `prepare` does, whoever runs it: clean a span of lines, and write a shard."""

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipelines import runs, unknowns
from pipelines.prepare import jobs
from pipelines.prepare.jobs import Job
from seq2seq_keras import data, tokens
from seq2seq_keras.data import partitions, shards
from seq2seq_keras.errors import InputError

_CHUNK = 4_096
"""Pairs tokenised at a time."""


class Cleaned(NamedTuple):
    """What became of some lines."""

    lines: int
    kept: list[tuple[int, tuple[bytes, bytes]]]
    """Pairs, each with the number of its shard."""
    left_out: data.Tally


def clean(job: Job, span: data.Span) -> Iterator[Cleaned]:
    """A span, some lines at a time: a compressed corpus is one span, and no more of it than of others is held.

    A pair that repeats another of the same lines is counted here, so that a line that fills the corpus fills no shard.
    """
    rows, left = data.read_span(job.spans, span, job.settings.max_characters), span.count
    while left:
        lines = min(left, jobs.LINES_OF_A_SPAN)
        yield _cleaned(job, itertools.islice(rows, lines), lines)
        left -= lines


def clean_and_keep(job: Job, span: data.Span) -> Iterator[tuple[int, data.Tally]]:
    """Adds the pairs of a span to the rows on disk; yields, some lines at a time, how many and what is left out.

    Raises:
        InputError: they cannot be written.
    """
    for cleaned in clean(job, span):
        by_shard = {}
        for shard, row in cleaned.kept:
            by_shard.setdefault(shard, []).append(row)
        with written(job):
            for shard, rows in by_shard.items():
                partitions.write(job.rows, shard, f"process-{os.getpid()}", rows)
        yield cleaned.lines, cleaned.left_out


def _cleaned(job: Job, rows: Iterable[tuple[int, str, str, str]], lines: int) -> Cleaned:
    asked = job.settings
    cleaning = data.Cleaning(asked.max_ratio, asked.source_script, asked.target_script, asked.script_share)
    digest_of, seen, kept, left_out = partitions.Hash(asked.seed), set(), [], {}
    for line, source, target, reason in rows:
        if not reason:
            source, target, reason = cleaning(source, target)
        if not reason:
            left, right = source.encode(), target.encode()
            digest = digest_of(left, right)
            if asked.duplicates or digest not in seen:
                seen.add(digest)
                kept.append((partitions.place(digest, job.shards), partitions.packed(digest, line, left, right)))
                continue
            reason = "duplicate"
        left_out.setdefault(reason, []).append(line)
    tally = data.Tally()
    for reason, numbers in left_out.items():
        tally.add(reason, numbers)
    return Cleaned(lines, kept, tally)


def finish(job: Job, shard: int) -> dict:
    """Sorts, tokenises and writes a shard, unless it is written; returns what is in it.

    Raises:
        InputError: it cannot be written.
    """
    facts = job.facts(shard)
    return runs.read_json(facts) if facts.exists() else _finish(job, shard)


def _finish(job: Job, shard: int) -> dict:
    rows = data.Partition(job.rows, shard, repeated=job.settings.duplicates)
    tally = data.Tally()
    tally.add("duplicate", rows.duplicates)
    examples = _encode(job, rows, tally)
    with written(job), tempfile.TemporaryDirectory(dir=job.work) as beside:
        files = data.write_shard(beside, job.name(shard), examples)
        facts = {
            "name": job.name(shard),
            "pairs": len(examples),
            "source_ids": int(examples.source.lengths.sum()),
            "target_ids": int(examples.target.lengths.sum()) + len(examples),
            "longest_source": int(examples.source.lengths.max(initial=0)),
            "longest_target": int(examples.target.lengths.max(initial=-1)) + 1,
            "files": {path.name: shards.file_hash(path) for path in files.values()},
        }
        for path in files.values():
            os.replace(path, job.ready / path.name)
    told = {"facts": facts, "left_out": tally.plain()}
    runs.write_json(job.facts(shard), told)
    return told


@contextlib.contextmanager
def written(job: Job):
    """A full disk and the like, as the user's to mend."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror or error})",
            where=job.work,
            remedy="make room there; the same command goes on",
        ) from None


def _encode(job: Job, rows: data.Partition, tally: data.Tally) -> data.Examples:
    source, target = _vocabularies(job.ready)
    asked, parts = job.settings, []
    for begin in range(0, len(rows), _CHUNK):
        sides = zip(*rows.pairs(begin, begin + _CHUNK), strict=True)
        examples, left_out = tokens.encode_pairs(*sides, source, target, asked.max_source, asked.max_target)
        parts.append(examples)
        for reason, found in left_out.items():
            tally.add(reason, rows.lines[begin : begin + _CHUNK][found])
    return data.Examples(*(_joined([getattr(part, side) for part in parts]) for side in ("source", "target")))


def _joined(parts: list[data.Ragged]) -> data.Ragged:
    values = np.concatenate([np.zeros(0, np.int32), *(part.values for part in parts)])
    lengths = np.concatenate([np.zeros(0, np.int64), *(part.lengths for part in parts)])
    return data.Ragged(values, np.cumsum(np.concatenate([[0], lengths]), dtype=np.int64))


_LOADED: dict[Path, tuple] = {}


def _vocabularies(folder: Path) -> tuple[tokens.Tokenizer, tokens.Tokenizer]:
    """Loaded once a process: a worker writes many shards."""
    if folder not in _LOADED:
        _LOADED.clear()
        _LOADED[folder] = unknowns.load(folder)
    return _LOADED[folder]


def fresh(job: Job) -> None:
    """Empty folders for a job that begins."""
    _LOADED.clear()
    with written(job):
        for folder in (job.rows, job.ready, job.facts(0).parent):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

"""`prepare` as Apache Beam pipelines, for a cluster: the same work on the same spans and shards, so the same bytes.

Beam brings the rows of a shard together and repeats what fails. Every machine must see the folders of the corpus and of
the output under the same names.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines import runs
from pipelines.prepare import worker
from pipelines.prepare.jobs import Job
from seq2seq_keras import data
from seq2seq_keras.data import partitions


def clean(job: Job) -> Iterator[tuple[int, data.Tally]]:
    """Writes all rows; yields once, how many lines were read and what was left out of them."""
    with beam.Pipeline(options=_options(job)) as pipeline:
        cleaned = (
            pipeline
            | "spans" >> beam.Create(job.spans.spans)
            | "spread spans" >> beam.Reshuffle()
            | "clean" >> beam.ParDo(Clean(job)).with_outputs("left out", main="kept")
        )
        _ = cleaned.kept | "by shard" >> beam.GroupByKey() | "keep" >> beam.ParDo(Keep(job))
        _ = cleaned["left out"] | "add up" >> beam.CombineGlobally(_merged) | "tell" >> beam.Map(_tell, job)
    yield job.spans.lines, data.Tally.of(runs.read_json(_told(job)))


def finish(job: Job) -> Iterator[dict]:
    """Writes all shards; yields what is in each."""
    with beam.Pipeline(options=_options(job)) as pipeline:
        numbers = pipeline | "shards" >> beam.Create(range(job.shards)) | "spread shards" >> beam.Reshuffle()
        _ = numbers | "finish" >> beam.ParDo(Finish(job))
    for shard in range(job.shards):
        yield runs.read_json(job.facts(shard))


class Clean(beam.DoFn):
    """A span to pairs (shard, row), and aside what was left out."""

    def __init__(self, job: Job):
        self.job = job

    def process(self, element: data.Span):
        for cleaned in worker.clean(self.job, data.Span(*element)):
            yield from cleaned.kept
            yield beam.pvalue.TaggedOutput("left out", cleaned.left_out.plain())


class Keep(beam.DoFn):
    """The rows of a shard to its file, whole however often Beam tries it."""

    def __init__(self, job: Job):
        self.job = job

    def process(self, element: tuple[int, Iterable[tuple[bytes, bytes]]]):
        shard, rows = element
        with worker.written(self.job), tempfile.TemporaryDirectory(dir=self.job.work) as beside:
            partitions.write(beside, shard, "beam", list(rows))
            for path in sorted(os.scandir(beside), key=lambda entry: entry.name, reverse=True):  # texts, then heads
                os.replace(path.path, self.job.rows / path.name)


class Finish(beam.DoFn):
    """A shard, written."""

    def __init__(self, job: Job):
        self.job = job

    def process(self, element: int):
        worker.finish(self.job, element)


def _merged(tallies: Iterable[dict]) -> dict:
    merged = data.Tally()
    for plain in tallies:
        merged.merge(data.Tally.of(plain))
    return merged.plain()


def _tell(plain: dict, job: Job) -> None:
    runs.write_json(_told(job), plain)


def _told(job: Job):
    return job.rows / "left_out.json"


def _options(job: Job) -> PipelineOptions:
    return PipelineOptions([f"--{option}" for option in job.settings.beam])

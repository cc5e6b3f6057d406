"""The last file of a prepared corpus, which says what all the others are."""

from pathlib import Path

from pipelines import runs, unknowns
from pipelines.prepare.jobs import Job
from seq2seq_keras import data
from seq2seq_keras.data import shards
from seq2seq_keras.errors import InputError

_SAMPLES = 8


def write(job: Job, tally: data.Tally, written: list[dict]) -> dict:
    """Writes it beside the shards, and returns it.

    Args:
        tally: what was left out before tokenising.
        written: what `prepare.worker.finish` told of each shard.

    Raises:
        InputError: no pair is left, or it cannot be written.
    """
    tally = data.Tally.of(tally.plain())
    for told in written:
        tally.merge(data.Tally.of(told["left_out"]))
    left_out = tally.plain()
    facts = sorted((told["facts"] for told in written), key=lambda shard: shard["name"])
    manifest = {
        "format": shards.FORMAT,
        "pairs": sum(shard["pairs"] for shard in facts),
        "source_ids": sum(shard["source_ids"] for shard in facts),
        "target_ids": sum(shard["target_ids"] for shard in facts),
        "rejected": {reason: left_out[reason] for reason in left_out if reason in data.UNUSABLE},
        "filtered": {reason: left_out[reason] for reason in left_out if reason not in data.UNUSABLE},
        "samples": list(_samples(job)),
        "vocabulary": _vocabulary(job.ready),
        **job.identity,
        "shards": facts,
    }
    if not manifest["pairs"]:
        raise InputError(
            f"no pair is left of {job.spans.lines:,} ({described(manifest)})",
            where=" and ".join(job.spans.files),
            remedy="loosen the filters or the limits of length",
        )
    runs.write_json(job.ready / shards.MANIFEST, manifest)
    return manifest


def described(manifest: dict) -> str:
    """What was left out, on one line."""
    counts = {**manifest["rejected"], **manifest["filtered"]}
    return ", ".join(f"{reason} {found['count']:,}" for reason, found in counts.items()) or "nothing"


def _vocabulary(folder: Path) -> dict:
    source, target = unknowns.load(folder)
    files = [path for side in ("source", "target") for path in sorted((folder / side).glob("*"))]
    return {
        "source": source.size,
        "target": target.size,
        "shared": not (folder / "target").exists(),
        "fingerprint": f"{source.fingerprint} {target.fingerprint}",
        "files": {str(path.relative_to(folder)): shards.file_hash(path) for path in files},
    }


def _samples(job: Job):
    """A few sources, as examples."""
    for shard in range(job.shards):
        rows = data.Partition(job.rows, shard)
        if len(rows):
            for source, _ in rows.pairs(0, _SAMPLES):
                yield source.decode()
            return

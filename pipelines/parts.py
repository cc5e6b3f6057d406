"""One part of a corpus as ids, and what is told of it: from texts, or from shards that `prepare` wrote."""

from typing import NamedTuple

from pipelines import runs
from seq2seq_keras import data, tokens
from seq2seq_keras.errors import InputError

_SAMPLES = 8
"""Sources kept in the report, as examples."""


class Part(NamedTuple):
    """A part of a corpus made ready."""

    examples: data.Examples | data.Shards
    told: dict
    """What was read and what was left out, for people and for `data.json`."""
    samples: list[str]
    """A few sources."""
    fingerprint: str
    """Differs between any two parts that do not hold the same."""
    longest: int
    """Most ids of a side, EOS included."""


def read(corpus: data.Corpus | data.Shards, source: tokens.Tokenizer, target: tokens.Tokenizer, settings) -> Part:
    """A part by the vocabularies of a run, within the limits of `Translate`'s settings.

    Raises:
        InputError: nothing is left of it, or shards are of another vocabulary or beyond these limits.
    """
    return (
        _of_shards(corpus, source, target, settings)
        if isinstance(corpus, data.Shards)
        else _of_texts(corpus, source, target, settings)
    )


def vocabularies(shards: data.Shards, settings) -> tuple[tokens.Tokenizer, tokens.Tokenizer | None]:
    """Those that shards were made with; None for a target that shares the source's.

    Raises:
        InputError: the settings ask for a vocabulary to be learned.
    """
    if settings.tokens != type(settings.tokens)():
        raise InputError(
            "--tokens and --train.shards were both given",
            expected="one of them: shards bring their vocabulary",
            remedy="leave --tokens out, or prepare the corpus with it",
        )
    shared = shards.manifest["vocabulary"]["shared"]
    return tokens.load(shards.folder / "source"), None if shared else tokens.load(shards.folder / "target")


def _of_texts(corpus: data.Corpus, source, target, settings) -> Part:
    examples = tokens.pairs(corpus, source, target, max_source=settings.max_source, max_target=settings.max_target)
    told = {
        "name": corpus.name,
        "pairs": len(examples),
        "rejected": {reason: len(lines) for reason, lines in corpus.rejected.items()},
        "filtered": {reason: count for reason, count in examples.filtered.items() if count},
        "source_ids": int(examples.source.lengths.sum()),
        "target_ids": int(examples.target.lengths.sum()) + len(examples),
    }
    longest = max(int(examples.source.lengths.max()), int(examples.target.lengths.max()) + 1)
    samples = corpus.source[:: max(1, len(corpus) // _SAMPLES)][:_SAMPLES]
    return Part(examples, told, samples, runs.fingerprint(corpus.source, corpus.target), longest)


def _of_shards(shards: data.Shards, source, target, settings) -> Part:
    if shards.manifest["vocabulary"]["fingerprint"] != f"{source.fingerprint} {target.fingerprint}":
        raise InputError(
            "these shards are of another vocabulary than the run's",
            where=shards.folder,
            remedy="give those the run began with, or name another folder with --output",
        )
    for side, most in zip(("source", "target"), shards.longest, strict=True):
        if most > (limit := getattr(settings, f"max_{side}")):
            raise InputError(
                f"the longest {side} has {most} ids and --max-{side} is {limit}",
                where=shards.folder,
                remedy=f"give --max-{side} {most}, or prepare the corpus with the smaller limit",
            )
    told = {
        "name": shards.name,
        "pairs": len(shards),
        **{
            kind: {reason: found["count"] for reason, found in shards.manifest[kind].items()}
            for kind in ("rejected", "filtered")
        },
        **{name: shards.manifest[name] for name in ("source_ids", "target_ids")},
    }
    return Part(shards, told, shards.manifest["samples"], shards.fingerprint, max(shards.longest))

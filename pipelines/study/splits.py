"""What a study trains and scores on, and the settings that all its runs share."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from pipelines import quickstart, steps
from pipelines.settings import Files, Study, Translate, Vocabulary
from seq2seq_keras import data
from seq2seq_keras.errors import InputError

_OF_DICTIONARY = 10_000
"""Training pronunciations that a study takes of the dictionary: enough to tell models apart within a minute each."""
WATCHED = 1_000
"""Pairs to watch while training, at most; the help of `--valid` says so."""
_LIMITS = {"spelling": 64, "translation": 128}
"""Most ids of a side, and of an output."""


class Corpora(NamedTuple):
    """The three parts, and how outputs are judged."""

    train: data.Corpus
    valid: data.Corpus
    sources: list[str]
    """Of the test part."""
    references: list[list[str]]
    """One list a source."""
    task: str
    """`translation` or `spelling`."""

    @property
    def figure(self) -> str:
        """The score that decides."""
        return "wer" if self.task == "spelling" else "bleu"

    @property
    def by_length(self) -> str:
        """The score to compare lengths by, and epochs: of tokens, since long words go wrong as a whole all the same."""
        return "per" if self.task == "spelling" else "bleu"

    @property
    def described(self) -> dict:
        """Names, without folders, and sizes."""
        names = [Path(name).name for name in self.train.name.split(" and ")]
        return {
            "name": " and ".join(names),
            "task": self.task,
            "by_length": self.by_length,
            "train": len(self.train),
            "valid": len(self.valid),
            "test": len(self.sources),
        }


def folder(settings: Study) -> Path:
    """Where the runs and the results are."""
    return settings.output or Path("runs/studies") / settings.name


def read(settings: Study) -> Corpora:
    """The user's corpus, or part of the dictionary.

    Raises:
        InputError: a part is missing, or what `steps.read` and `quickstart.dictionary` raise.
    """
    files = {name: getattr(settings, name) for name in ("train", "valid", "test")}
    own = any(part != Files() for part in files.values())
    parts = {name: steps.read(part, name) for name, part in files.items()} if own else quickstart.dictionary()
    for name, part in parts.items():
        if part is None:
            raise InputError(f"no {name} pairs", remedy=f"give --{name}.source and --{name}.target, or --{name}.tsv")
    task = settings.task or ("translation" if own else "spelling")
    count = settings.pairs or (len(parts["train"]) if own else _OF_DICTIONARY)
    sources, references = list(parts["test"].source), [[text] for text in parts["test"].target]
    if task == "spelling":
        accepted = quickstart.accepted([word.lower() for word in sources], parts["test"].target)
        sources, references = list(accepted), list(accepted.values())
    return Corpora(evenly(parts["train"], count), evenly(parts["valid"], WATCHED), sources, references, task)


def evenly(corpus: data.Corpus, count: int) -> data.Corpus:
    """At most so many pairs, evenly spread over the corpus."""
    if count >= len(corpus):
        return corpus
    rows = [place * len(corpus) // count for place in range(count)]
    sides = [[texts[row] for row in rows] for texts in (corpus.source, corpus.target, corpus.lines)]
    return data.Corpus(*sides, {}, corpus.name)


def translation(settings: Study, corpora: Corpora, folder: Path) -> Translate:
    """What every run of the study has in common, in the words of `translate`."""
    spelling = corpora.task == "spelling"
    tokens = settings.tokens
    if spelling and tokens == Vocabulary():
        tokens = quickstart.SPELLING
    limit = _LIMITS[corpora.task]
    return Translate(
        output=folder,
        model=settings.model,
        tokens=tokens,
        batch_tokens=settings.batch_tokens,
        lr=settings.lr,
        warmup=settings.warmup,
        score="edits" if spelling else "overlap",
        tokenize=settings.tokenize,
        decode_rows=0,
        max_source=limit,
        max_target=limit,
        max_length=limit,
        beam=settings.beam,
        length_penalty=0.0 if spelling else 0.6,
    )


def changed(settings, changes: dict):
    """Settings with some fields replaced: `model.depth` is `depth` of the field `model`."""
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        settings = dataclasses.replace(
            settings, **{first: changed(getattr(settings, first), {rest: value}) if rest else value}
        )
    return settings

"""What is read, and how text becomes ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Files:
    """Two aligned files, or one table; plain or .gz."""

    source: Path | None = None
    """One sentence a line."""
    target: Path | None = None
    """Line N translates line N of the source."""
    tsv: Path | None = None
    """Instead of both: a table with one pair a line and a TAB between columns."""
    columns: tuple[int, int] = (0, 1)
    """Of source and target in the table, counted from 0."""
    max_reject_fraction: float = 0.01
    """Share of lines that may be unusable and left out; more is an error."""
    shards: Path | None = None
    """Instead of all of these, for training: a folder that `prepare` wrote; its vocabulary is the run's."""


@dataclass(frozen=True)
class Vocabulary:
    """How text becomes ids; learned from the training pairs."""

    kind: Literal["sentencepiece", "wordpiece", "words", "characters", "bytes"] = "sentencepiece"
    """Unit of text. `words` splits at white space."""
    target_kind: Literal["sentencepiece", "wordpiece", "words", "characters", "bytes"] | None = None
    """Unit of the target, where the sides do not share a vocabulary; nothing means the same as the source."""
    size: int | None = None
    """Most entries; nothing means 8000 for subwords and all seen for words and characters."""
    shared: bool = True
    """One vocabulary and one table for both sides."""
    normalize: Literal["nfkc", "lower_nfkc", "none"] = "nfkc"
    """Unicode normalisation before anything else."""
    target_normalize: Literal["nfkc", "lower_nfkc", "none"] | None = None
    """Of the target, where the sides do not share a vocabulary; nothing means the same as the source."""


@dataclass(frozen=True)
class Inspect:
    """Report on a corpus before training on it, and refuse what would silently end in garbage."""

    train: Files = Files()
    """Training pairs."""
    valid: Files = Files()
    """Validation pairs."""
    test: Files = Files()
    """Test pairs."""
    vocabulary: Path | None = None
    """Run, or folder of a vocabulary, to measure the share of unknown tokens with."""
    output: Path | None = None
    """Folder for the report and the histogram of lengths."""
    json: Path | None = None
    """Also write the report to this file."""


@dataclass(frozen=True)
class Prepare:
    """Make a corpus of any size ready for training: clean, filter, shuffle, tokenise, and write shards.

    Memory is bounded whatever the corpus; what is needed is disk, about twice the size of its text. The same command
    again goes on where it was stopped. `translate --train.shards DIR` trains on what it wrote.
    """

    output: Path
    """Folder for shards, vocabulary and manifest."""
    train: Files = Files()
    """Raw pairs."""
    max_characters: int = 5000
    """Longest side of a pair; longer ones are unusable, as an empty side or broken UTF-8 is."""
    max_ratio: float = 9.0
    """The longer side has at most so many times the characters of the shorter."""
    source_script: tuple[str, ...] = ()
    """Unicode's names of the scripts the source is written in, such as Latin, or Han Hiragana Katakana."""
    target_script: tuple[str, ...] = ()
    """The same of the target."""
    script_share: float = 0.5
    """Least share of a side's letters in its scripts."""
    duplicates: bool = False
    """Keep pairs that are equal once cleaned; without it the first of them is kept."""
    max_source: int = 256
    """Longest source in ids; longer pairs are left out."""
    max_target: int = 256
    """Longest target in ids."""
    tokens: Vocabulary = Vocabulary()
    """Vocabulary, learned from a sample of what is kept."""
    sample: int = 12_000_000
    """Characters of pairs to learn it from, drawn by hash; learning takes some 30 bytes of memory for each."""
    vocabulary: Path | None = None
    """Instead: a run, or the folder of a vocabulary, whose vocabularies are taken."""
    shards: int | None = None
    """How many to write; nothing means one for each 16 MiB of text."""
    seed: int = 0
    """Of the order of the pairs."""
    jobs: int | None = None
    """Processes; nothing means as many as cores. Not a byte of the output depends on it."""
    runner: Literal["local", "beam"] = "local"
    """`beam` has Apache Beam read, clean and write (extra `beam`), on machines that share these folders."""
    beam: tuple[str, ...] = ()
    """Options of Beam, as `--beam runner=FlinkRunner parallelism=64`; nothing means its DirectRunner."""
    json: Path | None = None
    """Also write the figures to this file."""

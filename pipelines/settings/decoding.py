"""What trained models are told: to be scored, exported, and asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from pipelines.settings.training import Policy, Tokenize


@dataclass(frozen=True)
class Strategy:
    """How outputs are looked for."""

    search: Literal["greedy", "beam", "diverse", "sample"] | None = None
    """The likeliest token at every step, the likeliest output, beams that keep apart, or random draws."""
    beam: int | None = None
    """Width of the beam, or of all diverse beams together."""
    length_penalty: float | None = None
    """Exponent of the length penalty of beams: 0 prefers short output."""
    coverage_penalty: float | None = None
    """Of a beam: larger prefers output that looked at all of the source."""
    groups: int | None = None
    """Diverse beams; they divide the width."""
    diversity: float | None = None
    """What a diverse beam pays for saying what another one just said."""
    temperature: float | None = None
    """Of sampling: below 1 keeps to what is likely, above 1 strays."""
    top_k: int | None = None
    """Draw from so many of the likeliest tokens."""
    top_p: float | None = None
    """Draw from the fewest likeliest tokens that have so much of the probability together."""
    min_p: float | None = None
    """Draw from tokens with at least this share of the probability of the likeliest."""
    best_of: int | None = None
    """Draw so many outputs and keep the likeliest."""
    seed: int | None = None
    """Of sampling: the same seed draws the same."""


@dataclass(frozen=True)
class Rules:
    """What may be said, whatever the search. Lengths count tokens, ends not included."""

    min_length: int | None = None
    """Fewest tokens of an output."""
    max_length: int | None = None
    """Most tokens of an output; it still ends as it should."""
    min_ratio: float | None = None
    """Fewest tokens of an output for each token of its source."""
    max_ratio: float | None = None
    """Most tokens of an output for each token of its source."""
    no_repeat: int | None = None
    """Say no so many tokens in a row twice."""
    repetition_penalty: float | None = None
    """Multiplies the log probability of what was said before; 1 is off."""
    ban: tuple[str, ...] = ()
    """Words or phrases never to say, each in quotes; spelled as the vocabulary spells them in running text."""
    must: tuple[str, ...] = ()
    """Words or phrases that every output must hold, by a beam; each of their tokens adds a beam to the work."""
    only: Path | None = None
    """File of texts: nothing but their tokens may be said."""
    prefix: str | None = None
    """How every output must begin."""


@dataclass(frozen=True)
class Evaluate:
    """Score a run on a test set: BLEU and chrF with signatures, by source length, with samples."""

    run: Path
    """Folder of the run."""
    source: Path
    """Test sentences, one a line."""
    reference: tuple[Path, ...]
    """One or more files of references, aligned with the source."""
    output: Path | None = None
    """Folder for outputs, report and plot; nothing means evaluations/NAME in the run."""
    tokenize: Tokenize = "13a"
    """sacreBLEU's tokeniser; none for text that is tokenised already."""
    compare: Path | None = None
    """Outputs of another system for the same source (a file, or a run evaluated on it): paired bootstrap test."""
    samples: int = 5
    """Translations to show."""
    batch: int = 32
    """Sentences decoded at once."""
    json: Path | None = None
    """Also write the report to this file."""
    strategy: OmitArgPrefixes[Strategy] = Strategy()
    """How outputs are looked for; what is not given is as the run was saved."""
    rules: OmitArgPrefixes[Rules] = Rules()
    """What may be said, whatever the search; lengths count tokens, ends not included."""


@dataclass(frozen=True)
class Export:
    """Write a run as a SavedModel that takes strings and returns strings, and check it in a fresh process."""

    run: Path
    """Folder of the run."""
    to: Path
    """Folder to write, in the form name/version; must not exist."""
    format: Literal["saved_model", "ctranslate2"] = "saved_model"
    """TensorFlow's, or that of CTranslate2, which is for Transformers and is given pieces in place of texts."""
    precision: Policy | None = None
    """What it computes in, wherever it was trained; nothing keeps the training's. CPUs answer faster in float32."""
    replace_unknown: bool = False
    """Name words that the vocabulary lacks by the source words that attention points at; where words are the units."""
    json: Path | None = None
    """Also write the figures to this file."""
    strategy: OmitArgPrefixes[Strategy] = Strategy()
    """How outputs are looked for; what is not given is as the run was saved."""
    rules: OmitArgPrefixes[Rules] = Rules()
    """What may be said, whatever the search; lengths count tokens, ends not included."""


@dataclass(frozen=True)
class Generate:
    """Translate standard input, line by line in order, to standard output."""

    model: Path
    """Exported SavedModel, or the folder of a run; with --url the name of a model there."""
    url: str | None = None
    """A running server, as http://127.0.0.1:8501 for REST or grpc://127.0.0.1:8500."""
    token_file: Path | None = None
    """First line: the token that the server wants."""
    ensemble: tuple[Path, ...] = ()
    """Further runs with the same vocabularies: the mean of all probabilities decides."""
    n_best: int = 1
    """Outputs a line; from 2 on, written as line number, score and text with TABs between."""
    mbr: int | None = None
    """Draw so many outputs, by --search sample, and say the one most like the others (minimum Bayes risk, chrF)."""
    stream: bool = False
    """Write each text while it grows; by greedy search or sampling, line by line."""
    alignments: Path | None = None
    """Folder for a picture of each line: where the model looked for every token it said."""
    replace_unknown: bool = False
    """Name words that the vocabulary lacks by the source words that attention points at; where words are the units."""
    batch: int = 32
    """Sentences decoded at once."""
    jit: bool = False
    """Compile the search of a run: seconds for each batch size and length, then --batch 1 is about 3 times as fast."""
    json: Path | None = None
    """Write the figures to this file."""
    strategy: OmitArgPrefixes[Strategy] = Strategy()
    """How outputs are looked for; what is not given is as saved. A SavedModel has its own search; of it may be asked
    greedy search, and --search sample with --temperature, --top-k, --top-p, --min-p and --seed."""
    rules: OmitArgPrefixes[Rules] = Rules()
    """What may be said, whatever the search; lengths count tokens, ends not included. A SavedModel has its own rules;
    of it may be asked a --prefix."""

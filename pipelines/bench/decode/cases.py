"""What a bench of decoding is about: models, sentences, and the cases in which each system decodes them."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from pipelines import runs
from pipelines.bench import corpora
from pipelines.bench.fit import HEADS
from pipelines.settings import BenchDecode
from seq2seq_keras import data, decode, models, tokens
from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import TextToText

_TEXTS = 5_000
"""Made-up pairs that a vocabulary is learned from."""
_NEVER = -100.0
"""Logit of what a model of random weights must not say."""


class Case(NamedTuple):
    """One way to decode."""

    kind: str
    """`greedy` or `beam`."""
    search: Any
    batch: int
    order: str
    """`sorted`, `unsorted`, or `any` where there is nothing to sort."""

    @property
    def name(self) -> str:
        how = f"beam {self.search.width}" if self.kind == "beam" else self.kind
        return f"{how}, {self.batch}" + ("" if self.order == "any" else f" {self.order}")


class Subject(NamedTuple):
    """A model to decode with."""

    name: str
    task: TextToText


def cases(settings: BenchDecode) -> list[Case]:
    """All combinations; batches of one have no order."""
    found = []
    for kind in dict.fromkeys(settings.search):
        for batch in dict.fromkeys(settings.batch):
            orders = ["any"] if batch == 1 else dict.fromkeys(settings.order)
            found += [Case(kind, search(kind, settings), batch, order) for order in orders]
    return found


def search(kind: str, settings: BenchDecode):
    """The search that a word means."""
    return decode.Greedy() if kind == "greedy" else decode.Beam(settings.beam, settings.length_penalty)


def subjects(settings: BenchDecode) -> Iterator[Subject]:
    """The runs, or models of random weights, one after the other."""
    for run in settings.run:
        task = TextToText.load(runs.model_folder(run))
        task.search = search("beam" if "beam" in settings.search else "greedy", settings)
        yield Subject(run.name, task)
    if not settings.run:
        corpus = corpora.made_up(_TEXTS)
        # Of both sides: one alone has no 8,000 pieces.
        tokenizer = tokens.learn("sentencepiece", [*corpus.source, *corpus.target], size=settings.vocabulary)
        for family in dict.fromkeys(settings.family):
            yield Subject(family, untrained(family, tokenizer, settings))


def untrained(family: str, tokenizer: tokens.Tokenizer, settings: BenchDecode) -> TextToText:
    """A model of random weights that never ends: every output has `max_length` ids, in every system."""
    keras.utils.set_random_seed(0)
    options = {"heads": HEADS} if family == "transformer" else {}
    model = getattr(models, family)(tokenizer.size, width=settings.width, depth=settings.depth, tied=False, **options)
    _silence(model)
    how = search("beam" if "beam" in settings.search else "greedy", settings)
    return TextToText(model, tokenizer, search=how, max_length=settings.max_length)


def sentences(settings: BenchDecode) -> list[str]:
    """What is decoded, as many as fill every batch."""
    whole = math.lcm(*settings.batch)
    if settings.source is None:
        texts = corpora.made_up(settings.sentences, seed=1).source
    else:
        texts = [line for line in data.read_lines(settings.source) if line.strip()][: settings.sentences]
    if len(texts) < whole:
        raise InputError(
            f"{len(texts):,} sentences do not fill batches of {' and '.join(map(str, settings.batch))}",
            where=settings.source,
            expected=f"at least {whole:,}",
            remedy="raise --sentences, or give a longer --source",
        )
    return texts[: len(texts) // whole * whole]


def batches(texts: list[str], case: Case) -> list[list[str]]:
    """The sentences in the order and the batches of a case."""
    if case.order == "sorted":
        texts = sorted(texts, key=len)
    return [texts[begin : begin + case.batch] for begin in range(0, len(texts), case.batch)]


def _silence(model: models.Seq2Seq) -> None:
    """Makes the first of the numbers that are scored 1 for ever, and gives it a say in the special ids alone."""
    decoder = model.decoder
    if hasattr(decoder, "norm"):
        _set(decoder.norm.gamma, 0, 0.0)
        _set(decoder.norm.beta, 0, 1.0)
    else:
        _set(decoder.join.kernel, (slice(None), 0), 0.0)
        _set(decoder.join.bias, 0, 20.0)  # whose tanh is 1
    _set(model.embedding.reverse_embeddings, 0, 0.0)
    _set(model.embedding.reverse_embeddings, (0, [PAD, BOS, EOS]), _NEVER)


def _set(weight, place, value: float) -> None:
    array = keras.ops.convert_to_numpy(weight).copy()
    array[place] = value
    weight.assign(array)

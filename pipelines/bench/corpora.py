"""The pairs a bench trains on: the user's, or made-up ones of Multi30k's lengths."""

from typing import NamedTuple

import numpy as np

from pipelines import steps
from pipelines.settings import Bench
from seq2seq_keras import data, tokens

LETTERS = ("aeinorst", "abeghikl")
"""Of the words of either side."""
WORDS = 10_000
"""Different made-up words of each side, about as many as Multi30k has."""
LONGEST = 256
"""Most ids of a sentence, EOS included; longer pairs are left out."""


class Material(NamedTuple):
    """What every turn trains on."""

    name: str
    examples: data.Examples
    vocabulary: int

    @property
    def lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """Source and target lengths, (n,) each, EOS included."""
        return self.examples.source.lengths, self.examples.target.lengths + 1


def prepare(settings: Bench) -> Material:
    """Pairs as ids of one shared SentencePiece vocabulary, learned from them."""
    corpus = steps.read(settings.train, "train")
    if corpus is None:
        corpus = made_up(settings.pairs)
        name = "made-up pairs"
    else:
        files = (settings.train.tsv, settings.train.source, settings.train.target)
        name = " and ".join(file.name for file in files if file)  # no folders in a table that others read
    tokenizer = tokens.learn("sentencepiece", [*corpus.source, *corpus.target], size=settings.vocabulary)
    examples = tokens.pairs(corpus, tokenizer, tokenizer, LONGEST, LONGEST)
    return Material(name, examples, tokenizer.size)


def made_up(count: int, seed: int = 0) -> data.Corpus:
    """Sentences of Zipf-distributed words, 13 a sentence on average; a target is about as long as its source."""
    random = np.random.default_rng(seed)
    sides = [
        sentences(random, words(random, letters), sizes) for letters, sizes in zip(LETTERS, sizes_of(random, count))
    ]
    return data.Corpus(*sides, list(range(1, count + 1)), {}, "made-up")


def sizes_of(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Words of the sources and of the targets of so many pairs."""
    lengths = np.clip(np.rint(random.gamma(10.0, 1.3, count)), 3, 40).astype(int)
    return lengths, np.clip(lengths + np.rint(random.normal(0.0, 1.5, count)).astype(int), 3, 40)


def words(random: np.random.Generator, letters: str) -> np.ndarray:
    """(WORDS,) made-up words."""
    return np.array(["".join(random.choice(list(letters), size)) for size in random.integers(2, 10, WORDS)])


def sentences(random: np.random.Generator, words: np.ndarray, lengths: np.ndarray) -> list[str]:
    """Sentences of these numbers of words; the first words are the most frequent."""
    ranks = 1.0 / np.arange(1, WORDS + 1)
    drawn = random.choice(words, int(lengths.sum()), p=ranks / ranks.sum())
    return [" ".join(part) for part in np.split(drawn, np.cumsum(lengths)[:-1])]

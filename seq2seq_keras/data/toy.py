"""Small tasks with a known answer: for tests and first runs."""

import numpy as np

from seq2seq_keras.data.corpus import Corpus

LETTERS = "abcdefgh"


def copy_pairs(count: int, seed: int = 0, alphabet: str = LETTERS, lengths: tuple[int, int] = (2, 6)) -> Corpus:
    """Random letters with a blank between them; the target is the source.

    Args:
        count: pairs.
        seed: same seed, same pairs.
        alphabet: letters to draw from.
        lengths: fewest and most letters of a pair.
    """
    random = np.random.default_rng(seed)
    sizes = random.integers(lengths[0], lengths[1] + 1, size=count)
    texts = [" ".join(random.choice(list(alphabet), size)) for size in sizes]
    return Corpus(texts, list(texts), list(range(1, count + 1)), {}, "copy")


def reverse_pairs(count: int, seed: int = 0, alphabet: str = LETTERS, lengths: tuple[int, int] = (2, 6)) -> Corpus:
    """As `copy_pairs`, but the target is the source backwards."""
    same = copy_pairs(count, seed, alphabet, lengths)
    return Corpus(same.source, [text[::-1] for text in same.source], same.lines, {}, "reverse")


def sort_pairs(count: int, seed: int = 0, alphabet: str = LETTERS, lengths: tuple[int, int] = (2, 6)) -> Corpus:
    """As `copy_pairs`, but the target has the letters in the order of the alphabet."""
    same = copy_pairs(count, seed, alphabet, lengths)
    targets = [" ".join(sorted(text.split(), key=alphabet.index)) for text in same.source]
    return Corpus(same.source, targets, same.lines, {}, "sort")

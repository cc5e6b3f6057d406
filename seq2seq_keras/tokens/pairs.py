"""Raw pairs to ids."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from seq2seq_keras.context import EOS, PAD
from seq2seq_keras.data import Corpus, Examples, Ragged
from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens.normal import chunks, strings
from seq2seq_keras.tokens.tokenizer import Tokenizer


def pairs(
    corpus: Corpus, source: Tokenizer, target: Tokenizer, max_source: int = 256, max_target: int = 256
) -> Examples:
    """Encodes a corpus and leaves out what is too long; how many, and why, is counted.

    Args:
        corpus: raw pairs.
        source: tokenizer of the source side.
        target: tokenizer of the target side; may be the same one.
        max_source: most source ids of a pair, EOS included.
        max_target: most target ids of a pair, EOS included.

    Raises:
        InputError: nothing is left.
    """
    examples, left_out = encode_pairs(corpus.source, corpus.target, source, target, max_source, max_target)
    filtered = {reason: int(rows.sum()) for reason, rows in left_out.items()}
    if not len(examples):
        why = ", ".join(f"{reason}: {count:,}" for reason, count in filtered.items() if count)
        raise InputError(
            f"no pair is left of {len(corpus):,} ({why})", where=corpus.name, remedy="raise the length limits"
        )
    return Examples(examples.source, examples.target, filtered)


def encode_pairs(
    sources: Iterable, targets: Iterable, source: Tokenizer, target: Tokenizer, max_source: int, max_target: int
) -> tuple[Examples, dict[str, np.ndarray]]:
    """As `pairs`, of str or of UTF-8 bytes, and which pairs are left out.

    Returns:
        examples, maybe none; and reason to the (n,) bool mask of the pairs left out for it. No pair has two reasons.
    """
    left, right = encode_all(sources, source), encode_all(targets, target)
    empty = (left.lengths == 0) | (right.lengths == 0)
    long_source = ~empty & (left.lengths >= max_source)
    long_target = ~empty & ~long_source & (right.lengths >= max_target)
    keep = ~(empty | long_source | long_target)
    left_out = {
        "empty": empty,
        f"source over {max_source} ids": long_source,
        f"target over {max_target} ids": long_target,
    }
    return Examples(_end(left.keep(keep)), right.keep(keep)), left_out


def encode_all(texts: Iterable[str], tokenizer: Tokenizer) -> Ragged:
    """Ids of many texts, without BOS and EOS, in memory."""
    parts = [tokenizer.encode(chunk) for chunk in chunks(texts)]
    lengths = [part.row_lengths().numpy() for part in parts]
    values = np.concatenate([np.zeros(0, np.int32), *(part.values.numpy() for part in parts)])
    splits = np.cumsum(np.concatenate([[0], *lengths]), dtype=np.int64)
    return Ragged(values, splits)


def prepare(texts, tokenizer: Tokenizer, max_source: int) -> tf.Tensor:
    """(B,) string, or a list of str, to the (B, S) int32 source ids a model takes, in a graph or out of it.

    Every row ends with EOS, an empty text too; a text over `max_source` ids loses its end, never its EOS.
    """
    ids = tokenizer.encode(strings(texts))[:, : max_source - 1]
    ends = tf.fill([ids.nrows(), 1], EOS)
    return tf.concat([ids, ends], axis=1).to_tensor(PAD)


def _end(rows: Ragged) -> Ragged:
    """Every row with EOS after it."""
    values = np.insert(rows.values, rows.splits[1:], EOS)
    return Ragged(values, rows.splits + np.arange(len(rows.splits)))

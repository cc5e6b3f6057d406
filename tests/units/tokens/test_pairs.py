"""Raw pairs to ids: what is left out is counted, what is too long at use loses its end."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import tokens
from seq2seq_keras.context import EOS, PAD
from seq2seq_keras.data import Corpus
from seq2seq_keras.errors import InputError

WORDS = tokens.Words([*tokens.SPECIALS, "a", "b", "c"])


def corpus(*rows: tuple[str, str]) -> Corpus:
    source, target = map(list, zip(*rows, strict=True))
    return Corpus(source, target, list(range(1, len(rows) + 1)), {}, "toy")


def test_sources_end_with_end_and_targets_are_bare():
    examples = tokens.pairs(corpus(("a b", "c"), ("c", "b a z")), WORDS, WORDS)
    assert [row.tolist() for row in examples.source] == [[4, 5, EOS], [6, EOS]]
    assert [row.tolist() for row in examples.target] == [[6], [5, 4, 1]]
    assert examples.source.values.dtype == examples.target.values.dtype == np.int32
    assert len(examples) == 2
    assert set(examples.filtered.values()) == {0}


def test_each_side_has_its_own_vocabulary():
    examples = tokens.pairs(corpus(("a", "a")), WORDS, tokens.Bytes())
    assert (examples.source[0].tolist(), examples.target[0].tolist()) == ([4, EOS], [ord("a") + 4])


def test_pairs_left_out_are_counted_once_with_their_reason():
    rows = corpus(("a a", "b"), ("\u3000", "b"), ("a", ""), ("a a a", "b b b b"), ("a", "b b b"), ("b", "b b"))
    examples = tokens.pairs(rows, WORDS, WORDS, max_source=3, max_target=3)
    assert examples.filtered == {"empty": 2, "source over 3 ids": 1, "target over 3 ids": 1}
    assert [row.tolist() for row in examples.source] == [[4, 4, EOS], [5, EOS]]
    assert [row.tolist() for row in examples.target] == [[5], [5, 5]]


def test_limits_count_the_end():
    rows = corpus(("a a", "b b"))
    assert len(tokens.pairs(rows, WORDS, WORDS, 3, 3)) == 1
    for limits in ((2, 3), (3, 2)):
        with pytest.raises(InputError, match="no pair is left of 1"):
            tokens.pairs(rows, WORDS, WORDS, *limits)


def test_nothing_left_names_corpus_reasons_and_remedy():
    rows = corpus(("a a", "b"), ("a", "b b b"), ("", "b"))
    with pytest.raises(InputError) as error:
        tokens.pairs(rows, WORDS, WORDS, 2, 2)
    for part in ("toy: no pair is left of 3", "empty: 1", "source over 2 ids: 1", "target over 2 ids: 1", "Raise"):
        assert part in str(error.value)


def test_many_texts_are_encoded_as_few_are():
    texts = ["a b c", "", "c"] * 3_000  # more than are worked on at once
    rows = tokens.encode_all(texts, WORDS)
    assert len(rows) == 9_000
    assert [rows[row].tolist() for row in (0, 1, 2, 8_997, 8_998, 8_999)] == [[4, 5, 6], [], [6]] * 2
    assert rows.lengths.sum() == 12_000
    assert len(tokens.encode_all([], WORDS)) == 0
    assert len(tokens.encode_all(iter(["a", "b"]), WORDS)) == 2


def test_prepared_rows_end_with_end_and_lose_their_own_end():
    found = tokens.prepare(["a b c", "a", "", "a b"], WORDS, 3)
    assert found.dtype == tf.int32
    assert found.numpy().tolist() == [[4, 5, EOS], [4, EOS, PAD], [EOS, PAD, PAD], [4, 5, EOS]]
    assert tokens.prepare(["a b c", ""], WORDS, 1).numpy().tolist() == [[EOS], [EOS]]


def test_a_batch_of_empty_texts_and_an_empty_batch_are_prepared():
    assert tokens.prepare(["", ""], WORDS, 5).numpy().tolist() == [[EOS], [EOS]]
    assert tokens.prepare([], WORDS, 5).shape[0] == 0


def test_prepared_is_what_training_saw():
    texts = ["a b", "c", "b c a"]
    examples = tokens.pairs(corpus(*((text, "a") for text in texts)), WORDS, WORDS)
    for row, found in zip(examples.source, tokens.prepare(texts, WORDS, 256).numpy(), strict=True):
        assert found[: len(row)].tolist() == row.tolist()
        assert (found[len(row) :] == PAD).all()

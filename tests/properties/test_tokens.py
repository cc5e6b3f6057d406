"""Tokenizers over all of Unicode: what comes back is the normalised text, and any ids give valid text."""

import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq_keras import tokens
from seq2seq_keras.context import UNK
from seq2seq_keras.errors import InputError

FORMS = ("nfkc", "lower_nfkc", "nfc", None)
BLANK = "\N{LOWER ONE EIGHTH BLOCK}"
TEXT = st.text(max_size=30) | st.text("ab\u0301\u00a8\u2028\x85\x0b\x1c\u3000 <>#\ufb01\u0130\u03a3", max_size=20)
TEXTS = st.lists(TEXT, min_size=1, max_size=8)
LEARNED = ["the cat sat on the mat", "a käse", "<0x41> ## #a"] * 3
PIECES = {
    (form, model): tokens.SentencePiece.learn(LEARNED, 320, model_type=model, normalize=form)
    for form in FORMS
    for model in ("unigram", "bpe")
}
BYTES = {form: tokens.Bytes(form) for form in FORMS}
quick = settings(deadline=None, max_examples=60)


def said(tensor) -> list[str]:
    return [text.decode("utf-8") for text in tensor.numpy()]


def returned(tokenizer, texts) -> list[str]:
    return said(tokenizer.decode(tokenizer.encode(texts)))


@quick
@given(TEXTS, st.sampled_from(FORMS))
@example(["\0", "\ufffe\uffff", "\U0010ffff", " \u0301", "\ud800"], None)
def test_bytes_come_back_as_the_normalised_text(texts, form):
    assert returned(BYTES[form], texts) == said(BYTES[form].normalized(texts))


@quick
@given(TEXTS)
def test_bytes_without_a_normal_form_come_back_exactly(texts):
    assert returned(BYTES[None], texts) == texts


@quick
@given(TEXTS, st.sampled_from(FORMS))
def test_normalising_what_is_normal_changes_nothing(texts, form):
    once = said(BYTES[form].normalized(texts))
    assert said(BYTES[form].normalized(once)) == once


@quick
@given(TEXTS, st.sampled_from(FORMS[:3]))
def test_normal_text_has_single_blanks_inside_and_no_other_white_space(texts, form):
    for text in said(BYTES[form].normalized(texts)):
        assert not set(text) & set("\t\n\x0b\x0c\r\x85\xa0\u1680\u2000\u2028\u2029\u202f\u205f\u3000")
        assert "  " not in text and text == text.strip(" ")


@quick
@given(TEXTS, st.sampled_from(FORMS))
@example(["\0a", "a\0"], None)
def test_characters_of_a_known_alphabet_come_back(texts, form):
    try:
        tokenizer = tokens.Characters.learn(texts, normalize=form)
    except InputError:
        assert not any(said(BYTES[form].normalized(texts)))
        return
    assert returned(tokenizer, texts) == said(tokenizer.normalized(texts))
    assert UNK not in tokenizer.encode(texts).flat_values.numpy()


@quick
@given(TEXTS, st.sampled_from(sorted(PIECES, key=str)))
@example(["\0", "a\0b", "<0x41>", "<pad><unk><bos><eos>", "  a  ", "\t\n"], (None, "unigram"))
@example(["\0", "a\0b", "<0x41>", "<pad><unk><bos><eos>", "  a  ", "\t\n"], (None, "bpe"))
def test_sentencepiece_with_byte_fallback_brings_every_text_back(texts, which):
    tokenizer = PIECES[which]
    normal = [text.replace(BLANK, " ") for text in said(tokenizer.normalized(texts))]
    assert returned(tokenizer, texts) == normal
    assert UNK not in tokenizer.encode(texts).flat_values.numpy()


@settings(quick, max_examples=25)
@given(TEXTS, st.sampled_from(FORMS[:3]), st.sampled_from(["words", "wordpiece"]))
@example(["## #a ##a", "a##", "<pad> <unk>x"], "nfkc", "wordpiece")
@example(["\u2581 a\u2581b", "\0 b\0"], "nfkc", "wordpiece")
@example(["\x11\U000a3c25", "b\x11", "\x11"], "nfkc", "wordpiece")  # without care for U+0011 the library crashes
@example(["\0 b\0"], "nfkc", "words")
def test_words_and_wordpiece_bring_back_what_they_hold(texts, form, kind):
    normal = said(BYTES[form].normalized(texts))
    texts = [*texts, "a"]
    tokenizer = tokens.learn(kind, texts, size=2_000, normalize=form)
    never = set(tokens.SPECIALS) if kind == "words" else {"\0", "\x11"}
    shown = [text for text in normal if not set(text if kind == "wordpiece" else text.split(" ")) & never]
    assert returned(tokenizer, shown) == shown


@settings(quick, max_examples=25)
@given(TEXTS, st.sampled_from(["unigram", "bpe"]))
@example(["\0", "a\0b"], "unigram")
@example(["\u2581"], "bpe")
def test_sentencepiece_learns_from_any_text_and_brings_it_back(texts, model):
    texts = [*texts, "a"]
    tokenizer = tokens.SentencePiece.learn(texts, 1_000, model_type=model)
    assert returned(tokenizer, texts) == [text.replace(BLANK, " ") for text in said(tokenizer.normalized(texts))]


@pytest.mark.parametrize("kind", tokens.KINDS)
def test_any_ids_are_decoded_to_valid_text_and_any_bytes_encoded(kind):
    tokenizer = tokens.learn(kind, LEARNED, size=320)

    @quick
    @given(st.lists(st.lists(st.integers(-3, 330), min_size=6, max_size=6), max_size=6))
    def decoded(rows):
        assert len(said(tokenizer.decode(tf.constant(rows, tf.int32, shape=[len(rows), 6])))) == len(rows)

    @quick
    @given(st.lists(st.binary(max_size=20), max_size=6))
    def encoded(texts):
        ids = tokenizer.encode(tf.constant(texts, tf.string, shape=[len(texts)]))
        assert ids.nrows() == len(texts)
        assert all(0 < value < tokenizer.size for value in ids.flat_values.numpy())
        said(tokenizer.decode(ids))

    decoded()
    encoded()

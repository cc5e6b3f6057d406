"""What all five kinds of tokenizer share, and what each promises alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import tokens
from seq2seq_keras.context import BOS, EOS, PAD, UNK
from seq2seq_keras.errors import InputError

TEXTS = ["the cat sat", "a cat sat on the mat", "the mat", "käse ist gut", "1 2 3 4 5 6 7 8"] * 4
SIZES = {"sentencepiece": 300, "wordpiece": 80}
KINDS = tuple(tokens.KINDS)
INVALID = [b"a\xffb", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80\x80", b"cat \xe2\x96"]


def make(kind: str, texts=TEXTS, **options) -> tokens.Tokenizer:
    if kind in SIZES:
        options.setdefault("size", SIZES[kind])
    return tokens.learn(kind, texts, **options)


@pytest.fixture(scope="module")
def made() -> dict[str, tokens.Tokenizer]:
    return {kind: make(kind) for kind in KINDS}


@pytest.fixture(params=KINDS)
def one(request, made) -> tokens.Tokenizer:
    return made[request.param]


def said(tensor) -> list[str]:
    return [text.decode("utf-8") for text in tensor.numpy()]


def ids(tokenizer, texts) -> list[list[int]]:
    return tokenizer.encode(texts).to_list()


def test_special_pieces_have_the_ids_of_the_package(one):
    assert (PAD, UNK, BOS, EOS) == (0, 1, 2, 3)
    assert tuple(one.pieces[:4]) == tokens.SPECIALS
    assert one.size == len(one.pieces) == len(set(one.pieces))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sentencepiece", {"\u2581t": "t", "ing": None, "king": None, ",": ",", "\u2581": None, "<0x41>": None}),
        ("wordpiece", {"king": "king", "th": "th", "##king": None, "##g": None, "##,": ","}),
        ("words", {"king.": "king.", "(ping)": "(ping)"}),
        ("characters", {"k": "k", ",": ",", " ": " "}),
        ("bytes", {"<0x41>": "A", "<0xC3>": None}),
    ],
)
def test_an_id_says_which_word_it_stands_for_by_itself(kind, expected):
    size = {"size": 300} if kind == "sentencepiece" else {}
    tokenizer = make(kind, ["walking, talking, king.", "thing, ring; (ping)"] * 9, **size)
    assert len(tokenizer.words) == tokenizer.size and tokenizer.words[:4] == [None] * 4
    found = dict(zip(tokenizer.pieces, tokenizer.words))
    assert {piece: found[piece] for piece in expected} == expected


def test_known_text_comes_back(one):
    assert said(one.decode(one.encode(TEXTS))) == said(one.normalized(TEXTS)) == TEXTS
    assert not one.unknown(one.encode(TEXTS[:3]).flat_values.numpy()).any()


def test_ids_are_int32_in_rows_without_special_ids(one):
    encoded = one.encode(TEXTS)
    assert encoded.dtype == tf.int32
    assert encoded.shape.rank == 2
    assert 4 <= int(tf.reduce_min(encoded)) <= int(tf.reduce_max(encoded)) < one.size


def test_names_of_special_pieces_in_a_text_are_text(one):
    rows = ids(one, ["<pad> <bos> <eos>", "<unk>", "<s></s><0x41>"])
    assert not {PAD, BOS, EOS} & {value for row in rows for value in row}


def test_decoding_ends_at_the_first_end_and_skips_padding_and_begin(one):
    [cat] = ids(one, ["cat"])
    rows = [[BOS, *cat, EOS, *cat, EOS], [PAD, *cat, PAD, PAD, EOS, BOS, UNK], [EOS, *cat, EOS]]
    rows = tf.ragged.constant(rows).to_tensor(PAD).numpy()
    assert said(one.decode(rows)) == ["cat", "cat", ""]
    assert said(one.decode(tf.ragged.constant([[BOS, *cat], [], cat]))) == ["cat", "", "cat"]


def test_ids_that_are_none_are_written_as_unknown(one):
    found, unknown = said(one.decode([[-1, one.size, 10**6], [UNK, UNK, UNK]]))
    assert found == unknown
    assert "\N{DOUBLE QUESTION MARK}" in found or one.kind == "bytes"


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_ids_of_either_width_are_decoded(one, dtype):
    rows = one.encode(["cat sat"]).to_tensor().numpy().astype(dtype)
    assert said(one.decode(rows)) == ["cat sat"]


def test_bytes_that_are_no_text_become_valid_text(one):
    encoded = one.encode(tf.constant(INVALID))
    assert encoded.nrows() == len(INVALID)
    normal, back = said(one.normalized(tf.constant(INVALID))), said(one.decode(encoded))
    assert all("\ufffd" in text for text in normal)
    if one.kind in ("bytes", "sentencepiece"):
        assert back == normal


def test_any_ids_at_all_are_decoded_to_valid_text_in_a_graph_and_without(one):
    rows = np.random.default_rng(0).integers(-2, one.size + 2, (200, 12))
    rows[:50, 6], rows[50:60, 0] = EOS, EOS
    assert [one.written(row) for row in rows] == said(one.decode(rows))
    assert one.written([]) == ""


def test_empty_texts_and_empty_batches_keep_their_shape(one):
    assert ids(one, ["", "cat", "", "   "])[::2] == [[], []]
    assert ids(one, []) == []
    assert one.encode(tf.constant([], tf.string)).to_tensor().shape[0] == 0
    assert said(one.decode(one.encode(["", ""]))) == ["", ""]
    assert said(one.decode(tf.zeros([0, 4], tf.int32))) == []
    assert said(one.decode(tf.zeros([2, 0], tf.int32))) == ["", ""]


def test_graphs_give_the_same_as_python(one):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def both(texts):
        encoded = one.encode(texts)
        return encoded, one.decode(encoded), tokens.prepare(texts, one, 6)

    for texts in (TEXTS, ["", "cat"], []):
        encoded, decoded, prepared = both(tf.constant(texts, tf.string, shape=[len(texts)]))
        assert encoded.to_list() == ids(one, texts)
        assert said(decoded) == texts
        np.testing.assert_array_equal(prepared, tokens.prepare(texts, one, 6))


def test_a_saved_model_keeps_the_tokenizer(one, tmp_path):
    module = tf.Module()
    module.tokenizer = one
    module.both = tf.function(
        lambda texts: one.decode(one.encode(texts)), input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, tmp_path / "model")
    assert said(tf.saved_model.load(tmp_path / "model").both(tf.constant(TEXTS))) == TEXTS


def test_the_same_texts_give_the_same_vocabulary(one):
    again = make(one.kind, iter(TEXTS))
    assert again.pieces == one.pieces
    assert again.content() == one.content()
    assert again.fingerprint == one.fingerprint


def test_other_texts_and_other_normal_forms_give_another_fingerprint(one):
    found = {one.fingerprint, make(one.kind, normalize="lower_nfkc").fingerprint}
    if one.kind != "bytes":
        found.add(make(one.kind, [*TEXTS, "zebra"]).fingerprint)
    assert len(found) == (2 if one.kind == "bytes" else 3)


def test_kinds_have_different_fingerprints(made):
    assert len({tokenizer.fingerprint for tokenizer in made.values()}) == 5


@pytest.mark.parametrize("kind", ["characters", "words", "wordpiece", "sentencepiece"])
@pytest.mark.parametrize("texts", [[], ["", "  ", "\n"]])
def test_no_text_to_learn_from_is_refused(kind, texts):
    with pytest.raises(InputError, match="no text"):
        make(kind, texts)


def test_the_size_is_never_exceeded(one):
    size = {"bytes": 260, "sentencepiece": 290, "wordpiece": 60}.get(one.kind, 9)
    assert make(one.kind, size=size).size <= size
    with pytest.raises(InputError):
        make(one.kind, size=4)


def test_an_unknown_kind_and_an_unknown_normal_form_name_the_choices():
    with pytest.raises(InputError, match="unknown kind of vocabulary 'morse'; expected one of sentencepiece"):
        tokens.learn("morse", TEXTS)
    for kind in KINDS:
        with pytest.raises(InputError, match="normalize is 'nfx'; expected one of 'nfkc'"):
            make(kind, normalize="nfx")


@pytest.mark.parametrize(
    "normalize, wanted",
    [
        ("nfkc", "fi A \u00c4 x y z w"),
        ("lower_nfkc", "fi a \u00e4 x y z w"),
        ("nfc", "\ufb01 \uff21 \u00c4 x y z w"),
        (None, "  \ufb01 \uff21 A\u0308\tx\u3000y\u2028z\x0bw\x85"),
    ],
)
def test_normal_forms_are_what_their_names_say(normalize, wanted):
    text = "  \ufb01 \uff21 A\u0308\tx\u3000y\u2028z\x0bw\x85"
    assert said(tokens.Bytes(normalize).normalized([text])) == [wanted]


def test_lone_surrogates_are_not_an_error(one):
    assert all("\ufffd" in text for text in said(one.normalized(["a\ud800b", "\udfff"])))
    assert len(ids(one, ["a\ud800b", "\udfff"])) == 2


def test_bytes_spell_utf8():
    assert ids(tokens.Bytes(), ["aä"]) == [[97 + 4, 0xC3 + 4, 0xA4 + 4]]
    assert tokens.Bytes().size == 260


def test_characters_are_ordered_by_count_and_unknown_ones_are_unk(made):
    small = tokens.Characters.learn(["bbb aa c"], size=7)
    assert small.pieces[4:] == ["b", " ", "a"]
    assert ids(small, ["abc"]) == [[6, 4, UNK]]
    assert said(small.decode(small.encode(["abc"]))) == ["ab\N{DOUBLE QUESTION MARK}"]
    assert tokens.Characters.learn(["bbb aa c"], min_count=3).pieces[4:] == ["b"]


def test_words_are_ordered_by_count_and_unknown_ones_are_unk():
    small = tokens.Words.learn(["b a b c", "b a <bos>"], size=6)
    assert small.pieces[4:] == ["b", "a"]
    assert ids(small, ["a z b <bos> <unk>"]) == [[5, UNK, 4, UNK, UNK]]
    assert said(small.decode(small.encode(["z a"]))) == ["\N{DOUBLE QUESTION MARK} a"]


def test_wordpiece_takes_the_longest_piece_from_the_left():
    small = tokens.WordPiece([*tokens.SPECIALS, "un", "u", "##n", "##known", "##know"])
    assert ids(small, ["unknown un unx nun"]) == [[4, 7, 4, UNK, UNK]]
    assert said(small.decode(small.encode(["unknown un"]))) == ["unknown un"]


def test_wordpiece_keeps_marks_that_look_like_its_own():
    texts = ["## ### #a ##a a## a##b #"] * 5
    tokenizer = tokens.WordPiece.learn(texts, size=40)
    assert said(tokenizer.decode(tokenizer.encode(texts[:1]))) == texts[:1]


def test_sentencepiece_spells_the_unknown_in_bytes():
    tokenizer = make("sentencepiece")
    encoded = tokenizer.encode(["cat \U0001f600"]).flat_values.numpy()
    assert tokenizer.unknown(encoded).sum() == 4
    assert said(tokenizer.decode([encoded])) == ["cat \U0001f600"]
    without = make("sentencepiece", size=60, byte_fallback=False)
    assert UNK in ids(without, ["cat \U0001f600"])[0]


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_letters_that_look_like_a_byte_piece_are_letters(model_type):
    texts = ["<0x41> <0x41><0x41>", "a <pad><unk>"] * 20
    for fallback, shown in ((True, texts), (False, texts[:1])):
        size = 300 if fallback else 40
        tokenizer = tokens.SentencePiece.learn(texts, size, model_type=model_type, byte_fallback=fallback)
        assert said(tokenizer.decode(tokenizer.encode(shown))) == shown


def test_clearing_keras_session_leaves_the_vocabulary(one):
    graph = tf.function(lambda texts: one.encode(texts).to_tensor())
    before, other = graph(tf.constant(TEXTS)), make(one.kind, ["hat sat"] * 5)
    wanted = ids(other, ["sat"])
    keras.backend.clear_session()
    assert said(one.decode(one.encode(TEXTS))) == TEXTS
    np.testing.assert_array_equal(graph(tf.constant(TEXTS)), before)
    assert ids(other, ["sat"]) == wanted


def test_sentencepiece_refuses_what_it_cannot_learn():
    with pytest.raises(InputError, match="model_type is 'char'; expected unigram or bpe"):
        make("sentencepiece", model_type="char")
    with pytest.raises(InputError, match="no vocabulary of 20 pieces .*larger size"):
        make("sentencepiece", size=20)
    with pytest.raises(InputError, match="no sentencepiece model"):
        tokens.SentencePiece(b"nonsense")


def test_wordpiece_refuses_fewer_pieces_than_characters():
    with pytest.raises(InputError, match="10 pieces do not hold the .* characters .*larger size"):
        make("wordpiece", size=10)


def test_a_vocabulary_with_wrong_pieces_is_refused():
    with pytest.raises(InputError, match="expected <pad> <unk> <bos> <eos>"):
        tokens.Words(["a", "b"])
    with pytest.raises(InputError, match="'a' is in the vocabulary twice"):
        tokens.Words([*tokens.SPECIALS, "a", "b", "a"])


def test_a_word_with_the_mark_of_the_word_piece_library_is_unknown():
    tokenizer = tokens.learn("wordpiece", ["a\x11b ab"], size=100)
    assert not any("\x11" in piece for piece in tokenizer.pieces)
    np.testing.assert_array_equal(tokenizer.encode(["a\x11b", "\x11"]).to_tensor(), [[UNK], [UNK]])
    with pytest.raises(InputError, match="holds a control character"):
        tokens.WordPiece([*tokens.SPECIALS, "\x11"])

"""An export for CTranslate2: the same ids and scores, by an engine that shares no code with ours."""

import json
import sys
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from seq2seq_keras import bridges, decode, decoders, embed, encoders, export, models, tokens
from seq2seq_keras.context import BOS, EOS
from seq2seq_keras.decode.places import speakable
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import agreement, ctranslate2
from seq2seq_keras.export.translator import Translator, pieces
from tests.units.export.conftest import build, characters

pytest.importorskip("ctranslate2", reason="the extra `ctranslate2` is not installed")

MAX_SOURCE, MAX_LENGTH = 9, 7
LIMITS = {"max_source": MAX_SOURCE, "max_length": MAX_LENGTH}
TEXTS = ["abc", "q", "sos", "a longer one than fits", "snow\N{SNOWMAN}", "fig", "ab", "edcba", "jklmnop", "aaaa", "no"]
SHAPES = {
    "shared": dict(seed=4, lean=4.0, source_size=23, depth=2),
    "untied": dict(seed=6, lean=4.0, source_size=23, depth=1, tied=False),
    "two vocabularies, shallow decoder": dict(seed=1, source_size=19, target_size=23, depth=2, decoder_depth=1),
    "other choices": dict(
        **dict(seed=11, lean=4.0, source_size=23, depth=1),
        **dict(norm="post", positions="relative", activation="geglu", memory_heads=1),
    ),
}


class Spoken(NamedTuple):
    """A model that cannot say PAD and BOS, as the exported one."""

    model: Any

    def init_state(self, source, max_length):
        return self.model.init_state(source, max_length)

    def step(self, ids, state):
        logits, state = self.model.step(ids, state)
        return speakable(logits), state


class Both(NamedTuple):
    """A model, and the same in CTranslate2."""

    model: Any
    there: Translator

    def found(self, search, texts=TEXTS) -> tuple[list[str], np.ndarray]:
        """The live model's best texts, and their scores."""
        ids = tokens.prepare(texts, self.there.source, MAX_SOURCE)
        best = decode.generate(Spoken(self.model), ids, search, MAX_LENGTH)
        return [text.decode() for text in self.there.target.decode(best.ids[:, 0]).numpy()], best.scores[:, 0].numpy()


def transformer(seed: int = 1, lean: float = 2.0, **shape):
    """A small model of random weights that says things which depend on the source.

    Args:
        lean: what is added to the logit of EOS, lest it never ends.
    """
    model = models.transformer(width=8, heads=2, inner=12, dropout=0.0, **shape)
    random = np.random.default_rng(seed)
    for weight in model.weights:
        scale = 3.0 if "embed" in weight.path else 1.0
        weight.assign(random.normal(size=weight.shape) * scale + float("gamma" in weight.path))
    table, last = model.target_embedding or model.embedding, model.decoder.norm
    last = model.decoder.layers[-1].feed_forward_norm if last is None else last
    end = table.embeddings[EOS] if table.tied else table.reverse_embeddings[:, EOS]
    last.beta.assign_add(lean * end / np.sum(np.square(end)))
    return model


@pytest.fixture(scope="module", params=SHAPES)
def both(request, tmp_path_factory) -> Both:
    shape = SHAPES[request.param]
    model, source = transformer(**shape), characters(shape["source_size"])
    target = characters(shape["target_size"]) if "target_size" in shape else None
    folder = tmp_path_factory.mktemp("ct2") / "1"
    ctranslate2.write(folder, model, source, target, search=decode.Beam(3), **LIMITS)
    return Both(model, ctranslate2.load(folder, batch=4, compute_type="float32", intra_threads=1))


def test_greedy_search_says_the_same(both):
    ours, scores = both.found(decode.Greedy())
    found = both.there.translate(TEXTS, beam_size=1, length_penalty=0.0, return_scores=True)
    assert both.there.read([result.hypotheses[0] for result in found]) == ours
    np.testing.assert_allclose([result.scores[0] for result in found], scores, atol=1e-4)
    assert len(set(ours)) > 3


def test_a_beam_says_the_same(both):
    """Where it ends: of what is cut short CTranslate2 thinks better than `Beam` does."""
    ours, scores = both.found(decode.Beam(4, length_penalty=0.0))
    found = both.there.translate(TEXTS, beam_size=4, length_penalty=0.0, return_scores=True)
    theirs = both.there.read([result.hypotheses[0] for result in found])
    ended = [place for place, result in enumerate(found) if result.hypotheses[0][-1] == "<eos>"]
    assert [theirs[place] for place in ended] == [ours[place] for place in ended]
    np.testing.assert_allclose([found[place].scores[0] for place in ended], scores[ended], atol=1e-4)
    assert len({theirs[place] for place in ended}) > 2


def test_scores_of_targets_are_the_same(both):
    targets = ["", "abc", "mmm", "a b", "kjihgf"] + ["e"] * (len(TEXTS) - 5)
    source = tokens.prepare(TEXTS, both.there.source, MAX_SOURCE)
    expected = agreement.scores(both.model, source, tokens.prepare(targets, both.there.target, MAX_LENGTH))
    np.testing.assert_allclose(both.there.score(TEXTS, targets), expected, rtol=1e-5, atol=1e-4)
    # And the loop that searches has the same: of what it said in the end.
    ours, scores = both.found(decode.Greedy())
    ended = [place for place, text in enumerate(ours) if len(text) < MAX_LENGTH]
    theirs = both.there.score([TEXTS[place] for place in ended], [ours[place] for place in ended])
    np.testing.assert_allclose(theirs, scores[ended], atol=1e-4)


def test_it_looks_where_the_model_looks(both):
    (found,) = both.there.translate(["abc"], beam_size=1, return_attention=True)
    ids = [BOS, *(both.there.target.pieces.index(piece) for piece in found.hypotheses[0])]
    expected = both.model.attention(tokens.prepare(["abc"], both.there.source, MAX_SOURCE), np.array([ids[:-1]]))
    weights = np.array(found.attention[0])  # without the end of the source
    np.testing.assert_allclose(weights, expected[0, : len(weights), :-1], atol=1e-4)


def test_padding_and_begin_are_never_said(tmp_path):
    """A model that would say nothing else."""
    model = transformer(source_size=23, depth=1)
    table = model.embedding.embeddings.numpy()
    table[[0, 2]] = 9 * np.sign(model.decoder.norm.beta.numpy())
    model.embedding.embeddings.assign(table)
    model.decoder.norm.gamma.assign(np.zeros(8))
    assert set(np.argmax(model({"source": np.array([[4, 3]]), "target": np.array([[2, 5]])}), -1).ravel()) <= {0, 2}
    write(tmp_path, model)
    there = ctranslate2.load(tmp_path / "1", compute_type="float32")
    for said in there.translate(["abc"], beam_size=3, num_hypotheses=3)[0].hypotheses:
        assert said and not {"<pad>", "<bos>"} & set(said)


def test_eight_bits_answer_too(both, tmp_path):
    write(
        tmp_path, both.model, both.there.source, None if both.there.target is both.there.source else both.there.target
    )
    there = ctranslate2.load(tmp_path / "1", compute_type="int8")
    assert len(there.generate(TEXTS)) == len(TEXTS)
    assert there.generate([]) == there.score([], []) == []
    assert there.generate(["", "abc"])[0] == ""


def test_a_model_trained_in_half_precision_is_written_whole(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = models.transformer(23, width=8, depth=1, heads=2)
    folder = write(tmp_path, model, answers={"abc": "cba", "q": ""})
    keras.config.set_dtype_policy("float32")
    exact = models.transformer(23, width=8, depth=1, heads=2)
    exact.set_weights(model.get_weights())
    there = ctranslate2.load(folder, compute_type="float32")
    source, target = (tokens.prepare(text, there.source, MAX_SOURCE) for text in (["abc"], ["cba"]))
    np.testing.assert_allclose(there.score(["abc"], ["cba"]), agreement.scores(exact, source, target), atol=1e-4)


@pytest.mark.parametrize("kind", ["sentencepiece", "wordpiece", "words", "characters", "bytes"])
def test_pieces_of_every_vocabulary_read_as_the_text(kind):
    texts = ["the cat sat on the mat", "a dog ran", "", "Caf\u00e9 \N{SNOWMAN}"]
    vocabulary = tokens.learn(kind, texts[:2] * 4, **({"size": 300} if kind.endswith("piece") else {}))
    there = Translator(None, vocabulary, vocabulary, LIMITS | {"search": {}}, 1)
    expected = [text.decode() for text in vocabulary.decode(vocabulary.encode(texts)).numpy()]
    assert there.read(pieces(texts, vocabulary)) == expected
    assert all(len(row) < MAX_SOURCE for row in there.pieces(texts))


def write(folder, model, source=None, target=None, **more):
    given = {"search": decode.Greedy()} | LIMITS | more
    return ctranslate2.write(folder / "1", model, source or characters(23), target, **given)


def test_what_lies_beside_the_model(tmp_path):
    model, source = transformer(source_size=23, depth=1), characters(23)
    card = export.Card("Letters", notes="For tests.")
    search = decode.Beam(3, length_penalty=0.5)
    folder = write(tmp_path, model, source, search=search, settings={"width": 8}, card=card, answers={"abc": "cba"})
    extra = folder / "assets.extra"
    assert tokens.load(extra / "source").fingerprint == source.fingerprint and not (extra / "target").exists()
    settings = json.loads((extra / "settings.json").read_text())
    assert settings["settings"] == {"width": 8} and settings["max_length"] == MAX_LENGTH
    assert settings["search"] == {"beam_size": 3, "length_penalty": 0.5, "coverage_penalty": 0.0}
    text = (extra / "card.md").read_text()
    for part in ("# Letters", "For tests.", f"{model.count_params():,}", "ctranslate2.load", "SHA-256"):
        assert part in text
    assert "serving_default" not in text
    assert json.loads((folder / "config.json").read_text())["layer_norm_epsilon"] == 1e-6
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_damaged_folder_is_refused(tmp_path):
    folder = write(tmp_path, transformer(source_size=23, depth=1))
    (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match="config.json: its content is not what was written"):
        ctranslate2.load(folder)
    (folder / "model.bin").unlink()
    with pytest.raises(InputError, match="there is no model.bin"):
        ctranslate2.load(folder)
    with pytest.raises(InputError, match="there is no such folder"):
        ctranslate2.load(tmp_path / "nowhere")


def test_other_scores_keep_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(agreement, "scores", lambda *_: np.zeros(1))
    with pytest.raises(RuntimeError, match="CTranslate2 scores a target of 'abc'"):
        write(tmp_path, transformer(source_size=23, depth=1), answers={"abc": "cba"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["lstm", "attention"])
def test_other_families_are_refused(name, tmp_path):
    model, source, _ = build(name)
    with pytest.raises(InputError, match="expected a Transformer"):
        write(tmp_path, model, source)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_other_positions_score_the_same(positions, tmp_path):
    model = transformer(source_size=23, depth=1, positions=positions)
    write(tmp_path, model, answers={"abc": "cba", "longer": "a"})


def made(bridge=bridges.KeepMemory, copy=None, **options):
    """A model of a Transformer's halves; options go to its encoder."""
    halves = (encoders.TransformerEncoder(8, 1, 2, 12, **options), decoders.TransformerDecoder(8, 1, 2, 12))
    return models.Seq2Seq(embed.TokenTable(23, 8), halves[0], bridge(), halves[1], copy=copy)


def test_what_it_has_no_words_for_is_refused(tmp_path):
    for model, found in (
        (made(bridge=lambda: bridges.Summary(bridges.MeanPool())), "with Summary between"),
        (made(copy=decoders.PointerGenerator()), "that copies words"),
    ):
        with pytest.raises(InputError, match=found):
            write(tmp_path, model)
    with pytest.raises(InputError, match="9 is more than the 4 positions of LearnedPositions in the encoder"):
        write(tmp_path, made(positions=embed.LearnedPositions(4)))
    assert list(tmp_path.iterdir()) == []


def test_what_it_cannot_do_is_refused(tmp_path):
    model = transformer(source_size=23, depth=1)
    with pytest.raises(InputError, match="expected greedy or beam search without controls"):
        write(tmp_path, model, search=decode.Beam(controls=(decode.controls.NoRepeat(2),)))
    with pytest.raises(InputError, match="the source vocabulary has 17 entries"):
        write(tmp_path, model, characters(17))
    (tmp_path / "1").mkdir()
    with pytest.raises(InputError, match="there is something already"):
        write(tmp_path, model)


def test_targets_that_cannot_be_scored_are_refused(both):
    with pytest.raises(InputError, match="2 texts and 1 targets"):
        both.there.score(["a", "b"], ["a"])
    with pytest.raises(InputError, match="8 ids with its end; expected at most 7"):
        both.there.score(["a"], ["abcdefg"])


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    for use in (lambda: write(tmp_path, transformer(source_size=23, depth=1)), lambda: ctranslate2.load(tmp_path)):
        with pytest.raises(InputError, match=r"[Pp]ip install 'seq2seq_keras\[ctranslate2\]'"):
            use()

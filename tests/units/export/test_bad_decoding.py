"""Bad input to an export: a defined result or one clear error, and the rest of the batch unharmed."""

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras import decode, export, tokens
from seq2seq_keras.decode import controls
from seq2seq_keras.errors import InputError
from tests.units.export.conftest import MAX_LENGTH, MAX_SOURCE, build

GOOD = ["abc", "q"]
BAD = ["", " \t", "a" * 100_000, "a " * 50_000, "\N{SNOWMAN} \U0001f600", "a\0b", "dead\ud800", "<eos> <pad> <bos>"]


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A beam wider than the vocabulary, a letter that is banned, and a letter whose vector is no number."""
    model, source, target = build("transformer-two-vocabularies")
    (values,) = model.embedding.get_weights()
    values[source.encode(["d"]).to_list()[0]] = np.nan
    model.embedding.set_weights([values])
    banned = controls.Banned((tuple(target.encode(["c"]).to_list()[0]),))
    search = decode.Beam(target.size + 3, n_best=1, controls=(banned, controls.MinLength(1)))
    folder = tmp_path_factory.mktemp("strict") / "1"
    export.write(folder, model, source, target, search=search, max_source=MAX_SOURCE, max_length=MAX_LENGTH)
    return export.load(folder)


def test_any_text_is_answered_and_its_neighbours_are_unharmed(loaded):
    for answer in (loaded.scored, loaded.sample, lambda texts: loaded.scored(texts, "greedy")):
        found, alone = answer([GOOD[0], *BAD, GOOD[1]]), answer(GOOD)
        assert [text for text, (_, score) in zip(BAD, found[1:]) if not np.isfinite(score)] == []
        assert [found[0][0], found[-1][0]] == [text for text, _ in alone]
        np.testing.assert_allclose([found[0][1], found[-1][1]], [score for _, score in alone], rtol=1e-4, atol=1e-4)


def test_a_row_of_nan_is_an_empty_text_and_its_neighbours_are_unharmed(strict):
    for answer in (strict.scored, strict.sample, lambda texts: strict.prefixed(texts, ["a"] * len(texts))):
        found = answer([GOOD[0], "d", GOOD[1]])
        assert found[1] == ("", -np.inf)
        assert [found[0], found[2]] == [pytest.approx(pair) for pair in map(tuple, answer(GOOD))]
    assert strict.nbest(["d"]) == [[("", -np.inf)]]


def test_a_beam_wider_than_the_vocabulary_finds_what_there_is(strict):
    (found,) = strict.nbest(GOOD[:1])
    scores = [score for _, score in found]
    assert len(found) > 5 and scores == sorted(scores, reverse=True) and np.isfinite(scores).all()


def test_rules_of_the_export_hold_for_every_endpoint_that_has_them(strict):
    assert not any("c" in text for text in strict.generate(GOOD))
    assert not any("c" in text for found in strict.nbest(GOOD) for text, _ in found)
    for seed in range(5):
        assert not any("c" in text or not text for text, _ in strict.sample(GOOD, 2.0, seed=seed))


def test_what_is_banned_and_forced_is_an_empty_text(strict):
    found = strict.prefixed(GOOD * 2, ["c", "ac", "a", ""])
    assert found[:2] == [("", -np.inf)] * 2
    assert found[2][0].startswith("a") and found[3][0] == strict.generate(GOOD[1:])[0]


def test_a_prefix_that_fills_the_length_is_refused(loaded):
    room = MAX_LENGTH - 1
    assert loaded.prefixed(["a"], ["b" * room])[0][0].startswith("b" * room)
    with pytest.raises(InputError, match=f"a prefix leaves no room.*at most {MAX_LENGTH}, its end included"):
        loaded.prefixed(["a", "b"], ["b", "b" * MAX_LENGTH])
    with pytest.raises(InputError, match="1 texts and 2 prefixes"):
        loaded.prefixed(["a"], ["a", "b"])
    given = {"text": tokens.strings(["a"]), "prefix": tokens.strings(["b" * 1_000])}
    with pytest.raises(tf.errors.InvalidArgumentError, match="a prefix leaves no room"):
        loaded.signatures["prefixed"](**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"temperature": 0.0}, "temperature must be more than 0"),
        ({"temperature": -1.0}, "temperature must be more than 0"),
        ({"temperature": float("nan")}, "temperature must be more than 0"),
        ({"top_k": -1}, "top_k must be"),
        ({"top_p": 0.0}, "top_p must be"),
        ({"min_p": 2.0}, "min_p must be"),
        ({"seed": -1}, "seed must be"),
    ],
    ids=str,
)
def test_numbers_out_of_their_range_are_refused_in_python(loaded, given, message):
    with pytest.raises(InputError, match=message):
        loaded.sample(GOOD, **given)


@pytest.mark.parametrize(
    "given",
    [
        *({"temperature": number} for number in (0.0, -1.0, float("nan"))),
        {"top_k": 1},
        {"top_p": 0.0},
        {"top_p": -1.0},
        {"min_p": 2.0},
    ],
    ids=str,
)
def test_in_the_graph_they_mean_the_most_likely_id(loaded, given):
    assert drawn(loaded, **given) == [text for text, _ in loaded.scored(GOOD, "greedy")]


def test_in_the_graph_what_leaves_out_nothing_changes_nothing(loaded):
    for given in ({"top_k": -3}, {"top_k": 10_000}, {"top_p": 5.0}, {"min_p": -1.0}):
        assert drawn(loaded, **given) == drawn(loaded)


def drawn(loaded, **given) -> list[str]:
    scalars = {spec.name: tf.constant(given.get(spec.name, default), spec.dtype) for spec, default in defaults()}
    found = loaded.signatures["sample"](text=tokens.strings(GOOD), **scalars)["text"]
    return [text.decode() for text in found.numpy()]


def defaults() -> list[tuple[tf.TensorSpec, float]]:
    return [(spec, export.signatures.SAMPLING[spec.name]) for spec in export.signatures.SCALARS]


def test_an_export_of_an_earlier_version_is_loaded_and_says_what_it_lacks(loaded, monkeypatch):
    class Older:
        signatures = {name: value for name, value in loaded.signatures.items() if name not in ("sample", "prefixed")}

    monkeypatch.setattr(tf.saved_model, "load", lambda folder: Older())
    older = export.load(loaded.folder)
    with pytest.raises(InputError, match="it has no endpoint sample. Export the model anew"):
        older.sample(["a"])
    with pytest.raises(InputError, match="no endpoint prefixed"):
        older.prefixed(["a"], ["a"])

"""Bad input: a defined result or one clear error, and the rest of the batch unharmed."""

import numpy as np
import pytest

from seq2seq_keras import decode
from seq2seq_keras.decode import controls
from seq2seq_keras.errors import InputError
from tests.units.tasks.test_text_to_text import task

GOOD = ["a b c", "h g"]
BAD = ["", " \t", "a " * 50_000, "x" * 100_000, "\N{SNOWMAN} \U0001f600", "a\0b", "dead\ud800", "<eos> <pad> <bos>"]
SEARCHES = [decode.Greedy(), decode.Beam(3), decode.Sample(seed=2)]


@pytest.fixture(scope="module", params=["attention", "transformer"])
def translator(request):
    return task(request.param, search=decode.Beam(3))


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: type(search).__name__)
def test_any_text_is_answered_and_its_neighbours_are_unharmed(translator, search):
    found = translator.nbest([GOOD[0], *BAD, GOOD[1]], search)
    assert [text for text, (first, *_) in zip(BAD, found[1:]) if not np.isfinite(first.score)] == []
    for ours, (theirs,) in zip((found[0], found[-1]), translator.nbest(GOOD, search)):
        assert ours[0].text == theirs.text
        assert ours[0].score == pytest.approx(theirs.score, abs=1e-4)


def test_a_row_of_nan_is_an_empty_output_and_its_neighbours_are_unharmed():
    broken = task(separate=True, search=decode.Beam(3))
    expected = broken.nbest(GOOD)
    table = broken.model.embedding
    (values,) = table.get_weights()
    values[broken.source.encode(["d"]).to_list()[0]] = np.nan
    table.set_weights([values])
    for search in SEARCHES:
        found = broken.nbest([GOOD[0], "d", GOOD[1]], search)
        assert found[1] == [("", -np.inf, (), ())]
        assert all(np.isfinite(outputs[0].score) for outputs in (found[0], found[2]))
    again = broken.nbest([GOOD[0], "d", GOOD[1]])
    assert [outputs[0].text for outputs in (again[0], again[2])] == [outputs[0].text for outputs in expected]
    *_, last = ["", *broken.stream("d")]
    assert last == ""


def test_a_beam_wider_than_the_vocabulary_finds_what_there_is(translator):
    size = translator.target.size
    found = translator.nbest(GOOD, decode.Beam(size + 5, n_best=size + 5))
    for outputs in found:
        scores = [one.score for one in outputs]
        assert scores == sorted(scores, reverse=True) and np.isfinite(scores).all()
        assert len({tuple(one.pieces) for one in outputs}) == len(outputs) > 1


def test_a_prefix_that_fills_the_length_is_refused(translator):
    # Nine ids, and one more, are ten.
    assert translator.generate(["a"], prefixes=["a " * 9])[0].split()[:9] == ["a"] * 9
    with pytest.raises(InputError, match="prefix 2 has 11 ids with its end; expected at most 10"):
        translator.generate(["a", "b"], prefixes=["a", "a " * 10])
    with pytest.raises(InputError, match="2 sources and 1 prefixes"):
        translator.generate(["a", "b"], prefixes=["a"])


def test_a_prefix_of_the_search_that_is_too_long_is_refused(translator):
    with pytest.raises(ValueError, match="prefix"):
        translator.generate(["a"], decode.Greedy((controls.Prefix((5,) * 10),)))


def test_what_is_banned_and_forced_in_one_request_is_an_empty_output(translator):
    banned = translator.target.encode(["c"]).to_list()[0][0]
    search = decode.Beam(2, controls=(controls.Banned(((banned,),)),))
    found = translator.nbest(["a b c", *GOOD], search, prefixes=["c", "", "a"])
    assert found[0] == [("", -np.inf, (), ())]
    assert found[1][0].text == translator.generate(GOOD[:1], search)[0]
    assert found[2][0].text.startswith("a")


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match=r"temperature must be more than 0.*Greedy\(\)"):
        decode.Sample(temperature)


def test_a_beam_that_wants_attention_says_that_there_is_none():
    with pytest.raises(ValueError, match="no attention"):
        task("lstm").generate(["a"], decode.Beam(2, coverage_penalty=0.2))

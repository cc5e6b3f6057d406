"""A word that can be read while it is spelled."""

import numpy as np
import pytest

from seq2seq_keras.context import EOS
from seq2seq_keras.decode import Beam, Greedy, Sample, generate
from seq2seq_keras.decode.controls import Control
from seq2seq_keras.decode.stream import stream
from tests.units.decode.spelling import Tree, letters, read
from tests.units.decode.test_search import ENDLESS, GARDEN_PATH, LONG, SOURCES, stepper


class Never(Control):
    """Forbids one letter."""

    def __init__(self, letter: str):
        self.letter = letters(letter)[0]

    def __call__(self, ranks, said, known):
        return np.where(np.arange(ranks.shape[-1]) == self.letter, -np.inf, ranks)


def spelled(row: int, search=None, max_length: int = 8) -> list[str]:
    more = {} if search is None else {"search": search}
    return [read(ids) for ids in stream(stepper(), SOURCES[row : row + 1], max_length, **more)]


def test_every_step_adds_a_letter():
    assert spelled(0) == ["c", "ca", "cat", "cat."]


def test_what_never_ends_is_cut_at_the_length():
    assert spelled(2, max_length=3) == ["a", "aa", "aaa"]


def test_controls_are_obeyed():
    assert spelled(0, Greedy(controls=(Never("t"),))) == ["c", "ca", "car", "car."]


def test_a_beam_shows_what_it_would_return_now():
    assert spelled(0, Beam(2, 0.0)) == ["c", "do", "dog", "dog."]


@pytest.mark.parametrize("search", [Greedy(), Beam(1), Beam(3, 1.0, n_best=2), Sample(2.0), Sample(count=3)], ids=str)
@pytest.mark.parametrize("row", range(3))
def test_the_last_ids_are_those_that_generate_finds(search, row):
    whole = generate(stepper(), SOURCES[row : row + 1], search, 8)
    assert spelled(row, search)[-1] == read(whole.ids[0, 0, : int(whole.lengths[0, 0])])


def test_no_step_is_taken_before_it_is_asked_for_nor_after_it_is_closed():
    model = Tree([GARDEN_PATH, LONG, ENDLESS], 8)
    growing = stream(model, SOURCES[2:], 8)
    assert model.steps == 0
    assert read(next(growing)) == "a"
    assert read(next(growing)) == "aa"
    assert model.steps == 2
    growing.close()
    assert model.steps == 2
    assert list(growing) == []


def test_where_nothing_can_be_said_the_list_is_empty():
    model = stepper()
    model.logits[0, model.keys.index("c")] = np.nan
    assert [read(ids) for ids in stream(model, SOURCES[:1], 8)] == ["c", ""]


def test_the_end_is_among_the_ids():
    *_, last = stream(stepper(), SOURCES[:1], 8)
    assert last[-1] == EOS


@pytest.mark.parametrize("wrong", [SOURCES, SOURCES[:0], SOURCES[0]], ids=["three", "none", "flat"])
def test_other_than_one_source_is_refused_at_once(wrong):
    with pytest.raises(ValueError, match=r"source must have shape \(1, S\), found"):
        stream(stepper(), wrong, 8)


def test_what_cannot_run_is_refused_at_once():
    with pytest.raises(ValueError, match="max_length must be at least 1, found 0"):
        stream(stepper(), SOURCES[:1], 0)
    with pytest.raises(ValueError, match="no attention"):
        stream(stepper(), SOURCES[:1], 8, Beam(2, coverage_penalty=0.1))

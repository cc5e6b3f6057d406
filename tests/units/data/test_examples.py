"""Rows of different length in two arrays, and the toy tasks."""

import numpy as np
import pytest

from seq2seq_keras.data import Examples, Ragged, copy_pairs, reverse_pairs, sort_pairs

ROWS = [[4, 5], [], [6], [7, 8, 9], []]


def test_rows_come_back_as_they_were():
    ragged = Ragged.from_rows(ROWS)
    assert [ragged[row].tolist() for row in range(5)] == ROWS
    assert ragged[-2].tolist() == [7, 8, 9]
    assert len(ragged) == 5
    assert ragged.lengths.tolist() == [2, 0, 1, 3, 0]
    assert (ragged.values.dtype, ragged.splits.dtype) == (np.int32, np.int64)


def test_iteration_ends_with_the_last_row():
    assert [row.tolist() for row in Ragged.from_rows(ROWS)] == ROWS


@pytest.mark.parametrize("row", [5, -6])
def test_a_row_that_is_not_there_is_an_index_error(row):
    with pytest.raises(IndexError):
        Ragged.from_rows(ROWS)[row]


@pytest.mark.parametrize("rows", [[], [[]]])
def test_no_rows_and_no_values_are_fine(rows):
    ragged = Ragged.from_rows(rows)
    assert len(ragged) == len(rows)
    assert ragged.values.shape == (0,)
    assert ragged.values.dtype == np.int32


@pytest.mark.parametrize("kept", [[0, 1, 3], [], [0, 1, 2, 3, 4], [2]])
def test_a_mask_keeps_its_rows(kept):
    ragged = Ragged.from_rows(ROWS).keep(np.isin(np.arange(5), kept))
    assert [row.tolist() for row in ragged] == [ROWS[row] for row in kept]
    assert (ragged.values.dtype, ragged.splits.dtype) == (np.int32, np.int64)


def test_examples_count_their_pairs():
    assert len(Examples(Ragged.from_rows([[3], [4, 3]]), Ragged.from_rows([[5], [6]]))) == 2


def test_toy_pairs_copy_reverse_and_sort():
    copies, reverses = copy_pairs(20, seed=3, lengths=(2, 4)), reverse_pairs(20, seed=3, lengths=(2, 4))
    assert copies.source == copies.target == reverses.source
    assert reverses.target == [" ".join(reversed(text.split())) for text in copies.source]
    ordered = sort_pairs(20, seed=3, lengths=(2, 4))
    assert ordered.source == copies.source
    assert ordered.target == [" ".join(sorted(text.split())) for text in copies.source]
    assert sort_pairs(1, alphabet="ba", lengths=(9, 9)).target[0].startswith("b")
    assert {len(text.split()) for text in copies.source} == {2, 3, 4}
    assert copies.lines == list(range(1, 21))
    assert copies.source == copy_pairs(20, seed=3, lengths=(2, 4)).source
    assert copies.source != copy_pairs(20, seed=4, lengths=(2, 4)).source

"""Any vectors written as text come back for any words asked for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seq2seq_keras.data import read_vectors

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C", "Nd")), min_size=1)
"""Without blanks; a first word of digits alone, with one whole number, would be a header."""
NUMBERS = st.floats(-1e6, 1e6, width=32)


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, min_size=1, unique=True), st.integers(1, 4), st.data())
def test_what_was_written_is_read(tmp_path_factory, words, width, data):
    matrix = data.draw(arrays.arrays("float32", (len(words), width), elements=NUMBERS))
    asked = data.draw(st.lists(st.sampled_from(words), min_size=1))
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    rows = (f"{word} {' '.join(repr(float(value)) for value in row)}\n" for word, row in zip(words, matrix))
    path.write_text("".join(rows), encoding="utf-8", newline="\n")
    found = read_vectors(path, asked)
    np.testing.assert_array_equal(found.places, np.arange(len(asked)))
    np.testing.assert_array_equal(found.matrix, [matrix[words.index(word)] for word in asked])

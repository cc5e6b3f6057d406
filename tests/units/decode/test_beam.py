"""What a beam ranks by besides probability, and when it stops."""

import numpy as np
import pytest
from keras import ops

from seq2seq_keras.decode import Beam, generate
from tests.units.decode.spelling import ALPHABET, Tree, read

AB = {"": {"a": 0.6, "b": 0.4}}
"""Ends after one letter."""
LONG = {"": {".": 0.4, "a": 0.6}, "a": {".": 0.1, "b": 0.9}, "ab": {"c": 1.0}, "abc": {"d": 1.0}}


class Looking(Tree):
    """Looks at the second place of the source after a "b", at the first after all else."""

    def alignment(self, state):
        (said,) = state.carry
        second = ops.expand_dims(ops.equal(said % len(ALPHABET), ALPHABET.index("b")), -1)
        return ops.where(second, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])


def best(search, source, table=AB):
    hypotheses = generate(Looking([{}, table], 6), np.array([source], "int32"), search, 6)
    return read(hypotheses.ids[0, 0]).rstrip("_"), float(hypotheses.scores[0, 0])


def test_coverage_prefers_what_looked_at_all_of_the_source():
    assert best(Beam(2, 0.0), [1, 1, 0]) == ("a.", pytest.approx(np.log(0.6)))
    assert best(Beam(2, 0.0, coverage_penalty=0.1), [1, 1, 0]) == ("b.", pytest.approx(np.log(0.4)))


def test_coverage_is_added_to_the_score_and_wants_nothing_of_padding():
    score = np.log(0.4) / ((5 + 2) / 6) + 0.1 * np.log(1e-4)  # nobody ever looks at the third place
    assert best(Beam(2, 1.0, coverage_penalty=0.1), [1, 1, 1]) == ("b.", pytest.approx(score, rel=1e-5))
    score = np.log(0.6) / ((5 + 2) / 6)
    assert best(Beam(2, 1.0, coverage_penalty=0.1), [1, 0, 0]) == ("a.", pytest.approx(score, rel=1e-5))


def test_coverage_needs_a_model_that_looks():
    with pytest.raises(ValueError, match="no attention"):
        generate(Tree([AB], 6), np.array([[0]], "int32"), Beam(2, coverage_penalty=0.1), 6)


def test_a_full_beam_stops_sooner_and_here_too_soon():
    assert best(Beam(2, 2.0), [1, 1, 0], LONG)[0] == "abcd."
    assert best(Beam(2, 2.0, stop="full"), [1, 1, 0], LONG)[0] == "."


def test_stopping_otherwise_is_refused():
    with pytest.raises(ValueError, match="stop must be sure or full, found 'soon'"):
        Beam(stop="soon")

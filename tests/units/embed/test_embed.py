import numpy as np

from seq2seq_keras.embed import SinusoidalPositions, TokenTable
from tests import cases, oracles


def test_positions_are_the_papers_sinusoids_over_scaled_vectors():
    inputs = cases.ramp(2, 7, 8)
    expected = inputs * np.sqrt(8) + oracles.sinusoids(7, 8)
    np.testing.assert_allclose(SinusoidalPositions()(inputs), expected, atol=1e-5)


def test_one_position_at_a_time_is_the_same_signal():
    layer, inputs = SinusoidalPositions(), cases.ramp(2, 7, 8)
    whole = layer(inputs)
    for t in range(7):
        one = layer(inputs[:, t : t + 1], np.full((2, 1), t, "int32"))
        np.testing.assert_allclose(one[:, 0], whole[:, t], atol=1e-6)


def test_a_tied_table_scores_with_itself_and_an_untied_one_does_not():
    tied, untied = TokenTable(11, 4), TokenTable(11, 4, tied=False)
    vectors = cases.ramp(2, 3, 4)
    for table, weights in ((tied, 1), (untied, 2)):
        table(np.zeros((1, 1), "int32"))
        assert len(table.weights) == weights
    expected = vectors @ oracles.numbers(tied.embeddings).T
    np.testing.assert_allclose(tied.score(vectors), expected, atol=1e-5)

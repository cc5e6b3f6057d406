import pytest

from seq2seq_keras import models
from seq2seq_keras.embed import RelativePositions, TokenTable


def test_a_ready_table_of_another_width_is_refused_by_name():
    with pytest.raises(ValueError, match="a table must be 8 wide, as the model is; words is 6: project it"):
        models.lstm(TokenTable(23, 6, name="words"), width=8)


def test_both_sides_of_a_transformer_cannot_share_their_positions():
    with pytest.raises(ValueError, match="positions must be a name"):
        models.transformer(23, width=8, heads=2, positions=RelativePositions(2))

"""Every public part is in the table, or excused; no stale excuse."""

import inspect

import keras

from seq2seq_keras import attention, bridges, decoders, embed, encoders
from tests import cases

EXCUSED = {
    "AdditiveAttention": "a part of decoders; runs in every attentive row",
    "MultiHeadAttention": "a part of layers; runs in every transformer row",
    "TokenTable": "a part of models; runs in every model row",
    "SinusoidalPositions": "a part of transformer rows",
}


def test_every_public_layer_is_in_the_table_or_excused():
    public = {
        name
        for folder in (attention, bridges, decoders, embed, encoders)
        for name, value in vars(folder).items()
        if inspect.isclass(value) and issubclass(value, keras.layers.Layer)
    }
    tabled = {type(case.build()).__name__ for case in cases.ENCODERS + cases.BRIDGES + cases.DECODERS}
    assert len(public) >= 13
    assert public - tabled == set(EXCUSED)

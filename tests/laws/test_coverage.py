"""Every public part is in the table, or excused; no stale excuse."""

import inspect

import keras

from seq2seq_keras import attention, bridges, decoders, embed, encoders
from tests import cases

EXCUSED = {
    **dict.fromkeys(("AttentionPool", "LastState", "MaxPool", "MeanPool"), "a part of Summary; each has its oracle"),
    "AdditiveAttention": "a part of decoders; runs in every attentive row",
    "DotAttention": "a part of decoders; runs in an attentive row",
    "PointerGenerator": "a part of models; runs in a model row",
    "MultiHeadAttention": "a part of layers; runs in every transformer row",
    "TokenTable": "a part of models; runs in every model row",
    "FrozenTable": "a part of models; runs in a model row",
    "ProjectedTable": "a part of models; runs in a model row",
    "SinusoidalPositions": "a part of transformer rows",
    "RelativePositions": "a part of a transformer row",
    "RotaryPositions": "a part of a transformer row",
    **dict.fromkeys(("LearnedPositions", "NoPositions"), "a part of decoders; steps and caches in their own test"),
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

"""THE table: every encoder, bridge, decoder and model, with tiny arguments. The laws run over it.

A new part is one row here and inherits every law.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from keras import ops

from seq2seq_keras import models
from seq2seq_keras.attention import AdditiveAttention, DotAttention
from seq2seq_keras.bridges import AttentionPool, CopyStates, KeepMemory, ProjectStates, Summary, ZeroStates
from seq2seq_keras.context import BOS, EOS, PAD, Context, Encoded
from seq2seq_keras.decoders import (
    AttentiveDecoder,
    BahdanauDecoder,
    ConditionedDecoder,
    PointerGenerator,
    RecurrentDecoder,
    TransformerDecoder,
)
from seq2seq_keras.embed import FrozenTable, ProjectedTable
from seq2seq_keras.encoders import (
    BidirectionalEncoder,
    ConvolutionalEncoder,
    PyramidalEncoder,
    RecurrentEncoder,
    ReversedEncoder,
    TransformerEncoder,
)
from seq2seq_keras.models.tables import tables
from seq2seq_keras.recurrence import Cell

WIDTH, VOCABULARY = 8, 23
LENGTHS = (6, 3, 1)
"""Real source lengths of the batch every case runs on: full, short, and a single position."""


@dataclass(frozen=True)
class Case:
    """One part and how to make it; `build` gives a fresh one."""

    name: str
    build: Callable
    rare: bool = False
    """Another arrangement of what other rows have: most laws run over it with the slow tests."""

    def __str__(self):
        return self.name


ENCODERS = [
    Case("lstm", lambda: RecurrentEncoder("lstm", WIDTH, depth=2)),
    Case("gru", lambda: RecurrentEncoder("gru", WIDTH)),
    Case("bidirectional-lstm", lambda: BidirectionalEncoder("lstm", WIDTH, depth=2)),
    Case("bidirectional-gru", lambda: BidirectionalEncoder("gru", WIDTH)),
    Case("transformer", lambda: TransformerEncoder(WIDTH, depth=2, heads=2, inner=16)),
    Case(
        "transformer-rotary",
        lambda: TransformerEncoder(WIDTH, 2, 2, 16, norms="post", positions="rotary", activation="swiglu"),
    ),
    Case("reversed-gru", lambda: ReversedEncoder(RecurrentEncoder("gru", WIDTH))),
    Case("pyramidal-rnn", lambda: PyramidalEncoder("rnn", WIDTH, depth=2)),
    Case("convolutional", lambda: ConvolutionalEncoder(WIDTH, depth=2)),
]

LSTM_STATE = [[WIDTH, WIDTH], [WIDTH, WIDTH]]

BRIDGES = [
    Case("copy-states", CopyStates),
    Case("project-states", lambda: ProjectStates(LSTM_STATE)),
    Case("keep-memory", KeepMemory),
    Case("keep-memory-and-states", lambda: KeepMemory(ProjectStates(LSTM_STATE))),
    Case("zero-states", lambda: ZeroStates(LSTM_STATE)),
    Case("summary", lambda: Summary(AttentionPool(5), LSTM_STATE, units=6)),
]

DECODERS = [
    Case("lstm", lambda: RecurrentDecoder("lstm", WIDTH, depth=2)),
    Case("gru", lambda: RecurrentDecoder("gru", WIDTH)),
    Case("conditioned-gru", lambda: ConditionedDecoder("gru", WIDTH, depth=2)),
    Case("attentive-lstm", lambda: AttentiveDecoder("lstm", WIDTH, AdditiveAttention(6), depth=2)),
    Case("attentive-gru", lambda: AttentiveDecoder("gru", WIDTH, AdditiveAttention(6))),
    Case("attentive-unfed", lambda: AttentiveDecoder("gru", WIDTH, DotAttention(), input_feeding=False)),
    Case("attentive-covered", lambda: AttentiveDecoder("gru", WIDTH, AdditiveAttention(6, True), input_feeding=False)),
    Case("bahdanau", lambda: BahdanauDecoder("lstm", WIDTH, AdditiveAttention(6, coverage=True), depth=2)),
    Case("transformer", lambda: TransformerDecoder(WIDTH, depth=2, heads=2, inner=16)),
    Case(
        "transformer-relative",
        lambda: TransformerDecoder(WIDTH, 2, 2, 16, positions="relative", activation="geglu", memory_heads=1),
    ),
]


def pointer_generator(**more) -> models.Seq2Seq:
    """Coverage and copying together: as in See et al., 2017."""
    decoder = AttentiveDecoder("gru", WIDTH, AdditiveAttention(6, coverage=True), input_feeding=False, name="decoder")
    return models.Seq2Seq(
        **tables(VOCABULARY, None, WIDTH, tied=True),
        encoder=BidirectionalEncoder("gru", WIDTH, name="encoder"),
        bridge=KeepMemory(CopyStates(), name="bridge"),
        decoder=decoder,
        copy=PointerGenerator(name="copy"),
        **more,
    )


def vectors():
    """A table with vectors of another width than the model's, of which some never change."""
    table = ProjectedTable(FrozenTable(VOCABULARY, 5), WIDTH)
    table.fill([4, 5], ramp(2, 5))
    return table


def relative_grouped(**more) -> models.Seq2Seq:
    """A Transformer with another choice wherever there is one."""
    choices = {"norm": "post", "positions": "relative", "activation": "swiglu", "memory_heads": 1}
    return models.transformer(VOCABULARY, width=WIDTH, depth=1, heads=2, inner=16, dropout=0.0, **choices, **more)


PRONE = Cell("rnn", residual=True, normalize=True, recurrent_dropout=0.3)
"""Keras' simple recurrence draws dropout masks at inference too, if it is let."""

MODELS = [
    Case("lstm", lambda **more: models.lstm(VOCABULARY, width=WIDTH, dropout=0.0, **more)),
    Case(
        "lstm-two-vocabularies",
        lambda **more: models.lstm(19, VOCABULARY, width=WIDTH, decoder_depth=1, dropout=0.0, **more),
        rare=True,
    ),
    Case(
        "gru-frozen-vectors",
        lambda **more: models.lstm(vectors(), width=WIDTH, depth=1, dropout=0.0, cell="gru", **more),
        rare=True,
    ),
    Case("attention", lambda **more: models.attention(VOCABULARY, width=WIDTH, dropout=0.0, **more)),
    Case(
        "attention-gru-untied",
        lambda **more: models.attention(
            VOCABULARY, width=WIDTH, depth=2, decoder_depth=1, cell="gru", tied=False, dropout=0.0, **more
        ),
        rare=True,
    ),
    Case(
        "transformer",
        lambda **more: models.transformer(VOCABULARY, width=WIDTH, depth=2, heads=2, dropout=0.0, **more),
    ),
    Case(
        "transformer-two-vocabularies",
        lambda **more: models.transformer(19, VOCABULARY, width=WIDTH, depth=1, heads=2, dropout=0.0, **more),
        rare=True,
    ),
    Case("transformer-relative-grouped", relative_grouped),
    Case("pointer-generator", pointer_generator),
    Case("cho", lambda: models.cho(VOCABULARY, width=WIDTH, embedding=5)),
    Case("bahdanau", lambda: models.bahdanau(19, VOCABULARY, width=WIDTH, embedding=5)),
    Case("luong-reversed", lambda: models.luong(VOCABULARY, width=WIDTH, depth=2, dropout=0.0, cell=PRONE), rare=True),
]


def costly(rows: list[Case]) -> list:
    """The rows as parameters of a law that takes its time with each."""
    return [pytest.param(case, marks=[pytest.mark.slow] * case.rare) for case in rows]


def ramp(*shape, scale=1.0) -> np.ndarray:
    """Numbers in (-scale, scale) that look irregular and depend on the shape only: the same on every machine."""
    places = np.arange(np.prod(shape), dtype="float64")
    return (np.sin(places * 1.7 + places**2 * 0.37) * scale).astype("float32").reshape(shape)


def sources(padding: int = 0) -> np.ndarray:
    """(3, 6 + padding) int32 source ids of LENGTHS, each closed by EOS."""
    rows = np.full((len(LENGTHS), max(LENGTHS) + padding), PAD, "int32")
    for row, length in enumerate(LENGTHS):
        rows[row, :length] = (np.arange(length) * 5 + row) % 14 + 4
        rows[row, length - 1] = EOS
    return rows


def targets(length: int = 5) -> np.ndarray:
    """(3, length) int32 target ids, BOS first."""
    rows = ((np.arange(length) * 3 + np.arange(len(LENGTHS))[:, None] * 7) % 18 + 4).astype("int32")
    rows[:, 0] = BOS
    return rows


def real() -> np.ndarray:
    """(3, 6) bool, True where `sources` has an id."""
    return sources() != PAD


def encoded() -> Encoded:
    """What an LSTM encoder of two layers could have returned."""
    states = [[ops.convert_to_tensor(ramp(3, WIDTH, scale=0.3 + i + j)) for j in range(2)] for i in range(2)]
    return Encoded(ops.convert_to_tensor(ramp(3, 6, WIDTH)), ops.convert_to_tensor(real()), states)


def context(decoder) -> Context:
    """A context that fits `decoder`: its state sizes, and a memory it may ignore."""
    sizes = getattr(decoder, "state_size", [])
    state = [[ops.convert_to_tensor(ramp(3, size, scale=0.5)) for size in widths] for widths in sizes]
    return Context(ops.convert_to_tensor(ramp(3, 6, WIDTH)), ops.convert_to_tensor(real()), state or ())


class Apart:
    """A model that does not say what the rows of a source can share: each has its own copy of everything."""

    def __init__(self, model):
        self.init_state, self.step = model.init_state, model.step


def shake(layer, scale: float = 0.5) -> None:
    """Fills every weight with a ramp, so that no bias is zero and no norm is the identity."""
    for place, weight in enumerate(layer.trainable_weights):
        fan = weight.shape[0] if len(weight.shape) > 1 else 1
        weight.assign(ramp(*weight.shape, scale=scale + 0.01 * place) / np.sqrt(fan) + (len(weight.shape) == 1) * 0.3)

"""Each family learns tasks whose answers are known, and says them running free."""

import keras
import numpy as np
import pytest

from seq2seq_keras import data, decode, models, objectives, tokens

TASKS = {"copy": data.copy_pairs, "reverse": data.reverse_pairs, "sort": data.sort_pairs}
FAMILIES = {
    "attention": lambda size: models.attention(size, width=64, dropout=0.0),
    "bahdanau": lambda size: models.bahdanau(size, width=64, embedding=32),
    "luong": lambda size: models.luong(size, width=64, depth=1, dropout=0.0),
    "transformer": lambda size: models.transformer(size, width=64, depth=2, heads=4, dropout=0.0),
}
FIXED = {
    "lstm": lambda size: models.lstm(size, width=64, depth=1, dropout=0.0),
    "cho": lambda size: models.cho(size, width=64, embedding=32),
}
"""Families whose decoder has one vector of the source."""


def learned(build, pairs, epochs: int, lengths: tuple[int, int] = (2, 6)):
    """A model that was trained on a toy task, and its vocabulary."""
    keras.utils.set_random_seed(1)
    train = pairs(4_000, seed=1, lengths=lengths)
    words = tokens.Words.learn(train.source)
    model = build(words.size)
    examples = tokens.pairs(train, words, words)
    steps = epochs * len(data.plan(examples, 512, 1))
    rate = keras.optimizers.schedules.CosineDecay(4e-4, steps, warmup_target=4e-3, warmup_steps=steps // 20)
    loss = objectives.CrossEntropy()
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss, jit_compile=False)
    model.fit(data.batch(examples, 512, seed=1), epochs=epochs, verbose=0, shuffle=False)
    return model, words


def exact(model, words, pairs, lengths: tuple[int, int] = (2, 6)) -> float:
    """Share of new examples said without a mistake."""
    test = pairs(400, seed=2, lengths=lengths)
    source = tokens.prepare(test.source, words, max_source=32)
    found = decode.generate(model, source, decode.Greedy(), max_length=32)
    said = [text.decode() for text in words.decode(found.ids[:, 0]).numpy()]
    return np.mean([one == other for one, other in zip(said, test.target)])


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_who_sees_the_whole_source_makes_hardly_a_mistake(family, task):
    model, words = learned(FAMILIES[family], TASKS[task], epochs=15)
    assert exact(model, words, TASKS[task]) >= 0.99


@pytest.mark.slow
def test_one_vector_fails_with_length_where_attention_does_not():
    shares = {}
    for name, build in {**FIXED, "attention": FAMILIES["attention"]}.items():
        model, words = learned(build, data.copy_pairs, epochs=15, lengths=(2, 14))
        shares[name] = [exact(model, words, data.copy_pairs, lengths) for lengths in ((2, 4), (12, 14))]
    for name in FIXED:
        assert shares[name][0] >= 0.7 and shares[name][1] <= shares[name][0] / 2, shares
    assert shares["attention"][1] >= 0.9, shares

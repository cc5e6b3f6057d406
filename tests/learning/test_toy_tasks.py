"""Each family learns a task whose answer is known, and says it running free."""

import keras
import numpy as np
import pytest

from seq2seq_keras import data, decode, models, objectives, tokens

FAMILIES = {
    "lstm": (lambda size: models.lstm(size, width=64, depth=1, dropout=0.0), data.toy.copy_pairs, 0.8),
    "attention": (lambda size: models.attention(size, width=32, dropout=0.0), data.toy.reverse_pairs, 0.95),
    "transformer": (
        lambda size: models.transformer(size, width=32, depth=1, heads=2, dropout=0.0),
        data.toy.reverse_pairs,
        0.95,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_family_learns_its_toy_task(family):
    build, pairs, wanted = FAMILIES[family]
    keras.utils.set_random_seed(1)
    train, test = pairs(3_000, seed=1), pairs(200, seed=2)
    words = tokens.Words.learn(train.source)
    model = build(words.size)
    model.compile(keras.optimizers.Adam(4e-3), objectives.CrossEntropy(), jit_compile=False)
    model.fit(data.batch(tokens.pairs(train, words, words), 512, seed=1), epochs=15, verbose=0, shuffle=False)

    source = tokens.prepare(test.source, words, max_source=16)
    found = decode.generate(model, source, decode.Greedy(), max_length=10)
    said = [text.decode() for text in words.decode(found.ids[:, 0]).numpy()]
    assert np.mean([a == b for a, b in zip(said, test.target)]) >= wanted

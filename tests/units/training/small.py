"""A small model on a small corpus: enough to train a few steps, with dropout, so that random state matters."""

import keras

from seq2seq_keras import data, metrics, models, objectives, tokens, training
from seq2seq_keras.serial import global_policy

BUDGET = 52
EPOCHS = 3


def examples():
    corpus = data.reverse_pairs(32, seed=3)
    letters = tokens.learn("words", corpus.source)
    return tokens.pairs(corpus, letters, letters), letters


def compiled(
    size: int = 12, width: int = 8, family: str = "lstm", optimizer=keras.optimizers.Adam, policy: str = "float32"
) -> keras.Model:
    keras.utils.set_random_seed(5)
    with global_policy(policy):
        model = getattr(models, family)(size, width=width, depth=1, dropout=0.3)
    rate = training.InverseSquareRoot(1e-2, warmup=4)
    model.compile(
        training.GuardedOptimizer(optimizer(rate), clip=1.0),
        objectives.CrossEntropy(0.1),
        metrics=[metrics.Perplexity(), training.TokenCount()],
        jit_compile=False,
    )
    return model


def fit(model, made, position=(0, 0), callbacks=(), epochs: int = EPOCHS):
    epoch, step = position
    train = data.batch(made, BUDGET, seed=2, epoch=epoch, step=step)
    return model.fit(train, epochs=epochs, initial_epoch=epoch, callbacks=list(callbacks), verbose=0, shuffle=False)

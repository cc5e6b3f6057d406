"""Gradients through time on a corpus: dL/dh_t of trained encoders, by distance from the end of the source."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from pipelines import families
from pipelines.settings import Translate
from pipelines.study import splits, through_time, trained
from pipelines.study.question import Budget
from pipelines.study.splits import Corpora
from pipelines.study.trained import Row
from seq2seq_keras import data, objectives, tokens, training
from seq2seq_keras.context import BOS, PAD, Encoded
from seq2seq_keras.tasks import TextToText

_ROWS = 64
"""Test pairs to measure with; their sources are equally long."""


def rows(
    asked: Translate,
    variants: dict[str, dict],
    budgets: tuple[Budget, ...],
    seeds: tuple[int, ...],
    corpora: Corpora,
    folder: Path,
) -> tuple[list[Row], int]:
    """Trains as any study does, then measures: each row gets `norms`.

    Returns:
        the rows, and the exit code of the training.
    """
    found, code = trained.rows(asked, variants, budgets, seeds, corpora, folder)
    if code:
        return found, code
    training.use_precision("float32")
    measured = []
    for row in found:
        task = TextToText.load(trained.place(folder, row.budget, row.variant, row.seed) / "model")
        keras.utils.set_random_seed(row.seed)
        model = splits.changed(asked, variants[row.variant]).model
        first = families.build(model, task.source.size, None if task.shared else task.target.size)
        batch = equally_long(task, corpora)
        norms = {"first": gradients(first, *batch), "trained": gradients(task.model, *batch)}
        measured.append(row._replace(norms=norms, figures={**row.figures, **through_time.told(norms)}))
    return measured, 0


def equally_long(task: TextToText, corpora: Corpora) -> tuple[np.ndarray, np.ndarray]:
    """Source ids (B, S) without padding, and target ids (B, T): the longest sources of which there are enough."""
    texts = [each[0] for each in corpora.references]
    corpus = data.Corpus(corpora.sources, texts, list(range(len(texts))))
    pairs = tokens.pairs(corpus, task.source, task.target, task.max_source, task.max_length)
    lengths, counts = np.unique(pairs.source.lengths, return_counts=True)
    enough = lengths[counts >= min(_ROWS, counts.max())].max()
    places = np.flatnonzero(pairs.source.lengths == enough)[:_ROWS]
    targets = [pairs.target[row] for row in places]
    longest = max(len(ids) for ids in targets)
    return np.stack([pairs.source[row] for row in places]), np.stack(
        [np.pad(ids, (0, longest - len(ids)), constant_values=PAD) for ids in targets]
    )


def gradients(model, source: np.ndarray, target: np.ndarray) -> list[float]:
    """Norm of dL/dh_t at every position of the source, L the cross entropy of a row's target; the mean over rows.

    Args:
        model: `Seq2Seq` with a recurrent encoder of one layer and no memory.
        source: (B, S) int32, without padding.
        target: (B, T) int32, without BOS and EOS, PAD on the right.
    """
    stack, seen = model.encoder.stack, []
    table = model.table
    vectors = model.embedding(source)
    state = [[tf.zeros((len(source), size), vectors.dtype) for size in sizes] for sizes in stack.state_size]
    given = np.pad(target, ((0, 0), (1, 0)), constant_values=BOS).astype("int32")[:, :-1]
    with tf.GradientTape() as tape:
        for inputs in tf.unstack(vectors, axis=1):
            _, state = stack.step(inputs, state)
            tape.watch(state[0][0])
            seen.append(state[0][0])
        real = np.ones(source.shape, bool)
        context = model.bridge(Encoded(tf.stack(seen, axis=1), real, state))
        logits = table.score(model.decoder(table(given), context))
        loss = objectives.CrossEntropy(reduction="sum")(target, logits)
    return [float(tf.reduce_mean(tf.norm(one, axis=-1))) for one in tape.gradient(loss, seen)]

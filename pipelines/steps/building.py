"""The model of the settings, compiled, and the translator around it."""

import keras
import tensorflow as tf

from pipelines import adapt, families, objective, optimizer, vectors
from pipelines.steps.material import Material
from seq2seq_keras import decode, metrics, models, tasks, training


def build(settings, material: Material) -> keras.Model:
    """A compiled model of the settings' family and sizes, with first weights from the settings' seed."""
    training.use_precision(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    # Without it some sums depend on which thread came first, and no resume could be exact.
    tf.config.experimental.enable_op_determinism()
    model = families.build(settings.model, *vectors.tables(settings, material))
    adapt.begin(model, settings)
    model.compile(
        optimizer.optimizer(settings, settings.epochs * material.epoch),
        objective.loss(settings, material.epoch),
        metrics=[metrics.Perplexity(), metrics.TokenAccuracy(), training.TokenCount(), training.PaddingShare()],
        jit_compile=False,  # batches differ in shape: XLA would compile each anew
    )
    return model


def translator(model: models.Seq2Seq, material: Material, settings) -> tasks.TextToText:
    """The model with its vocabularies and its search: strings in, strings out."""
    return tasks.TextToText(
        model,
        material.source,
        material.target,
        search=decode.Beam(settings.beam, settings.length_penalty) if settings.beam > 1 else decode.Greedy(),
        max_source=settings.max_source,
        max_length=settings.max_length,
    )

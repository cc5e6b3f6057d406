"""From settings to the optimizer of a run, part around part."""

import keras

from pipelines.settings import Translate
from seq2seq_keras import training

_KINDS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}


def optimizer(settings: Translate, batches: int) -> training.GuardedOptimizer:
    """Updates from finite gradients, and what is asked for of accumulation, averages and adapters.

    The guard looks at each batch. Clipping is of what an update is made of, so where batches are accumulated or
    adapters learn it is inside, of the mean gradient of what is trained.

    Args:
        batches: in all, of which `--accumulate` make one update.
    """
    asked, clip = settings.adapt, settings.clip or None
    outside = not asked.accumulate and asked.lora is None
    momenta = {"beta_2": 0.98, "epsilon": 1e-9} if settings.optimizer == "adam" else {}
    rate = _rate(settings, max(1, batches // (asked.accumulate or 1)))
    made = _KINDS[settings.optimizer](rate, global_clipnorm=None if outside else clip, **momenta)
    if asked.lora is not None:
        made = training.LowRank(made, asked.lora, asked.lora_alpha)
    if asked.ema is not None:
        made = training.Averaged(made, asked.ema)
    if asked.accumulate:
        made = training.Accumulated(made, asked.accumulate, mean=settings.reduction == "mean")
    return training.GuardedOptimizer(made, clip if outside else None)


def _rate(settings: Translate, updates: int):
    """Learning rate by update."""
    if settings.schedule == "inverse-square-root":
        return training.InverseSquareRoot(settings.lr, max(settings.warmup, 1))
    if settings.schedule == "deadline":
        return settings.lr  # `watch.Anneal` sets it at every step
    warmup = min(settings.warmup, updates // 2) if settings.schedule == "cosine" else settings.warmup
    rise = {"warmup_target": settings.lr, "warmup_steps": warmup} if warmup else {}
    lowest = 0.01 if settings.schedule == "cosine" else 1.0
    first = 0.0 if warmup else settings.lr
    return keras.optimizers.schedules.CosineDecay(first, max(updates - warmup, 1), alpha=lowest, **rise)

"""How much of the machine a run makes use of: its useful products against the machine's own rate of products.

Counted are the products with the model's own matrices at real positions, forward and backward (see `bench.flops`).
Products between activations, which attention has, are left out: a few percent for sentences.
"""

import math
import re
from collections.abc import Callable

import keras

from pipelines import peak
from pipelines.bench import flops

_ONCE = re.compile(r"^bridge")
"""Matrices by path: of the bridge, which are multiplied once a pair;"""
_SOURCE = re.compile(r"^encoder|source_attention_key_value|/memory/")
"""those that read the source, at each of its positions;"""
_PAIRED = re.compile(r"energy")
"""those of additive attention, for each position of the source at each of the target. All others read the target."""


def of_pair(model, source: float, target: float) -> float:
    """Operations of a forward and a backward pass over one pair.

    Args:
        model: `Seq2Seq`.
        source, target: real positions, EOS included.
    """
    tables = [table for table in (model.embedding, model.target_embedding) if table is not None]
    products = tables[-1].size * tables[-1].width * target
    # A table is looked up; the one that scores is counted above.
    looked_up = {id(weight) for table in tables for weight in table.weights}
    for weight in model.weights:
        if len(weight.shape) > 1 and id(weight) not in looked_up:
            products += math.prod(weight.shape) * _positions(weight.path, source, target)
    return float(2 * flops.BACK_AND_FORTH * products)


def utilisation(counted: dict, throughput) -> Callable[[keras.Model], dict[str, float]]:
    """A figure for `training.tensorboard.Scalars`: useful operations a second by those of the largest product.

    Args:
        counted: `pairs`, `source_ids` and `target_ids` of the training pairs, as `data.json` has them.
        throughput: `training.Throughput`, for its rate.
    """
    means = [counted[name] / max(counted["pairs"], 1) for name in ("source_ids", "target_ids")]

    def figure(model) -> dict[str, float]:
        if not throughput.rate:
            return {}
        work = throughput.rate / means[1] * of_pair(model, *means)
        return {"utilisation": work / peak.measured(model.encoder.compute_dtype)}

    return figure


def _positions(path: str, source: float, target: float) -> float:
    if _PAIRED.search(path):
        return source * target
    if _ONCE.search(path):
        return 1.0
    return source if _SOURCE.search(path) else target

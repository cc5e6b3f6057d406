"""Widths at which models have the same number of parameters."""

import math
import tempfile
from pathlib import Path

import numpy as np

from pipelines import families, steps
from pipelines.settings import Model, Translate
from pipelines.study import splits
from pipelines.study.splits import Corpora
from seq2seq_keras.errors import InputError


def equal(variants: dict[str, dict], asked: Translate, corpora: Corpora, parameters: int | None) -> dict[str, dict]:
    """The variants with the width at which each comes closest to the number of parameters.

    Args:
        parameters: wanted of each; None means those of the settings as they are asked for.
    """
    with tempfile.TemporaryDirectory() as folder:
        material = steps.prepare(corpora.train, corpora.valid, asked, Path(folder), resumed=False)
    sides = material.source.size, None if material.target is None else material.target.size
    wanted = parameters or count(asked.model, *sides)
    print(f"parameters wanted of each: {wanted:,}", flush=True)
    found = {}
    for name, changes in variants.items():
        model = splits.changed(asked, changes).model
        width = closest(model, wanted, *sides)
        has = count(splits.changed(model, {"width": width}), *sides)
        print(f"  {name}: width {width}, {has:,} parameters ({has / wanted - 1:+.1%})", flush=True)
        found[name] = changes | {"model.width": width}
    return found


def count(model: Model, source_size: int, target_size: int | None) -> int:
    """Parameters of the model, by building it."""
    return families.build(model, source_size, target_size).count_params()


def closest(model: Model, wanted: int, source_size: int, target_size: int | None) -> int:
    """The width with the closest number of parameters: that number is a polynomial of the width, of degree two.

    Raises:
        InputError: the least width has too many already.
    """
    step = math.lcm(2, families.arguments(model).get("heads") or 2)  # two halves, and heads of one width
    widths = step * np.array([2, 4, 8])
    counts = [count(splits.changed(model, {"width": int(width)}), source_size, target_size) for width in widths]
    square, linear, constant = np.polyfit(widths, counts, 2)
    under = linear**2 - 4 * square * (constant - wanted)
    exact = (-linear + math.sqrt(max(under, 0.0))) / (2 * square)
    if exact < step / 2:
        raise InputError(
            f"{wanted:,} parameters are too few for {model.family}, which has {counts[0]:,} at width {widths[0]}",
            remedy="raise --parameters or --width",
        )
    near = [step * max(1, int(exact // step) + place) for place in (0, 1)]
    return min(near, key=lambda width: abs(np.polyval([square, linear, constant], width) - wanted))

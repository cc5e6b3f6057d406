"""Whether CTranslate2 computes what the live model does."""

from pathlib import Path

import numpy as np
from keras import ops

from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.decode.places import speakable
from seq2seq_keras.export.translator import load, pieces
from seq2seq_keras.tokens import prepare

_EXACT, _COARSE = 1e-3, 0.1
"""Nats a token by which scores may differ: of a model that computes in float32, and of one in half precision."""


def check(folder: Path, model, said: list[str], targets: list[str]) -> None:
    """Compares log probabilities of targets: those do not hang on ties of a search, and every weight has a part.

    Raises:
        RuntimeError: they differ.
    """
    there = load(folder, compute_type="float32")
    # What a search had to cut short makes a target all the same, without its last id.
    cut = pieces(targets, there.target, there.max_length - 1)
    theirs = [sum(result.log_probs) for result in there.engine.score_batch(there.pieces(said), cut)]
    ids = prepare(targets, there.target, there.max_length)
    ours = scores(model, prepare(said, there.source, there.max_source), ids)
    allowed = _EXACT if model.decoder.compute_dtype == "float32" else _COARSE
    for text, row, one, other in zip(said, cut, theirs, ours, strict=True):
        if not abs(one - other) <= allowed * (len(row) + 1):
            raise RuntimeError(f"{folder}: CTranslate2 scores a target of {text!r} {one:.4f}, the model {other:.4f}")


def scores(model, source, target) -> np.ndarray:
    """(B,) float32 log probabilities of targets (B, T), as of a model that cannot say PAD and BOS."""
    before = ops.pad(target[:, :-1], [[0, 0], [1, 0]], constant_values=BOS)
    log_probs = ops.log_softmax(speakable(model({"source": source, "target": before})))
    real = ops.not_equal(target, PAD)
    chosen = ops.expand_dims(ops.where(real, target, EOS), -1)
    found = ops.squeeze(ops.take_along_axis(log_probs, chosen, axis=-1), -1)
    return ops.convert_to_numpy(ops.sum(ops.where(real, found, 0.0), axis=-1))

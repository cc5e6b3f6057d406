"""One export for each kind of state, written once: tracing it takes seconds."""

from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from seq2seq_keras import decode, export, tokens
from tests import cases

LETTERS = "abcdefghijklmnopqrs"
"""With the four special pieces as many as the models of `cases` have rows."""
MAX_SOURCE, MAX_LENGTH = 9, 6
TEXTS = ["abc", "", "a longer one than fits", "q", "sos", "\N{SNOWMAN}", "dead\ud800"]
"""Of unlike lengths: empty, cut, with an unknown letter, and with what is no UTF-8."""
WEIGHTS = {"lstm": (1, 2.0), "attention": (2, 2.0), "transformer-two-vocabularies": (3, 1.0)}
"""Seed and scale for which an untrained model says one thing to one text and another to the next."""


class Live(NamedTuple):
    """A model, and the folder it was exported to."""

    folder: Path
    model: keras.Model
    source: tokens.Tokenizer
    target: tokens.Tokenizer
    search: Any

    def found(self, texts, search) -> decode.Hypotheses:
        """What the live model finds for texts, from ids prepared the way every caller does."""
        return decode.generate(self.model, tokens.prepare(texts, self.source, MAX_SOURCE), search, MAX_LENGTH)

    def said(self, texts, search) -> list[str]:
        """The best text for each."""
        said = self.target.decode(self.found(texts, search).ids[:, 0])
        return [text.decode("utf-8") for text in said.numpy()]


def characters(size: int) -> tokens.Characters:
    """A vocabulary of exactly so many pieces."""
    return tokens.Characters.learn([LETTERS[: size - 4]])


def build(name: str) -> tuple:
    """A model of `cases` with weights of `WEIGHTS`, and the tokenizers of source and target; None for a shared one."""
    model = next(case for case in cases.MODELS if case.name == name).build()
    seed, scale = WEIGHTS[name]
    random = np.random.default_rng(seed)
    for weight in model.weights:
        deviation = scale / np.sqrt(weight.shape[0] if len(weight.shape) > 1 else 4)
        deviation *= 1.5 if "embed" in weight.path else 1.0
        weight.assign(random.normal(size=weight.shape) * deviation + float("gamma" in weight.path))
    size, shared = model.embedding.size, model.target_embedding is None
    return model, characters(size), None if shared else characters(model.target_embedding.size)


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=[pytest.mark.slow] * (name == "lstm")) for name in WEIGHTS]
)
def live(request, tmp_path_factory) -> Live:
    model, source, target = build(request.param)
    model.compile("adam", "mse")
    folder = tmp_path_factory.mktemp(request.param) / "name" / "1"
    search = decode.Beam(3, n_best=1)
    limits = {"max_source": MAX_SOURCE, "max_length": MAX_LENGTH}
    export.write(folder, model, source, target, search=search, **limits, settings={"width": 8})
    return Live(folder, model, source, target or source, search)


@pytest.fixture(scope="session")
def loaded(live) -> export.Exported:
    return export.load(live.folder, batch=3)

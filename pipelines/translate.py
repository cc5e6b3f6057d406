"""Text to text, from aligned files to a saved translator.

    python -m pipelines translate --train.source a.en --train.target a.de --valid.source c.en --valid.target c.de \\
        --model transformer --output runs/en_de

What it reaches and how long it takes is in the README's table of results.
"""

import time

from pipelines import console, runs, scores, steps
from pipelines.settings import Translate
from seq2seq_keras import data, tokens
from seq2seq_keras.errors import InputError


def run(settings: Translate) -> int:
    """The command; returns the exit code."""
    train, valid = steps.read(settings.train, "train"), steps.read(settings.valid, "valid")
    if train is None:
        raise InputError("no training pairs", remedy="give --train.source and --train.target, or --train.tsv")
    return train_run(settings, train, valid, score=scores.bleu(settings.tokenize), show="BLEU")


def train_run(settings, train: data.Corpus, valid: data.Corpus | None, score) -> int:
    """Trains or resumes the run in `settings.output`.

    Args:
        score: (outputs, references) to the figure called `val_bleu`.
    """

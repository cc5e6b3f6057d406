"""A small corpus as files, and one finished run, made once for all tests of this folder."""

from pathlib import Path
from typing import NamedTuple

import pytest

from pipelines.__main__ import main
from seq2seq_keras import data


class Place(NamedTuple):
    """Files of a corpus and a run trained on them."""

    corpus: Path
    run: Path


def write(folder: Path) -> Path:
    for name, count, seed in (("train", 60, 1), ("valid", 10, 2)):
        corpus = data.reverse_pairs(count, seed)
        for side in ("source", "target"):
            (folder / f"{name}.{side}").write_text("\n".join(getattr(corpus, side)) + "\n")
    return folder


def arguments(corpus: Path, output: Path, *more: str) -> list[str]:
    """The command that trains a very small model on the corpus."""
    files = [
        f"--{name}.{side}={corpus / f'{name}.{side}'}" for name in ("train", "valid") for side in ("source", "target")
    ]
    sizes = "--model attention --width 8 --tokens.kind words --batch-tokens 64 --epochs 2 --average 2 --beam 2"
    return [
        "translate",
        *files,
        *sizes.split(),
        "--max-length",
        "12",
        "--decode-rows",
        "4",
        f"--output={output}",
        *more,
    ]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    return write(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def place(corpus, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "toy"
    assert main(arguments(corpus, run)) == 0
    return Place(corpus, run)

"""Toolkits as peers: a model of the same sizes and random weights, by an interpreter and in a process of their own.

They take the ids of our tokenizer and say as many as our models of random weights do. Their own are the weights, so
that their texts are not ours, the loop, and the threads that they have by default.
"""

import contextlib
import json
import subprocess
import weakref
from pathlib import Path

import numpy as np

from pipelines.bench.decode.cases import Case, Subject
from pipelines.bench.decode.systems import Said
from pipelines.bench.fit import HEADS
from pipelines.settings import BenchDecode
from seq2seq_keras import tokens
from seq2seq_keras.context import PAD
from seq2seq_keras.errors import InputError

SCRIPTS = {
    "opennmt-tf": Path(__file__).with_name("apart_opennmt.py"),
    "joeynmt": Path(__file__).with_name("apart_joeynmt.py"),
}
"""What decodes, by peer. It prints its versions, then a line for each line that it reads."""


class Apart:
    """Ids in, lengths out; texts are cut and joined outside its time.

    Args:
        name: one of `SCRIPTS`.
        folder: for its vocabulary and the task.

    Raises:
        InputError: it cannot be run, or has no such model.
    """

    versions: dict[str, str]
    """Of the toolkit and of what it computes with."""

    def __init__(self, name: str, subject: Subject, settings: BenchDecode, folder: Path):
        self._name = name
        if subject.name != "transformer" or settings.run:
            raise InputError("is compared on a Transformer of random weights alone")
        if settings.peer_python is None:
            raise InputError("no --peer-python was given", remedy=self._remedy)
        self._task = subject.task
        folder.mkdir(parents=True, exist_ok=True)
        # They add the unknown word themselves: as many as ours.
        words = ["<blank>", "<s>", "</s>", *(str(i) for i in range(subject.task.source.size - 4))]
        (folder / "vocabulary").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
        task = {size: getattr(settings, size) for size in ("width", "depth", "max_length", "length_penalty")}
        task |= {"heads": HEADS, "vocabulary": str(folder / "vocabulary")}
        (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
        # Isolated, so that nothing of ours is on its path.
        command = [str(Path(settings.peer_python).absolute()), "-I", str(SCRIPTS[name]), str(folder / "task.json")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        try:
            self._process = subprocess.Popen(command, text=True, encoding="utf-8", **pipes)
        except OSError as error:
            raise InputError(f"--peer-python cannot be run ({error.strerror})", remedy=self._remedy) from None
        weakref.finalize(self, _end, self._process)
        self.versions = self._answer()

    def prepare(self, texts: list[str]) -> list[list[int]]:
        ids = tokens.prepare(tokens.strings(texts), self._task.source, self._task.max_source).numpy()
        return [row[row != PAD].tolist() for row in np.asarray(ids)]

    def __call__(self, case: Case, given: list[list[int]]) -> list[int]:
        return self._answer({"ids": given, "beam": case.search.width})

    def read(self, case: Case, texts: list[str], found: list[int]) -> Said:
        return Said([""] * len(texts), found)

    @property
    def _remedy(self) -> str:
        return f"give --peer-python an interpreter that has {self._name}"

    def _answer(self, batch: dict | None = None):
        """What it says next, to a batch or of itself."""
        try:
            if batch:
                self._process.stdin.write(json.dumps(batch) + "\n")
                self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            raise InputError(f"{self._name} ended without an answer", remedy=self._remedy)
        return json.loads(answer)


def _end(process: subprocess.Popen) -> None:
    """It ends when there are no more batches."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what it did not read before it ended
            pipe.close()
    process.wait()

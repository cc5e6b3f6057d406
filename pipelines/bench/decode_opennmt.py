"""OpenNMT-tf as a peer: a model of the same sizes and random weights, by its own interpreter in a process of its own.

It takes the ids of our tokenizer and says as many as our models of random weights do. Its own are its weights, so that
its texts are not ours, and its TensorFlow with the threads that it has by default.
"""

import contextlib
import json
import subprocess
import weakref
from pathlib import Path

import numpy as np

from pipelines.bench.decode_cases import Case, Subject
from pipelines.bench.decode_systems import Said
from pipelines.bench.fit import HEADS
from pipelines.settings import BenchDecode
from seq2seq_keras import tokens
from seq2seq_keras.context import PAD
from seq2seq_keras.errors import InputError

_SCRIPT = Path(__file__).with_name("opennmt_decode.py")
_REMEDY = "give --peer-python an interpreter that has OpenNMT-tf"


class OpenNMT:
    """Ids in, lengths out; texts are cut and joined outside its time.

    Args:
        folder: for its vocabulary and the task.

    Raises:
        InputError: it cannot be run, or has no such model.
    """

    def __init__(self, subject: Subject, settings: BenchDecode, folder: Path):
        if subject.name != "transformer" or settings.run:
            raise InputError("is compared on a Transformer of random weights alone")
        if settings.peer_python is None:
            raise InputError("no --peer-python was given", remedy=_REMEDY)
        self._task = subject.task
        folder.mkdir(parents=True, exist_ok=True)
        # It adds the unknown word itself: as many as ours.
        words = ["<blank>", "<s>", "</s>", *(str(i) for i in range(subject.task.source.size - 4))]
        (folder / "vocabulary").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
        task = {name: getattr(settings, name) for name in ("width", "depth", "max_length", "length_penalty")}
        task |= {"heads": HEADS, "vocabulary": str(folder / "vocabulary")}
        (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
        # Isolated, so that nothing of ours is on its path.
        command = [str(Path(settings.peer_python).absolute()), "-I", str(_SCRIPT), str(folder / "task.json")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        try:
            self._process = subprocess.Popen(command, text=True, encoding="utf-8", **pipes)
        except OSError as error:
            raise InputError(f"--peer-python cannot be run ({error.strerror})", remedy=_REMEDY) from None
        weakref.finalize(self, _end, self._process)
        self._said({"ids": [[subject.task.source.size - 1]], "beam": 1})

    def prepare(self, texts: list[str]) -> list[list[int]]:
        ids = tokens.prepare(tokens.strings(texts), self._task.source, self._task.max_source).numpy()
        return [row[row != PAD].tolist() for row in np.asarray(ids)]

    def __call__(self, case: Case, given: list[list[int]]) -> list[int]:
        return self._said({"ids": given, "beam": case.search.width})

    def read(self, case: Case, texts: list[str], found: list[int]) -> Said:
        return Said([""] * len(texts), found)

    def _said(self, batch: dict) -> list[int]:
        try:
            self._process.stdin.write(json.dumps(batch) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            raise InputError("OpenNMT-tf ended without an answer", remedy=_REMEDY)
        return json.loads(answer)


def _end(process: subprocess.Popen) -> None:
    """It ends when there are no more batches."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what it did not read before it ended
            pipe.close()
    process.wait()

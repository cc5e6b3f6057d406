"""The acceptance test of an export: another process, without Keras and without this package."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from seq2seq_keras.export import manifest

_STRANGER = Path(__file__).with_name("stranger.py")
_TIMEOUT = 600


def check(folder: str | Path, texts: list[str], expected: list[str] | None = None) -> list[str]:
    """Asks the exported model in a fresh process that has TensorFlow and tensorflow-text's ops and nothing else.

    It runs on the CPU, as the least of the machines that may load it, and because this process may hold all of
    the GPU's memory.

    Args:
        texts: to ask.
        expected: what the live model answers; None compares nothing.

    Returns:
        its answers.

    Raises:
        InputError: the folder is damaged or was not written by an export.
        RuntimeError: the process failed, or answered something else than expected.
    """
    manifest.verify(folder)
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as scratch:
        answers = Path(scratch) / "answers.json"
        # -P: the folder of the program, which is one of this package, is no place to import from.
        try:
            done = subprocess.run(
                [sys.executable, "-P", str(_STRANGER), str(folder), str(answers)],
                input=json.dumps(list(texts)),
                capture_output=True,
                text=True,
                encoding="utf-8",
                env=environment,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{folder}: no answer from a fresh process within {_TIMEOUT} s") from None
        if done.returncode or not answers.is_file():
            raise RuntimeError(f"{folder}: the export does not run in a fresh process:\n{done.stderr[-2_000:]}")
        found = json.loads(answers.read_text(encoding="utf-8"))["text"]
    if expected is None:
        return found
    for text, answer, wanted in zip(texts, found, expected, strict=True):
        if answer != wanted:
            raise RuntimeError(f"{folder}: {text!r} gives {answer!r} in a fresh process, {wanted!r} here")
    return found

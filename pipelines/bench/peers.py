"""OpenNMT-tf as a peer: the same model on the same ids, trained by its own interpreter in a process of its own.

Same are depth, width, heads, inner width, dropout and its places, tying, label smoothing, Adam without clipping, the
token budget of a batch, the pairs, and the rule for the warm-up. Its own are the training loop, the batches (length
buckets of its default width) and its TensorFlow. It computes in float32: its mixed precision is float16, for GPUs.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from pipelines.bench import flops
from pipelines.bench.corpora import Material
from pipelines.bench.fit import HEADS, Turn
from pipelines.settings import Bench
from seq2seq_keras.context import BOS, EOS, PAD, UNK

_SCRIPT = Path(__file__).with_name("opennmt.py")
_VERSIONS = "import json, opennmt, tensorflow; print(json.dumps([opennmt.__version__, tensorflow.__version__]))"
_BUCKET = 2
"""Its default width of a length bucket."""
_GRACE = 300.0
"""Seconds beside warm-up and measurement, for imports and first steps, before the peer is killed."""


class PeerError(Exception):
    """Why the peer cannot be measured."""


def versions(settings: Bench) -> dict[str, str]:
    """What the peer's interpreter has.

    Raises:
        PeerError: no interpreter was given, or it does not have the peer.
    """
    if settings.peer_python is None:
        raise PeerError("no --peer-python was given")
    printed = _python(settings, ["-c", _VERSIONS], _GRACE)
    own, tensorflow = json.loads(printed.splitlines()[-1])
    return {"opennmt-tf": own, "tensorflow of opennmt-tf": tensorflow}


def turn(settings: Bench, material: Material) -> Turn:
    """Trains the peer for one turn.

    Raises:
        PeerError: it failed, or was killed at its time limit.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = _write(folder, settings, material)
        _python(settings, [str(_SCRIPT), str(task)], _GRACE + settings.warmup + settings.seconds, folder)
        counts = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    sizes = flops.Sizes("transformer", material.vocabulary, settings.width, settings.depth)
    source, target = material.lengths
    # It does not say which pairs it saw; of the work of all pairs it did the share that its target tokens are.
    work = flops.training(sizes, source, target) * counts["target"] / target.sum()
    positions = counts["source_positions"] + counts["target_positions"]
    padding = 1 - (counts["source"] + counts["target"]) / positions
    return Turn(counts["seconds"], counts["steps"], counts["target"], padding, float(work))


def _write(folder: Path, settings: Bench, material: Material) -> Path:
    """The pairs, the vocabulary and the task. Ids are the words: no piece can be split or lost on the way."""
    words = [str(i) for i in range(material.vocabulary)]
    words[EOS], words[UNK] = "</s>", "<unk>"
    for side in ("source", "target"):
        rows = getattr(material.examples, side)
        lines = (" ".join(words[i] for i in rows[row]) for row in range(len(rows)))
        (folder / side).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    own = (PAD, UNK, BOS, EOS)  # three come first in its file and it adds the unknown word itself: as many as ours
    entries = ["<blank>", "<s>", "</s>", *(word for i, word in enumerate(words) if i not in own)]
    (folder / "vocabulary").write_text("".join(f"{word}\n" for word in entries), encoding="utf-8")
    task = {name: str(folder / name) for name in ("source", "target", "vocabulary")}
    task |= {name: getattr(settings, name) for name in ("width", "depth", "batch_tokens", "warmup", "seconds")}
    task |= {"heads": HEADS, "bucket": _BUCKET, "pairs": len(material.examples), "result": str(folder / "result.json")}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    return folder / "task.json"


def _python(settings: Bench, arguments: list[str], limit: float, folder: Path | None = None) -> str:
    """What the peer's interpreter printed; isolated, so that nothing of ours is on its path."""
    command = [str(Path(settings.peer_python).absolute()), "-I", *arguments]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit, check=False)
    except OSError as error:
        raise PeerError(f"--peer-python cannot be run ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise PeerError(f"killed after {limit:.0f} seconds") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise PeerError(lines[-1])
    return done.stdout

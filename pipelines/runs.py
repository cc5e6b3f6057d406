"""The folder of a run: what lies where, how it is claimed, and JSON files that are whole or absent."""

import contextlib
import hashlib
import json
import os
import re
from dataclasses import asdict, is_dataclass
from pathlib import Path

from seq2seq_keras.errors import InputError

FREE = (
    *("output", "json", "epochs", "minutes", "train", "valid", "source_vectors", "target_vectors", "board"),
    *("processes", "join_seconds"),
)
"""What a resumed run may change: how long it trains, where files lie, what is shown.

What the files hold is compared instead."""
UNFINISHED = {"source", "target", "data.json"}
"""What a run that was killed while it began may have left."""

_SIZES = {
    "width": 256,
    "depth": None,
    "decoder_depth": None,
    "heads": 4,
    "inner": None,
    "cell": "lstm",
    "dropout": None,
    "tied": True,
}
"""Of a model in the settings of the first runs, and what stood there where the user had said nothing.

Their settings are read. The weights of their recurrent families do not load: those are built of other layers now."""


def plain(settings) -> dict:
    """A settings dataclass as JSON values."""
    assert is_dataclass(settings)
    return json.loads(json.dumps(asdict(settings), default=str))


def write_json(path: Path, content) -> None:
    """Any JSON content, readable for people; see `write_text`."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def check_writable(path: Path | None) -> None:
    """Before the work: a file that could not be written after it.

    Raises:
        InputError: it is a folder, or lies where nothing can be written.
    """
    if path is None:
        return
    above = next(folder for folder in Path(path).absolute().parents if folder.exists())
    if Path(path).is_dir():
        raise InputError("is a folder", where=path, expected="the name of a file")
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError("cannot be written", where=path, remedy="choose another place")


def check_folder(folder: Path) -> None:
    """Refuses a file where a folder of output should be."""
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file", where=folder, remedy="name a folder with --output")


def check_report_folder(folder: Path | None) -> None:
    """Before the work: a folder for a report, which must not take the place of a run's own.

    Raises:
        InputError: it is a file, or holds a run.
    """
    if folder is None:
        return
    check_folder(folder)
    if (folder / "settings.json").exists():
        raise InputError("holds a run", where=folder, remedy="name another folder with --output")
    check_writable(folder / "report.json")


def write_bytes(path: Path, content: bytes) -> None:
    """Written beside, then renamed: a reader sees the old file or the new one.

    Raises:
        InputError: it cannot be written.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise InputError(f"cannot be written ({error.strerror})", where=path, remedy="choose another place") from None


def write_text(path: Path, text: str) -> None:
    """As `write_bytes`, in UTF-8."""
    write_bytes(path, text.encode())


def read_json(path: Path):
    """A JSON file of a run; missing or damaged is the user's to mend."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            "no such file", where=path, remedy="name a folder that `python -m pipelines translate` wrote"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", where=path, remedy="restore the file or train anew") from None


def started(folder: Path) -> bool:
    """Whether a run lives in the folder. A folder that holds something else is refused."""
    folder = Path(folder)
    check_folder(folder)
    if (folder / "settings.json").exists():
        return True
    if folder.is_dir() and any(path.name[0] != "." and path.name not in UNFINISHED for path in folder.iterdir()):
        raise InputError("holds files but no run", where=folder, remedy="name a new or empty folder with --output")
    return False


def same_settings(folder: Path, settings, free: tuple[str, ...] = FREE) -> None:
    """Refuses to resume a run with other settings than it began with, naming each difference.

    Args:
        free: settings that may differ.
    """
    before, now = read_json(Path(folder) / "settings.json"), plain(settings)
    if not isinstance(before.get("model"), dict):  # of the first runs, where the sizes stood beside the family
        sizes = {name: before.pop(name, None) for name in _SIZES}
        before, now = _unsaid(before | {"model": {"family": before.get("model"), **sizes}}), _unsaid(now)
    if now.get("schedule") == "cosine":
        free = tuple(name for name in free if name != "epochs")
    changed = differences(before, now, free)
    if changed:
        raise InputError(
            "the run began with other settings: " + "; ".join(changed),
            where=folder,
            remedy="repeat the first command to resume, or name another folder with --output",
        )


def differences(before: dict, now: dict, free: tuple[str, ...]) -> list[str]:
    """What differs between plain settings, each as the flag, what it was and what it is.

    Args:
        free: settings that may differ.
    """
    before, now = _flat(before, free), _flat(now, free)
    return [
        f"--{_flag(name)} was {before.get(name)} and is now {now.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
        and (name in before or now[name] not in (None, []))  # what a run of an earlier version did not know
    ]


def family(settings: dict) -> str:
    """The family of the model in a run's settings of any age."""
    return settings["model"]["family"] if isinstance(settings["model"], dict) else settings["model"]


def same_data(folder: Path, prints: dict[str, str]) -> None:
    """Refuses to resume a run on other pairs, another vocabulary or other vectors than it began with."""
    before = read_json(Path(folder) / "data.json").get("fingerprints", {})
    changed = [name.replace("_", " ") for name in prints if prints[name] != before.get(name, "")]
    if changed:
        raise InputError(
            f"{' and '.join(changed)} changed since the run began",
            where=folder,
            remedy="give the files of the first command to resume, or name another folder with --output",
        )


def model_folder(folder: Path) -> Path:
    """Where the finished model of a run is; a folder that holds a model itself is returned as it is.

    Raises:
        InputError: the run is not finished.
    """
    folder = Path(folder)
    if (folder / "model").is_dir():
        return folder / "model"
    if (folder / "settings.json").exists():
        raise InputError("the run is not finished", where=folder, remedy="repeat the command that began it")
    return folder


def one_line(text: str) -> str:
    """A text without the characters that would break a line or a column."""
    return re.sub(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]", " ", text)


def fingerprint(*texts: list[str]) -> str:
    """SHA-256 over lists of strings."""
    digest = hashlib.sha256()
    for lines in texts:
        digest.update("\n".join(lines).encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _flag(name: str) -> str:
    """How a setting is typed: the families' own flags have no prefix."""
    return (
        "model"
        if name == "model.family"
        else re.sub(r"^(model|objective|adapt|training)\.", "", name).replace("_", "-")
    )


def _unsaid(settings: dict) -> dict:
    """Without the values that the first runs wrote where the user had said nothing of a size."""
    sizes = {name: None if value == _SIZES.get(name) else value for name, value in settings["model"].items()}
    return settings | {"model": sizes}


def _flat(nested: dict, without: tuple[str, ...] = (), prefix: str = "") -> dict:
    flat = {}
    for name, value in nested.items():
        if name in without:
            continue
        flat |= _flat(value, (), f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat

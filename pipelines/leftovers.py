"""What processes that were killed left behind in the folder of a run."""

import os
import re
import shutil
from pathlib import Path

_NAME = re.compile(r"\..+\.(?:new-|old-)?(\d+)")
"""Of files and folders that `runs.write_bytes` and `seq2seq_keras.folders` write beside their place, by process."""


def remove(folder: Path) -> None:
    """Removes them, but for those of processes that still run. To be called when all of the run is written anew."""
    for path in Path(folder).iterdir():
        name = _NAME.fullmatch(path.name)
        if name is None or _runs(int(name[1])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OverflowError:  # no process has such a number
        return False
    except PermissionError:
        return True
    return True

"""One run a folder."""

import os
from pathlib import Path

from seq2seq_keras.errors import InputError

if os.name == "nt":
    import msvcrt
else:
    import fcntl


class FolderLock:
    """Holds a folder until it is released or the process ends, however it ends; a crash leaves no stale lock.

    Args:
        folder: made if it is missing.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self._file = None

    def acquire(self) -> "FolderLock":
        """Takes the folder; again is fine.

        Raises:
            InputError: another process holds it, or it cannot be written.
        """
        if self._file is not None:
            return self
        path = self.folder / ".lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+")
        except OSError as error:
            raise InputError(
                f"cannot be used as a folder to write to ({error.strerror})",
                where=self.folder,
                remedy="choose another folder or change its permissions",
            ) from error
        try:
            _lock(file)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise InputError(
                f"another run (process {owner}) is writing here",
                where=self.folder,
                remedy="wait for it, stop it, or choose another folder",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return self

    def release(self) -> None:
        """Lets the folder go; again is fine."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> "FolderLock":
        return self.acquire()

    def __exit__(self, *_) -> None:
        self.release()


def _lock(file) -> None:
    if os.name == "nt":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""One model that is served: its versions, from a folder that appears to the last request that used it."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import versions
from seq2seq_keras.serve.config import ModelConfig
from seq2seq_keras.serve.states import State, Version, VersionStatus
from seq2seq_keras.serve.status import Code, ServingError

log = logging.getLogger("seq2seq_keras.serve")

_HISTORY = 20
"""How many versions that ended are remembered."""


class ServedModel:
    """The versions of one model, and the thread that brings them in line with what lies in its folder.

    A version is unloaded only while one that is wanted serves, and closed only after the last request that uses it.

    Args:
        config: which versions are wanted.
        load: gives the servable of a model's name, a version's number and its folder.
        poll_seconds: between two looks at the folder; zero or less: only one look.
        retries: how often a version that cannot be loaded is tried again before it is given up. One whose files change
            is tried again at once.
        retry_seconds: between two tries.
    """

    def __init__(
        self,
        config: ModelConfig,
        load: Callable[[str, int, Path], Any],
        poll_seconds: float,
        retries: int,
        retry_seconds: float,
    ):
        self.config = config
        self.working = threading.RLock()
        """Held by whoever loads and unloads."""
        self._loader, self._retries, self._retry_seconds = load, retries, retry_seconds
        self._poll_seconds = poll_seconds
        self._changed = threading.Condition()
        self._versions: dict[int, Version] = {}
        self._folders: dict[int, Path] = {}
        self._unreadable = ""
        self._stopping = False
        self._thread = threading.Thread(target=self._poll_on, name=f"versions of {config.name}", daemon=True)

    def load(self) -> None:
        """Loads what is wanted for the first time.

        Raises:
            InputError: there is nothing to serve.
        """
        self.look()
        self.advance()
        if not self.available():
            raise self._nothing_served()

    def start(self) -> None:
        """Goes on looking for versions, in a thread."""
        self._thread.start()

    def stop(self, deadline: float) -> None:
        """Ends every version as soon as no request uses it, at the latest at `deadline` (of `time.monotonic`)."""
        with self._changed:
            self._stopping = True
            for version in list(self._versions.values()):
                if version.state == State.AVAILABLE:
                    version.state = State.UNLOADING
                elif version.state == State.LOADING and version.code != Code.OK:
                    self._end(version)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: not any(version.leases for version in self._versions.values()),
                max(0.0, deadline - time.monotonic()),
            )
        # A version may be loading just now: its thread closes it.
        if self._thread.is_alive():
            self._thread.join(max(1.0, deadline - time.monotonic()))
        self._close([version for version in self._versions.values() if version.servable is not None])

    def look(self) -> None:
        """Notes which versions there are. A folder that cannot be read has none: what serves goes on serving."""
        with self.working:
            unreadable = ""
            try:
                folders = versions.found(self.config.base_path)
            except OSError as error:
                folders, unreadable = {}, error.strerror or str(error)
            if unreadable and unreadable != self._unreadable:
                log.warning("model %s: %s cannot be read (%s)", self.config.name, self.config.base_path, unreadable)
            self._folders, self._unreadable = folders, unreadable

    def advance(self, config: ModelConfig | None = None, unload: bool = True) -> None:
        """Loads what is wanted and not there, then ends what is there and no longer wanted.

        Args:
            config: in place of the model's own.
            unload: whether to end anything.
        """
        with self.working:
            numbers = versions.wanted(self._folders, (config or self.config).policy)
            for number in numbers:
                if not self._stopping and self._is_due(number):
                    self._try(number)
            if unload:
                self._unload(numbers)
            self._close(self._drained())

    def available(self) -> list[int]:
        """Numbers of the versions that serve."""
        with self._changed:
            return [number for number, version in self._versions.items() if version.state == State.AVAILABLE]

    def acquire(self, number: int | None) -> Version | None:
        """A version to use until `release`, the largest without a number; None if it does not serve."""
        with self._changed:
            if number is None:
                serving = [key for key, version in self._versions.items() if version.state == State.AVAILABLE]
                number = max(serving, default=None)
            version = self._versions.get(number)
            if version is None or version.state != State.AVAILABLE:
                return None
            version.leases += 1
            return version

    def release(self, version: Version) -> None:
        """Ends the use of a version."""
        with self._changed:
            version.leases -= 1
            if version.leases == 0:
                self._changed.notify_all()

    def status(self) -> list[VersionStatus]:
        """Every version, also those that failed or ended, the largest number first."""
        with self._changed:
            known = sorted(self._versions.values(), key=lambda version: -version.number)
            return [version.status for version in known]

    def _poll_on(self) -> None:
        pause = self._poll_seconds if self._poll_seconds > 0 else max(self._retry_seconds, 1.0)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._drained(), pause)
                if self._stopping:
                    return
            try:
                with self.working:
                    if self._poll_seconds > 0:
                        self.look()
                    self.advance()
            except Exception:
                log.exception("model %s: looking for versions failed", self.config.name)

    def _is_due(self, number: int) -> bool:
        version = self._versions.get(number)
        if version is None:
            return True
        if version.state == State.END and version.code == Code.OK:
            return True
        if version.state not in (State.LOADING, State.END):
            return False
        if version.stamp != versions.stamp(self._folders[number]):
            version.attempts = 0
            return True
        return version.state == State.LOADING and time.monotonic() >= version.due

    def _try(self, number: int) -> None:
        name, folder = self.config.name, self._folders[number]
        with self._changed:
            version = self._versions.setdefault(number, Version(number))
            version.state, version.stamp = State.LOADING, versions.stamp(folder)
        try:
            servable = self._loader(name, number, folder)
        except Exception as error:
            log.warning("model %s: version %d cannot be loaded: %s", name, number, error, exc_info=_unforeseen(error))
            with self._changed:
                version.failed(error, self.config.base_path)
                version.due = time.monotonic() + self._retry_seconds
                if version.attempts > self._retries:
                    self._end(version)
            return
        with self._changed:
            version.loaded(servable)
            if self._stopping:
                version.state = State.UNLOADING
        log.info("model %s: version %d is available", name, number)

    def _unload(self, numbers: list[int]) -> None:
        with self._changed:
            serving = {number for number, version in self._versions.items() if version.state == State.AVAILABLE}
            if not numbers:
                return
            for number, version in list(self._versions.items()):
                if version.state == State.LOADING and number not in numbers:
                    self._end(version)
            if serving & set(numbers):
                for number in serving - set(numbers):
                    self._versions[number].state = State.UNLOADING

    def _close(self, drained: list[Version]) -> None:
        for version in drained:
            try:
                version.servable.close()
            except Exception:
                log.exception("model %s: version %d did not close well", self.config.name, version.number)
            with self._changed:
                version.servable = None
                self._end(version)
            log.info("model %s: version %d is unloaded", self.config.name, version.number)

    def _end(self, version: Version) -> None:
        version.state, version.ended = State.END, time.monotonic()
        # One that failed is remembered while its folder is there: else it would be tried again.
        past = [
            other
            for other in self._versions.values()
            if other.state == State.END and (other.code == Code.OK or other.number not in self._folders)
        ]
        for other in sorted(past, key=lambda other: other.ended)[:-_HISTORY]:
            del self._versions[other.number]

    def _drained(self) -> list[Version]:
        with self._changed:
            return [version for version in self._versions.values() if version.is_drained]

    def _nothing_served(self) -> InputError:
        name, base_path = self.config.name, self.config.base_path
        tried = [version for version in self._versions.values() if version.cause]
        if tried:
            newest = max(tried, key=lambda version: version.number)
            return InputError(
                f"model {name!r}: version {newest.number} cannot be loaded: {newest.cause}", where=base_path
            )
        if self._unreadable:
            return InputError(f"model {name!r}: the folder cannot be read ({self._unreadable})", where=base_path)
        if self._folders:
            there = ", ".join(map(str, sorted(self._folders)))
            return InputError(
                f"model {name!r}: none of its versions is wanted", where=base_path, expected=f"one of {there}"
            )
        remedy = ""
        if (base_path / "saved_model.pb").is_file():
            remedy = "this folder is one version: name the folder above it"
        return InputError(
            f"model {name!r} has no version",
            where=base_path,
            expected="folders named 1, 2, ... with a SavedModel in each",
            remedy=remedy,
        )


def _unforeseen(error: Exception) -> bool:
    return not isinstance(error, InputError | ServingError)

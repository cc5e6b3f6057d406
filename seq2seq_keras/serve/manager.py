"""The models of a server: which version answers a request, and how models come and go without failing one."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.config import ModelConfig
from seq2seq_keras.serve.served import ServedModel
from seq2seq_keras.serve.states import State, Version, VersionStatus
from seq2seq_keras.serve.status import Code, ServingError

if TYPE_CHECKING:
    from seq2seq_keras.serve.servable import Servable

__all__ = ["ModelManager", "ModelSpec", "State", "VersionStatus"]


class ModelSpec(NamedTuple):
    """What a request asks for: the newest version of a model, or one by its number or its label."""

    name: str
    version: int | None = None
    label: str | None = None


class ModelManager:
    """Many models, each with the versions that its policy wants, brought up to date from their folders.

    Args:
        models: what to serve.
        load: gives the servable of a model's name, a version's number and its folder; raises `InputError` or
            `ServingError`.
        poll_seconds: between two looks at the folders; zero or less: only one look.
        retries: how often a version that cannot be loaded is tried again before it is given up.
        retry_seconds: between two tries.
        drain_seconds: how long `stop` waits for requests at work.
    """

    def __init__(
        self,
        models: Sequence[ModelConfig],
        load: "Callable[[str, int, Path], Servable]",
        poll_seconds: float = 1.0,
        retries: int = 5,
        retry_seconds: float = 60.0,
        drain_seconds: float = 30.0,
    ):
        self._configs = list(models)
        self._settings = (load, poll_seconds, retries, retry_seconds)
        self._drain_seconds = drain_seconds
        self._models: dict[str, ServedModel] = {}
        self._reloading = threading.Lock()

    def start(self) -> None:
        """Loads all that is wanted now, and goes on looking for versions.

        Raises:
            InputError: a model has no version that loads, or a label for one that did not; nothing serves then.
        """
        _check_names(self._configs)
        with ExitStack() as undo:
            for config in self._configs:
                self._models[config.name] = model = ServedModel(config, *self._settings)
                undo.callback(model.stop, 0.0)
                model.load()
                _check_labels(model, config)
            for model in self._models.values():
                model.start()
            undo.pop_all()

    def stop(self, deadline: float | None = None) -> None:
        """Unloads everything, after the requests at work or at the deadline.

        Args:
            deadline: of `time.monotonic`; None means when `drain_seconds` have passed.
        """
        with self._reloading:
            self._stop(list(self._models.values()), deadline)

    def names(self) -> list[str]:
        """The models, in the order of the configuration."""
        return list(self._models)

    @contextmanager
    def lease(self, spec: ModelSpec) -> "Iterator[Servable]":
        """The version that answers a request; it stays loaded until the block ends.

        Raises:
            ServingError: no such model, version or label.
        """
        model, version = self._acquire(spec)
        try:
            yield version.servable
        finally:
            model.release(version)

    def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """What is known of a model's versions, or of one, the newest first; also of those that failed or ended.

        Raises:
            ServingError: nothing is known.
        """
        model = self._models.get(name)
        known = model.status() if model else []
        if version is not None:
            known = [status for status in known if status.version == version]
        if not known:
            what = "any versions" if version is None else f"version {version}"
            raise ServingError(Code.NOT_FOUND, f"Could not find {what} of model {name}")
        return known

    def reload(self, models: Sequence[ModelConfig]) -> None:
        """Serves other models, versions or labels from now on; all of it or, if it cannot be, none.

        A model whose folder is another one is a new model.

        Raises:
            ServingError: a new model has no version that loads, or a label stands for a version that does not serve.
        """
        with self._reloading:
            try:
                before, self._models = self._models, self._changed(models)
            except InputError as error:
                raise ServingError(Code.FAILED_PRECONDITION, error.found) from None
            self._stop([model for name, model in before.items() if self._models.get(name) is not model])

    def _changed(self, configs: Sequence[ModelConfig]) -> dict[str, ServedModel]:
        """The models of another configuration, loaded."""
        _check_names(configs)
        models: dict[str, ServedModel] = {}
        with ExitStack() as held, ExitStack() as undo:
            for config in configs:
                model = self._models.get(config.name)
                if model is None or model.config.base_path != config.base_path:
                    model = ServedModel(config, *self._settings)
                    undo.callback(model.stop, 0.0)
                    _load_new(model)
                else:
                    # Held until all is decided: its thread would end what the configuration of before does not want.
                    held.enter_context(model.working)
                    model.look()
                    model.advance(config, unload=False)
                models[config.name] = model
                _check_labels(model, config)
            undo.pop_all()
            for config in configs:
                model = models[config.name]
                model.config = config
                if model is self._models.get(config.name):
                    model.advance()
                else:
                    model.start()
        return models

    def _stop(self, models: list[ServedModel], deadline: float | None = None) -> None:
        if deadline is None:
            deadline = time.monotonic() + self._drain_seconds
        for model in models:
            model.stop(deadline)

    def _acquire(self, spec: ModelSpec) -> tuple[ServedModel, Version]:
        while True:
            model = self._models.get(spec.name)
            number = spec.version
            if spec.label is not None:
                number = model.config.labels.get(spec.label) if model else None
                if number is None:
                    raise ServingError(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {spec.label}")
            version = model.acquire(number) if model else None
            if version is not None:
                return model, version
            if model is self._models.get(spec.name):  # else another has just taken its place
                asked = f"Latest({spec.name})" if number is None else f"Specific({spec.name}, {number})"
                raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {asked}")


def _check_names(configs: Sequence[ModelConfig]) -> None:
    names = [config.name for config in configs]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"model {name!r} is listed twice", expected="one entry for each name")


def _check_labels(model: ServedModel, config: ModelConfig) -> None:
    """Labels stand for versions that serve, and for no others."""
    available = model.available()
    for label, number in config.labels.items():
        if number not in available:
            raise InputError(
                f"Request to assign label to version {number} of model {config.name}, which is not currently available "
                "for inference",
                where=config.base_path,
                expected=f"label {label!r} to stand for one of {', '.join(map(str, sorted(available)))}",
            )


def _load_new(model: ServedModel) -> None:
    """As `ServedModel.load`, told to a client: without folders."""
    try:
        model.load()
    except InputError:
        failed = next((status for status in model.status() if status.code != Code.OK), None)
        code, why = (failed.code, failed.message) if failed else (Code.NOT_FOUND, "it has none that is wanted")
        raise ServingError(code, f"model {model.config.name!r} has no version that can be served: {why}") from None

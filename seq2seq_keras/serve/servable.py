"""One version of a model, loaded: signatures by name, arrays in, arrays out."""

import gc
import json
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizers)
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from seq2seq_keras.errors import InputError
from seq2seq_keras.export import manifest
from seq2seq_keras.serve import warmup
from seq2seq_keras.serve.allowed import check
from seq2seq_keras.serve.config import BatchingParameters, read_batching
from seq2seq_keras.serve.program import STARTS, TRAINS
from seq2seq_keras.serve.status import Code, ServingError

_MOST_CALLS = 64
"""Selections of outputs that are kept: TensorFlow plans each anew, and clients choose them."""


class _Call(NamedTuple):
    feeds: dict[str, tf.Tensor]
    fetches: dict[str, tf.Tensor]


_OURS = "search"
"""What the `settings.json` of an export of this project has, whose last file is the manifest."""


class Servable:
    """A session over the graph of one version. Any number of threads may run it at once.

    Args:
        name: of the model.
        version: of the folder.
        folder: it was loaded from.
        session: that holds its variables.
        signatures: what can be asked, by name.
        settings: content of `settings.json`, if there is one.
        batching: the version's own parameters, if any.
    """

    def __init__(
        self,
        name: str,
        version: int,
        folder: Path,
        session: tf.compat.v1.Session,
        signatures: dict[str, SignatureDef],
        settings: dict,
        batching: BatchingParameters | None = None,
    ):
        self.name, self.version, self.folder = name, version, folder
        self.signatures, self.settings, self.batching = signatures, settings, batching
        self._session: tf.compat.v1.Session | None = session
        self._lock = threading.Lock()
        dense = {key: one for key, one in signatures.items() if _dense(one)}
        self._whole = {key: self._plan(key, tuple(sorted(one.outputs))) for key, one in dense.items()}
        self._calls = {(key, tuple(sorted(one.outputs))): self._whole[key] for key, one in dense.items()}

    def run(
        self,
        signature: str,
        inputs: dict[str, np.ndarray],
        outputs: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Computes outputs from inputs.

        Args:
            signature: name of one.
            inputs: an array for each of its inputs; strings are object arrays of bytes.
            outputs: names of those that are wanted; None or nothing for all.
            timeout: seconds after which the computation is ended.

        Returns:
            arrays by name of output, in the order asked for.

        Raises:
            ServingError: it failed, or took too long.
        """
        session = self._session
        if session is None:
            raise self._unloaded()
        call = self._call(signature, outputs)
        _compare(inputs.keys(), call.feeds.keys())
        feeds = {call.feeds[name]: value for name, value in inputs.items()}
        try:
            found = session.run(call.fetches, feeds, _options(timeout))
        except tf.errors.OpError as error:
            raise _failed(error) from None
        except (ValueError, TypeError) as error:  # of a shape or type that the graph does not take
            raise ServingError(Code.INVALID_ARGUMENT, str(error)) from None
        except RuntimeError:  # closed since
            raise self._unloaded() from None
        return {name: _array(found[name], call.fetches[name].dtype) for name in outputs or call.fetches}

    def close(self) -> None:
        """Frees its memory. Nothing may run any more."""
        session, self._session = self._session, None
        if session is None:
            return
        session.close()
        del session
        self._whole, self._calls = {}, {}  # their tensors hold the graph
        # A graph is full of circles: without this, its memory would stay until Python looks by chance.
        gc.collect()

    def _call(self, signature: str, outputs: Sequence[str] | None) -> _Call:
        """What to feed and to fetch for these outputs, or for more where too many selections were seen."""
        if signature not in self.signatures:
            raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.')
        if signature not in self._whole:
            raise ServingError(Code.UNIMPLEMENTED, f'Serving signature "{signature}" is not one of dense tensors')
        if not outputs:
            return self._whole[signature]
        for name in outputs:
            if name not in self._whole[signature].fetches:
                raise ServingError(Code.INVALID_ARGUMENT, f"output tensor alias not found in signature: {name}")
        key = signature, tuple(sorted(set(outputs)))
        with self._lock:
            if key not in self._calls and len(self._calls) >= len(self._whole) + _MOST_CALLS:
                return self._whole[signature]
            if key not in self._calls:
                self._calls[key] = self._plan(*key)
            return self._calls[key]

    def _plan(self, signature: str, outputs: tuple[str, ...]) -> _Call:
        graph, one = self._session.graph, self.signatures[signature]
        return _Call(
            {name: graph.get_tensor_by_name(info.name) for name, info in one.inputs.items()},
            {name: graph.get_tensor_by_name(one.outputs[name].name) for name in outputs},
        )

    def _unloaded(self) -> ServingError:
        return ServingError(Code.UNAVAILABLE, f"Version {self.version} of model {self.name} is unloaded")


def load(
    name: str,
    version: int,
    folder: str | Path,
    allowed: frozenset[str] = frozenset(),
    threads: int = 0,
    per_model_batching: bool = False,
) -> Servable:
    """Loads one version: looked at first, then restored, then warmed up.

    Args:
        name: of the model.
        version: of the folder.
        folder: with the SavedModel. Where a manifest lies in it, every file must be as it says.
        allowed: ops to allow beside `allowed_ops.txt`.
        threads: inside and beside operations; 0 for one inside, and one a core beside: cores are for requests side by
            side. The first model of a process decides for all.
        per_model_batching: whether to read `batching_params.pbtxt`, where there is one.

    Raises:
        InputError: it is damaged, may not be served, or is not for serving.
        ServingError: TensorFlow cannot restore it.
    """
    folder = Path(folder)
    try:
        # One of this project's without its manifest is unfinished, or somebody took it away.
        if (folder / manifest.NAME).exists() or _OURS in _settings(folder):
            manifest.verify(folder)
        config = _config(threads, check(folder, allowed))
        own = folder / manifest.BATCHING
        batching = read_batching(own) if per_model_batching and own.exists() else None
        servable = _open(name, version, folder, config, batching)
        try:
            warmup.replay(folder, servable.run)
        except BaseException:
            servable.close()
            raise
    except InputError as error:
        raise InputError(_here(str(error), folder)) from None
    except tf.errors.OpError as error:
        failed = _failed(error)
        raise ServingError(failed.code, _here(f"{folder.name}: {failed.message}", folder)) from None
    return servable


def _open(
    name: str, version: int, folder: Path, config: tf.compat.v1.ConfigProto, batching: BatchingParameters | None
) -> Servable:
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    try:
        loaded = tf.compat.v1.saved_model.load(session, [tf.saved_model.SERVING], str(folder))
        session.graph.finalize()
        signatures = {key: one for key, one in loaded.signature_def.items() if key not in (STARTS, TRAINS)}
        return Servable(name, version, folder, session, signatures, _settings(folder), batching)
    except tf.errors.OpError:
        session.close()
        raise
    except Exception as error:  # a graph that is none ends in errors of any type
        session.close()
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"the SavedModel cannot be loaded ({said})", where=folder) from None


def _config(threads: int, model: SavedModel) -> tf.compat.v1.ConfigProto:
    """How a session runs the model: a device that is not here gives way to one that is, as in TensorFlow Serving."""
    config = tf.compat.v1.ConfigProto(
        allow_soft_placement=True, intra_op_parallelism_threads=threads or 1, inter_op_parallelism_threads=threads
    )
    # TensorFlow 2, which saves objects, has the work in functions, which are optimised when first called. To have the
    # session optimise all of them before, anew for each signature, takes nearly half the time of a load and gains
    # nothing. TensorFlow 1 has the work in the graph itself.
    of_objects = all(graph.HasField("object_graph_def") for graph in model.meta_graphs)
    config.graph_options.rewrite_options.disable_meta_optimizer = of_objects
    return config


def _settings(folder: Path) -> dict:
    """Those of one of our exports; a foreign model has none."""
    try:
        settings = json.loads((folder / manifest.EXTRA / "settings.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _here(message: str, folder: Path) -> str:
    """Without the folders above the version: clients see why it does not load, but not where it lies."""
    for path in sorted({str(folder), str(folder.absolute()), str(folder.resolve())}, key=len, reverse=True):
        message = message.replace(path, folder.name)
    return message


def _failed(error: tf.errors.OpError) -> ServingError:
    """What the runtime said: sessions raise it again below a list of nodes, savers below a guess at the cause."""
    while isinstance(error.__context__, tf.errors.OpError):
        error = error.__context__
    return ServingError.of_tensorflow(error)


def _options(timeout: float | None) -> tf.compat.v1.RunOptions | None:
    if timeout is None or math.isinf(timeout):
        return None
    if timeout <= 0:
        raise ServingError(Code.DEADLINE_EXCEEDED, "Deadline exceeded")
    return tf.compat.v1.RunOptions(timeout_in_ms=max(1, round(timeout * 1000)))


def _dense(signature: SignatureDef) -> bool:
    infos = [*signature.inputs.values(), *signature.outputs.values()]
    return all(info.WhichOneof("encoding") == "name" for info in infos)


def _compare(given, wanted) -> None:
    """The inputs of a request and those of its signature."""
    if given == wanted:
        return
    extra, missing = ",".join(sorted(given - wanted)), ",".join(sorted(wanted - given))
    said = f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
    raise ServingError(Code.INVALID_ARGUMENT, f"inputs do not match signature: {said}")


def _array(value, dtype: tf.DType) -> np.ndarray:
    """A tensor without axes comes as a value; strings must not become NumPy's, which lose zeros at their end."""
    return value if isinstance(value, np.ndarray) else np.array(value, object if dtype == tf.string else None)

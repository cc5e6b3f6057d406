"""A client of this server and of any TensorFlow Serving, over REST or gRPC."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

import numpy as np

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import dtypes

EXPECTED = "http://127.0.0.1:8501 for REST or grpc://127.0.0.1:8500 for gRPC"
"""What an address looks like."""

_HOST = re.compile(r"[a-z0-9_.:%-]+")


class Client:
    """Asks one model of a server. Close it, or use it in a `with` block; threads may share it.

    What a server refuses ends in a `ServingError` with its code and message; a server that is not there, or a
    mistake in what is asked, in an `InputError`.

    Args:
        url: of the server, `http://HOST:PORT` for REST or `grpc://HOST:PORT`.
        model: its name there.
        version: of the model; None is the newest.
        token: that the server wants.
        timeout: seconds to wait for an answer.
        batch: most texts a request.
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None = None,
        token: str | None = None,
        timeout: float = 30,
        batch: int = 32,
    ):
        if batch < 1:
            raise InputError(f"a batch of {batch} texts", expected="at least 1")
        if not model:
            raise InputError("the model has no name", expected="one that the server knows")
        self.model, self.batch = model, batch
        self._door = _open(_address(url), model, version, token, timeout)
        self._signatures: dict | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends its connections."""
        self._door.close()

    def status(self) -> list[dict]:
        """Every version of the model, or the one asked for, as `{"version": "1", "state": "AVAILABLE", ...}`."""
        return self._door.status()

    def metadata(self) -> dict:
        """Name, version and signatures of the model, as REST gives them."""
        return self._door.metadata()

    def predict(self, inputs: Mapping, signature: str = "serving_default") -> dict[str, np.ndarray]:
        """Runs a signature once.

        Args:
            inputs: values by name of the input: arrays, or numbers and texts in lists.
            signature: which one.

        Returns:
            Arrays by name of the output. Strings are str, or bytes where the name ends in `_bytes`.
        """
        known = self._signature(signature)
        if set(inputs) != set(known["inputs"]):
            found = f"inputs {', '.join(sorted(inputs)) or 'none'} for {signature!r} of model {self.model!r}"
            raise InputError(found, expected=", ".join(sorted(known["inputs"])))
        arrays = {name: _array(name, inputs[name], known["inputs"][name]["dtype"]) for name in inputs}
        return self._door.predict(signature, arrays, known)

    def generate(self, texts: Sequence[str]) -> list[str]:
        """The best text for each."""
        return [text for text, _ in self.scored(texts)]

    def scored(self, texts: Sequence[str], signature: str = "serving_default") -> list[tuple[str, float]]:
        """The best text for each, and its score.

        Args:
            signature: `serving_default` or `greedy`.
        """
        found = self._rows(signature, ("text", "score"), text=texts)
        return [(row["text"], float(row["score"])) for row in found]

    def nbest(self, texts: Sequence[str]) -> list[list[tuple[str, float]]]:
        """All texts the search kept for each, best first, with their scores."""
        found = []
        for row in self._rows("nbest", ("text", "score"), text=texts):
            kept = [pair for pair in zip(row["text"], map(float, row["score"])) if pair[1] > float("-inf")]
            found.append(kept or [("", float("-inf"))])
        return found

    def score(self, texts: Sequence[str], targets: Sequence[str]) -> list[float]:
        """Log probability of each target."""
        if len(texts) != len(targets):
            raise InputError(f"{len(texts):,} texts and {len(targets):,} targets", expected="as many")
        return [float(row["score"]) for row in self._rows("score", ("score",), text=texts, target=targets)]

    def stream(self, text: str, max_length: int | None = None) -> Iterator[dict]:
        """The answer to one text as it grows: `{"text": so far, "done": False}`, the last one done and with its score.

        Only this server does it, and over REST. Closing the iterator, or leaving its loop, ends the work there.

        Args:
            max_length: most ids to say.
        """
        return self._door.stream(text, max_length)

    def _signature(self, name: str) -> dict:
        """Inputs and outputs of a signature, asked for once."""
        if self._signatures is None or name not in self._signatures:
            self._signatures = self.metadata()["metadata"]["signature_def"]["signature_def"]
        if name not in self._signatures:
            found = f"model {self.model!r} has no signature {name!r}"
            raise InputError(found, expected=f"one of {', '.join(sorted(self._signatures)) or 'none'}")
        return self._signatures[name]

    def _rows(self, signature: str, wanted: Sequence[str], **columns: Sequence[str]) -> list[dict]:
        """One dict of values for each text, in the order given; texts of alike length share a request."""
        texts = columns["text"]
        rows: list[dict] = [{} for _ in texts]
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for begin in range(0, len(order), self.batch):
            places = order[begin : begin + self.batch]
            given = {name: [values[place] for place in places] for name, values in columns.items()}
            found = self.predict(given, signature)
            missing = [name for name in wanted if name not in found or len(found[name]) != len(places)]
            if missing:
                fault = f"{signature!r} of model {self.model!r} gives no {' and '.join(missing)} for every text"
                raise InputError(fault, expected="a model that this project exported")
            for row, place in enumerate(places):
                rows[place] = {name: found[name][row] for name in wanted}
        return rows


def _address(url: str) -> SplitResult:
    """The parts of an address that can be one."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url.rstrip("/"))
        plain = not (parts.query or parts.fragment or parts.username or "/v1" in parts.path)
        rest, rpc = parts.scheme in ("http", "https"), parts.scheme == "grpc" and parts.port and not parts.path
        if plain and _HOST.fullmatch(parts.hostname or "") and parts.port != 0 and (rest or rpc):
            return parts
    raise InputError("is no address of a server", where=url, expected=EXPECTED)


def _open(parts: SplitResult, *asked):
    """The door for an address. Each needs packages that training does not."""
    try:
        if parts.scheme == "grpc":
            from seq2seq_keras.serve.client_rpc import Rpc

            return Rpc(parts.netloc, *asked)
        from seq2seq_keras.serve.client_rest import Rest

        return Rest(parts.geturl(), *asked)
    except ModuleNotFoundError as error:
        raise InputError(f"the package {error.name} is not installed", remedy="run pip install -e '.[serve]'") from None


def _array(name: str, value, dtype: str) -> np.ndarray:
    """A value as an array of the type a signature says; strings as bytes, lone surrogates included."""
    try:
        if dtype != "DT_STRING":
            return np.asarray(value, dtypes.of_name(dtype))
        array = np.array(value, object)
        flat = np.empty(array.size, object)
        flat[:] = [_bytes(text) for text in array.ravel()]
        return flat.reshape(array.shape)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"input {name!r} is no array of {dtype}", expected="values of that type, rows alike") from None


def _bytes(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise TypeError
    return text.encode("utf-8", "surrogatepass")

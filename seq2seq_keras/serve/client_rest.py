"""The client's side of REST."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import numpy as np

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import dtypes
from seq2seq_keras.serve.status import OF_HTTP, Code, ServingError

_CODES = OF_HTTP | {500: Code.INTERNAL}
"""What a status of HTTP means, where several codes share one the likeliest."""
_LONGEST = 200


class Rest:
    """One model over REST.

    Args:
        url: as `http://127.0.0.1:8501`, a path before `/v1` included.
        model, version, token, timeout: as a `Client` has them.
    """

    def __init__(self, url: str, model: str, version: int | None, token: str | None, timeout: float):
        self._url, self._timeout = url, timeout
        self._path = f"{url}/v1/models/{quote(model, safe='')}" + (
            f"/versions/{version}" if version is not None else ""
        )
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        # Neither proxies nor passwords from the environment: a model server is near, and its token is its own.
        self._client = httpx.Client(headers=headers, timeout=timeout, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def status(self) -> list[dict]:
        return self._ask("GET", "")["model_version_status"]

    def metadata(self) -> dict:
        return self._ask("GET", "/metadata")

    def predict(self, signature: str, inputs: dict[str, np.ndarray], known: dict) -> dict[str, np.ndarray]:
        """Runs a signature; `known` is what the metadata says of it."""
        columns = {name: _to_json(array.tolist()) for name, array in inputs.items()}
        found = self._ask("POST", ":predict", {"signature_name": signature, "inputs": columns})["outputs"]
        names = list(known["outputs"])
        outputs = {names[0]: found} if len(names) == 1 else found
        return {name: _array(value, known["outputs"][name]["dtype"]) for name, value in outputs.items()}

    def stream(self, text: str, max_length: int | None) -> Iterator[dict]:
        """Server-sent events, each a JSON object."""
        asked = {"text": text} | ({} if max_length is None else {"max_length": max_length})
        try:
            with self._client.stream("POST", f"{self._path}:generate", content=_dumped(asked)) as response:
                if response.status_code != 200:
                    response.read()
                    self._check(response)
                for event in _events(response.iter_lines()):
                    if "error" in event:
                        raise ServingError(Code(event.get("code", Code.UNKNOWN)), str(event["error"]))
                    yield event
                    if event.get("done"):
                        return
        except httpx.HTTPError as error:
            raise self._fault(error) from None
        raise ServingError(Code.UNAVAILABLE, "the answer broke off")

    def _ask(self, verb: str, rest: str, document: dict | None = None) -> dict:
        try:
            response = self._client.request(verb, self._path + rest, content=document and _dumped(document))
        except httpx.HTTPError as error:
            raise self._fault(error) from None
        return self._check(response)

    def _check(self, response: httpx.Response) -> dict:
        """The document of an answer.

        Raises:
            ServingError: what the server says went wrong.
            InputError: it is no TensorFlow Serving.
        """
        try:
            document = response.json()
        except ValueError:
            document = None
        if response.status_code == 200 and isinstance(document, dict):
            return document
        if isinstance(document, dict) and "error" in document:
            raise ServingError(_CODES.get(response.status_code, Code.UNKNOWN), str(document["error"]))
        found = f"what answers there is no TensorFlow Serving (HTTP {response.status_code})"
        raise InputError(found, where=self._url, remedy="look at the address, and at the port")

    def _fault(self, error: httpx.HTTPError) -> Exception:
        """No answer, as the error that says why."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
            return unreachable(self._url)
        if isinstance(error, httpx.TimeoutException):
            return late(self._timeout)
        said = str(error)[:_LONGEST] or type(error).__name__
        return ServingError(Code.UNAVAILABLE, f"the connection ended without an answer ({said}); is it a REST port?")


def unreachable(url: str) -> InputError:
    """Nobody listens at an address."""
    return InputError(
        "no server answers", where=url, remedy="start one with `python -m pipelines serve`, or mend the url"
    )


def late(seconds: float) -> ServingError:
    """No answer in time."""
    return ServingError(Code.DEADLINE_EXCEEDED, f"no answer within {seconds:g} seconds")


def _events(lines: Iterator[str]) -> Iterator[dict]:
    """The data of every event; comments and names are left out."""
    data = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line.removeprefix("data:"))
        elif not line and data:
            yield json.loads("\n".join(data))
            data = []


def _dumped(document: dict) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def _to_json(value):
    """Lists down to the values; bytes that are text as text, others in base 64."""
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _array(value, dtype: str) -> np.ndarray:
    """An output of a JSON document."""
    if dtype == "DT_STRING":
        return np.array(_of_json(value), object)
    return np.asarray(value, dtypes.of_name(dtype))


def _of_json(value):
    if isinstance(value, list):
        return [_of_json(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value

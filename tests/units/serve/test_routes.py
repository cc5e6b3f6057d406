"""Verbs and paths."""

import pytest

from seq2seq_keras.serve import routes
from seq2seq_keras.serve.manager import ModelSpec
from seq2seq_keras.serve.status import Code, ServingError

ROUTES = [
    ("GET", "/v1/models/M", "status", ModelSpec("M")),
    ("GET", "/v1/models/M/versions/1", "status", ModelSpec("M", 1)),
    ("GET", "/v1/models/M/versions/0000123", "status", ModelSpec("M", 123)),
    ("GET", "/v1/models/M/versions/9223372036854775807", "status", ModelSpec("M", 2**63 - 1)),
    ("GET", "/v1/models/M/labels/stable", "status", ModelSpec("M", None, "stable")),
    ("GET", "/v1/models/M/metadata", "metadata", ModelSpec("M")),
    ("GET", "/v1/models/M/versions/7/metadata", "metadata", ModelSpec("M", 7)),
    ("GET", "/v1/models/M/labels/stable/metadata", "metadata", ModelSpec("M", None, "stable")),
    ("GET", "/v1/models/metadata", "status", ModelSpec("metadata")),
    ("GET", "/V1/MODELS/M/METADATA", "metadata", ModelSpec("M")),
    ("GET", "/v1/models/modelname%21%23%24", "status", ModelSpec("modelname!#$")),
    (
        "GET",
        "/v1/models/a%2Fb%3Ac/labels/%C3%A9",
        "status",
        ModelSpec("a/b:c", None, "\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ),
    ("GET", "/v1/models/%zz%ff", "status", ModelSpec("%zz\N{REPLACEMENT CHARACTER}")),
    ("POST", "/v1/models/M:predict", "predict", ModelSpec("M")),
    ("POST", "/v1/models/M:classify", "classify", ModelSpec("M")),
    ("POST", "/v1/models/M:regress", "regress", ModelSpec("M")),
    ("POST", "/v1/models/M:generate", "generate", ModelSpec("M")),
    ("POST", "/V1/Models/M/Versions/2:PREDICT", "predict", ModelSpec("M", 2)),
    ("POST", "/v1/models/M/labels/Stable:predict", "predict", ModelSpec("M", None, "Stable")),
]


@pytest.mark.parametrize("verb, path, kind, spec", ROUTES)
def test_routes(verb, path, kind, spec):
    assert routes.parse(verb, path) == routes.Route(kind, spec)


MALFORMED = [
    ("GET", "/v1/models/M:predict"),
    ("POST", "/v1/models/M"),
    ("POST", "/v1/models/M/metadata"),
    ("POST", "/v1/models/M/metadata:predict"),
    ("POST", "/v1/models/M/version/50:predict"),
    ("POST", "/v1/models/M/versions/HELLO:predict"),
    ("POST", "/v1/models/M/versions/-1:predict"),
    ("POST", "/v1/models/M/versions/1/labels/stable:predict"),
    ("POST", "/v1/models/M:predict/"),
    ("POST", "/v1/models/M:explain"),
    ("POST", "/v1/models/:predict"),
    ("POST", "/v1/models/M/versions/\N{ARABIC-INDIC DIGIT ONE}:predict"),
    ("GET", "/v1/models/"),
    ("GET", "/v1/models/M/"),
    ("GET", "/v1/models/M/versions/HELLO"),
    ("GET", "/v1/model/M"),
    ("GET", "/v1/"),
    ("PUT", "/v1/models/M"),
    ("DELETE", "/v1/models/M"),
    ("OPTIONS", "/v1/models/M:predict"),
    ("HEAD", "/v1/models/M"),
    ("get", "/v1/models/M"),
]


def refused(verb: str, path: str) -> ServingError:
    with pytest.raises(ServingError) as caught:
        routes.parse(verb, path)
    return caught.value


@pytest.mark.parametrize("verb, path", MALFORMED)
def test_malformed_requests(verb, path):
    error = refused(verb, path)
    assert (error.code, error.message) == (Code.INVALID_ARGUMENT, f"Malformed request: {verb} {path}")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/versions/1", "/v1/models/labels/stable"])
def test_a_name_is_missing(path):
    error = refused("GET", path)
    assert (error.code, error.message) == (Code.INVALID_ARGUMENT, "Missing model name in request.")


@pytest.mark.parametrize("version", ["18446744073709551615", "9223372036854775808"])
@pytest.mark.parametrize("verb, end", [("GET", ""), ("GET", "/metadata"), ("POST", ":predict")])
def test_a_version_is_too_large(verb, end, version):
    error = refused(verb, f"/v1/models/M/versions/{version}{end}")
    assert error.code == Code.INVALID_ARGUMENT
    assert error.message == f"Failed to convert version: {version} to numeric."


@pytest.mark.parametrize("path", ["", "/v2/models/M", "/models/M", "/v1", "/v11/models", "/favicon.ico", "//v1/models"])
def test_other_paths_are_not_found(path):
    assert refused("GET", path).code == Code.NOT_FOUND


def test_a_long_path_is_not_sent_back_whole():
    assert len(refused("GET", "/v1/" + "x" * 10_000).message) < 300
    assert len(refused("GET", "/v1/models/M/versions/" + "9" * 10_000).message) < 300

"""Bodies that nobody would send: the server answers every one, blames the client, and tells nothing of itself."""

import base64
import json
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from seq2seq_keras.serve import rest, servable
from seq2seq_keras.serve.batching import Batcher
from seq2seq_keras.serve.config import BatchingParameters, Limits, ModelConfig
from seq2seq_keras.serve.manager import ModelManager
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.predict import Predictor
from tests.units.serve import toys
from tests.units.serve.doors import opened

SIGNATURES = "serving_default text raw pair ints flag whole uneven picky padded".split()
VALID = [
    {"instances": [1.0, 2.0, 5.0]},
    {"inputs": {"x": [1.0, -2.5e3]}},
    {"signature_name": "text", "instances": ["the cat sat", "\N{GRINNING FACE} \N{LATIN SMALL LETTER E WITH ACUTE}"]},
    {"signature_name": "text", "inputs": {"text": [{"b64": "w6kgw6A="}]}},
    {"signature_name": "raw", "instances": [{"text": {"b64": "/wA="}}]},
    {"signature_name": "pair", "instances": [{"a": [1, 2], "b": 3}, {"a": [4, 5], "b": 6}]},
    {"signature_name": "pair", "inputs": {"a": [[1, 2]], "b": [3]}},
    {"signature_name": "ints", "instances": [1, 2147483647]},
    {"signature_name": "flag", "inputs": [True, False]},
    {"signature_name": "whole", "inputs": [1, 2]},
    {"signature_name": "uneven", "inputs": [1]},
    {"signature_name": "picky", "instances": [0.5]},
    {"signature_name": "padded", "instances": [[1, 0], [2, 3]]},
    {"text": "a stream", "max_length": 5},
]
TOKENS = [
    *("NaN", "Infinity", "-Infinity", "-", "1e999", "-1e-999", "1.", "01", "0x1", "9" * 400, "1" * 5000, "1e308", "-0"),
    *("null", "true", "tru", "{}", "[]", "[[]]", '""', '{"b64":"?"}', '{"b64":"AA"}', '{"b64":1}', '{"b64":"","b":1}'),
    *(
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\u0000"',
        '"\\u00g0"',
        '"\\',
        '"',
        "\\",
        "\0",
        "\n",
        "\x7f",
        ":",
        ",",
        "{",
        "]",
    ),
    *(
        '"inputs":',
        '"instances":',
        '"signature_name":',
        "[" * 50,
        "[" * 3000,
        "{" * 10,
        '{"a":' * 2000,
        "\N{PILE OF POO}",
    ),
    *("/*", "//", "#", "'", "undefined", "18446744073709551616", "-9223372036854775809", "\ufeff", "\u2028"),
]
PATHS = ["/v1/models/toy:predict"] * 8 + [
    "/v1/models/toy:classify",
    "/v1/models/toy:regress",
    "/v1/models/toy:generate",
]
TELLTALE = re.compile(
    r"/(?:tmp|work|opt|usr|home|root|var|proc|mnt)\b|Traceback|\.py\b|site-packages|0x[0-9a-f]{6}|<class"
)
"""What no client should read: folders, files and objects of the server."""


def mutated(chance: random.Random) -> bytes:
    """A valid document with a few bytes or tokens more, less or in other places."""
    text = json.dumps(chance.choice(VALID), ensure_ascii=chance.random() < 0.5)
    body = bytearray(text.encode())
    for _ in range(chance.randint(1, 4)):
        place = chance.randint(0, len(body))
        end = min(len(body), place + chance.randint(0, 8))
        match chance.randrange(5):
            case 0:
                body[place:end] = chance.choice(TOKENS).encode()
            case 1:
                body[place:end] = b""
            case 2:
                body[place:place] = chance.randbytes(chance.randint(1, 4))
            case 3:
                body[place:place] = body[chance.randint(0, len(body)) : end]
            case 4:
                del body[place:]
    return bytes(body)


def replaced(chance: random.Random) -> bytes:
    """A valid document with another value in one place."""
    document = json.loads(json.dumps(chance.choice(VALID)))
    inside, place = document, chance.choice([key for key in document if key != "signature_name"])
    while isinstance(inside[place], dict | list) and inside[place] and chance.random() < 0.8:
        inside = inside[place]
        place = chance.choice(list(inside)) if isinstance(inside, dict) else chance.randrange(len(inside))
    found = [value(chance, 4) for _ in range(8)]
    alike = [one for one in found if type(one) is type(inside[place])]
    inside[place] = chance.choice(alike if alike and chance.random() < 0.6 else found)
    return json.dumps(document, ensure_ascii=chance.random() < 0.9).encode("utf-8", "surrogatepass")


def noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, 300))


def tokens(chance: random.Random) -> bytes:
    return "".join(chance.choice(TOKENS) for _ in range(chance.randint(0, 30))).encode()


def invented(chance: random.Random) -> bytes:
    """A JSON document that has the right names and any values."""
    document = {chance.choice(["instances", "inputs"]): value(chance, 0)}
    if chance.random() < 0.8:
        document["signature_name"] = chance.choice(SIGNATURES)
    return json.dumps(document).encode()


def value(chance: random.Random, depth: int):
    """Any JSON value."""
    match chance.randrange(9 if depth < 5 else 6):
        case 0:
            return chance.choice([None, True, False])
        case 1:
            return chance.choice([0, -1, 2**31, 2**63, 2**64, 10**30, 10**320, chance.randint(-100, 100)])
        case 2:
            return chance.choice([0.0, -0.0, 1e308, 5e-324, float("nan"), float("inf"), chance.random()])
        case 3:
            return "".join(chr(chance.choice([chance.randint(0, 127), chance.randint(0, 0xD7FF)])) for _ in range(5))
        case 4:
            return {"b64": base64.b64encode(chance.randbytes(chance.randint(0, 5))).decode()}
        case 5:
            return chance.choice(["", "\ud800", "x" * 3000, "\0"])
        case 6:
            return {
                chance.choice(["x", "a", "b", "text", "n", "ids", "b64"]): value(chance, depth + 1) for _ in range(2)
            }
        case _:
            one = value(chance, depth + 1)
            alike = chance.random() < 0.6
            return [one if alike else value(chance, depth + 1) for _ in range(chance.choice([0, 1, 2, 3, 70]))]


def nested(chance: random.Random) -> bytes:
    """Deeper than anybody reads."""
    depth = chance.choice([10, 31, 32, 33, 64, 65, 300, 900, 990, 1100, 20_000])
    opening, closing = chance.choice([("[", "]"), ('{"x":', "}"), ('[{"x":', "}]")])
    inside = chance.choice(["1", '"x"', "", "null"])
    return f'{{"{chance.choice(["inputs", "instances"])}":{opening * depth}{inside}{closing * depth}}}'.encode()


MAKERS: list[Callable[[random.Random], bytes]] = (
    [mutated] * 5 + [replaced] * 5 + [invented] * 2 + [tokens, noise, nested]
)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.toy(folder / "toy" / "1")
    manager = ModelManager([ModelConfig("toy", folder / "toy")], servable.load, poll_seconds=0)
    manager.start()
    metrics = Metrics(manager.names)
    batcher = Batcher(BatchingParameters(), metrics)
    with opened(rest.app(Predictor(manager, metrics, Limits(), batcher))) as port:
        yield f"http://127.0.0.1:{port}"
    batcher.stop()
    manager.stop()


def no_constant(token: str) -> None:
    """NaN and the like have no place in an error."""
    raise ValueError(token)


def ask(client: httpx.Client, seed: int) -> int:
    """Sends the body of a seed, looks at the answer, returns its status."""
    chance = random.Random(seed)
    body, path = chance.choice(MAKERS)(chance), chance.choice(PATHS)
    response = client.post(path, content=body)
    told = f"seed {seed}, {path}, {body[:300]!r}: {response.status_code} {response.text[:500]}"
    assert response.status_code in (200, 400, 413), told
    assert response.headers["content-type"] == "application/json", told
    if response.status_code == 200:
        assert response.json().keys() <= {"predictions", "outputs"}, told
    else:
        document = json.loads(response.text, parse_constant=no_constant)
        assert list(document) == ["error"] and isinstance(document["error"], str) and document["error"], told
        assert len(response.content) < 4000, told
        assert not TELLTALE.search(response.text), told
    return response.status_code


def ask_all(url: str, seeds: range) -> list[int]:
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        return [ask(client, seed) for seed in seeds]


def test_strange_bodies(url):
    statuses = ask_all(url, range(200))
    # All refused would say that the bodies are too strange to get anywhere.
    assert statuses.count(200) > 8 and statuses.count(400) > 100
    assert httpx.get(f"{url}/v1/models/toy", trust_env=False).status_code == 200


def test_strange_paths(url):
    chance = random.Random(7)
    parts = [
        "v1",
        "models",
        "toy",
        "versions",
        "labels",
        "1",
        "metadata",
        ":predict",
        "..",
        "%2e%2e",
        "%00",
        "",
        "x" * 3000,
    ]
    parts += [
        "%ff",
        "99999999999999999999",
        "-1",
        ":",
        "%2F",
        "etc",
        "passwd",
        "~",
        "%zz",
        "?",
        "\N{GREEK SMALL LETTER PI}",
    ]
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        for _ in range(100):
            path = "/v1/" + "/".join(chance.choice(parts) for _ in range(chance.randint(0, 6)))
            response = client.request(chance.choice(["GET", "POST", "PUT", "PATCH", "OPTIONS"]), path)
            assert response.status_code in (200, 400, 404), path
            assert response.status_code == 200 or list(response.json()) == ["error"], path
            assert "Traceback" not in response.text


@pytest.mark.slow
def test_ten_thousand_strange_bodies(url):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda begin: ask_all(url, range(begin, begin + 1250)), range(1000, 11_000, 1250)))
    assert sum(map(len, found)) == 10_000
    assert httpx.get(f"{url}/v1/models/toy", trust_env=False).status_code == 200

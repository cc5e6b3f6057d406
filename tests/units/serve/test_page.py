"""The page in a real browser, over a real socket, before a model that is a phrase book."""

import contextlib
import re
import shutil
import socket
import threading
import time

import httpx
import numpy as np
import pytest
import uvicorn
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from seq2seq_keras import decode, export
from seq2seq_keras.serve import page, rest, servable
from seq2seq_keras.serve.config import All, Limits, ModelConfig
from seq2seq_keras.serve.manager import ModelManager, ModelSpec
from seq2seq_keras.serve.monitoring import Metrics
from seq2seq_keras.serve.predict import Predictor
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.export import conftest as exports

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
SECONDS = 20
"""Longest wait for anything on the page."""
PAD, EOS, FIRST = 0, 3, 4
GERMAN = {"the": "die", "cat": "Katze", "sat": "sa\u00df", "on": "auf", "mat": "Matte", "saw": "sah", "dog": "den Hund"}
EVIL = "<img/src=x/onerror=document.title='taken'>"


def signature(inputs: dict, outputs: dict) -> SignatureDef:
    """Of (dtype, rank) by name; rank None is unknown."""
    made = SignatureDef(method_name="tensorflow/serving/predict")
    for infos, specs in ((made.inputs, inputs), (made.outputs, outputs)):
        for name, (dtype, rank) in specs.items():
            infos[name].name, infos[name].dtype = f"{name}:0", types_pb2.DataType.Value(f"DT_{dtype}")
            infos[name].tensor_shape.unknown_rank = rank is None
            for _ in range(rank or 0):
                infos[name].tensor_shape.dim.add(size=-1)
    return made


TEXT, SCORE = ("STRING", 1), ("FLOAT", 1)
WHOLE = {"serving_default": signature({"text": TEXT}, {"text": TEXT, "score": SCORE})}
SPOKEN = {
    "tokenize": signature({"text": TEXT}, {"source": ("INT32", 2)}),
    "init_state": signature({"source": ("INT32", 2)}, {"carry_0": ("INT32", 1), "fixed_0": ("INT32", 2)}),
    "step": signature(
        {"ids": ("INT32", 1), "carry_0": ("INT32", 1), "fixed_0": ("INT32", 2)},
        {"logits": ("FLOAT", 2), "carry_0": ("INT32", 1)},
    ),
    "detokenize": signature({"ids": ("INT32", 2)}, {"text": TEXT}),
}
SEARCHED = {"nbest": signature({"text": TEXT}, {"text": ("STRING", 2), "score": ("FLOAT", 2)})}
SEEN = {
    "attention": signature(
        {"text": TEXT, "target": TEXT}, {"weights": ("FLOAT", 3), "source": ("STRING", 2), "target": ("STRING", 2)}
    )
}
BYTES = {"raw": signature({"line": ("STRING", None)}, {"line_bytes": ("STRING", None)})}
NUMBERS = {"serving_default": signature({"x": SCORE}, {"y": SCORE})}
EVERY = WHOLE | SPOKEN | SEARCHED | SEEN
MODELS = {"en_de": EVERY, "whole": WHOLE, "bytes": BYTES, "numbers": NUMBERS, EVIL: WHOLE}


class PhraseBook:
    """Stands in for a servable: puts one word for another, and has bad days on demand."""

    def __init__(self, name: str, version: int, signatures: dict, gate: threading.Event):
        self.name, self.version, self.signatures, self.gate = name, version, signatures, gate
        self.settings, self.words = {"max_length": 40}, []

    def run(self, signature, inputs, outputs=None, timeout=None):
        found = getattr(self, signature)(**inputs)
        return found if not outputs else {name: found[name] for name in outputs}

    def close(self):
        pass

    def say(self, text: bytes) -> str:
        for word, code in (
            ("busy", Code.UNAVAILABLE),
            ("wrong", Code.INVALID_ARGUMENT),
            ("late", Code.DEADLINE_EXCEEDED),
        ):
            if text.decode() == word:
                raise ServingError(code, f"a <b>{word}</b> day")
        known = GERMAN | {"version": f"v{self.version}"}
        return " ".join(known.get(word, word) for word in text.decode().split())

    def serving_default(self, text):
        return {"text": self.strings([self.say(text[0])]), "score": np.asarray([-0.5], np.float32)}

    def raw(self, line):
        return {"line_bytes": line}

    def tokenize(self, text):
        words = self.say(text[0]).split()
        self.words += [word for word in words if word not in self.words]
        return {"source": np.asarray([[FIRST + self.words.index(word) for word in words] + [EOS]], np.int32)}

    def init_state(self, source):
        return {"carry_0": np.zeros(1, np.int32), "fixed_0": source}

    def step(self, ids, carry_0, fixed_0):
        logits = np.zeros((1, 4096), np.float32)
        one = fixed_0[0, carry_0[0]]
        logits[0, one] = 20
        if carry_0[0] == 2:  # two words are said
            self.gate.wait(SECONDS)
        if one >= FIRST and self.words[one - FIRST] == "broken":
            raise ServingError(Code.INTERNAL, "the computation failed")
        return {"logits": logits, "carry_0": carry_0 + 1}

    def detokenize(self, ids):
        return {"text": self.strings([" ".join(self.words[one - FIRST] for one in ids[0] if one >= FIRST)])}

    def nbest(self, text):
        best = self.say(text[0])
        if "nosearch" in best:
            raise ServingError(Code.UNAVAILABLE, "the queue is full")
        found = [best.replace("worse", "better"), f"{best} da", " ".join(reversed(best.split())), ""]
        return {"text": self.strings([found]), "score": np.asarray([[-0.105, -1.5, -2.25, -np.inf]], np.float32)}

    def attention(self, text, target):
        self.gate.wait(SECONDS)
        source, said = ([*one[0].decode().split(), "</s>"] for one in (text, target))
        weights = np.full((len(said), len(source)), 0.1 / max(1, len(source) - 1), np.float32)
        for row in range(len(said)):
            weights[row, min(row, len(source) - 1)] = 0.9
        return {"weights": weights[None], "source": self.strings([source]), "target": self.strings([said])}

    @staticmethod
    def strings(texts) -> np.ndarray:
        return np.vectorize(str.encode, otypes=[object])(np.asarray(texts, object))


class Door:
    """The REST door over phrase books, on a port of its own."""

    def __init__(self, folder, models=MODELS, token=None, port=0, load=None):
        self.gate = threading.Event()
        self.gate.set()
        for place, name in enumerate(models):
            for version in ("1", "2") if name == "en_de" else ("1",):
                (folder / str(place) / version).mkdir(parents=True, exist_ok=True)
                (folder / str(place) / version / "saved_model.pb").touch()
        configs = [ModelConfig(name, folder / str(place), All()) for place, name in enumerate(models)]

        def phrase_book(name, version, folder):
            return PhraseBook(name, version, models[name], self.gate)

        self.manager = ModelManager(configs, load or phrase_book, poll_seconds=0)
        self.predictor = Predictor(self.manager, Metrics(), Limits(), None)
        self.app = rest.app(self.predictor, token=token)
        self.port = port

    def __enter__(self):
        self.manager.start()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = uvicorn.Server(
            uvicorn.Config(self.app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
        )
        self.server.capture_signals = contextlib.nullcontext
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.gate.set()
        self.server.should_exit = True
        self.thread.join()
        self.listener.close()
        self.manager.stop()


@pytest.fixture(scope="module")
def _door(tmp_path_factory):
    with Door(tmp_path_factory.mktemp("models")) as door:
        yield door


@pytest.fixture
def door(_door):
    yield _door
    _door.gate.set()


# The page and its list, without a browser


def test_the_page_may_run_its_own_script_and_style_and_nothing_else(door):
    answer = httpx.get(door.url)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'" and policy["require-trusted-types-for"] == "'script'"
    for name in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy[name])
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_asks_for_nothing_from_outside():
    html = page.HTML.read_text(encoding="utf-8")
    html = html.replace("http://www.w3.org/2000/svg", "")  # the name of a language, which nobody fetches
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:)|@import|url\(|//[a-z]", html)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|\bstyle=|\bon[a-z]+=", html)


def test_models_are_listed_with_their_versions_and_signatures_of_strings(door):
    answer = httpx.get(f"{door.url}/page/models.json")
    assert answer.headers["cache-control"] == "no-store"
    models = {model["name"]: model["versions"] for model in answer.json()["models"]}
    assert list(models) == list(MODELS)
    assert [version["version"] for version in models["en_de"]] == ["2", "1"]
    assert [versions[0]["streams"] for versions in models.values()] == [True, False, False, False, False]
    assert models["numbers"][0]["signatures"] == {}
    assert sorted(models["en_de"][0]["signatures"]) == ["attention", "nbest", "serving_default", "tokenize"]
    assert models["bytes"][0]["signatures"]["raw"] == {
        "inputs": {"line": {"dtype": "DT_STRING", "rank": None}},
        "outputs": {"line_bytes": {"dtype": "DT_STRING", "rank": None}},
    }


def test_a_version_that_went_away_is_not_listed(door, monkeypatch):
    def gone(spec):
        raise ServingError(Code.NOT_FOUND, "gone")

    monkeypatch.setattr(door.manager, "lease", gone)
    assert page.offered(door.manager) == []


# In the browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not BROWSER or not DRIVER:
        pytest.skip("no chromium with chromedriver on this machine")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    given = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
    given += " disable-component-update disable-sync disable-dev-shm-usage disable-extensions window-size=1200,1100"
    for argument in given.split():
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('browser')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(executable_path=DRIVER))
    yield Visitor(driver)
    driver.quit()


class Visitor:
    """What a person does with the page, and sees of it."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, door, model="en_de") -> "Visitor":
        self.driver.get(door.url)
        if model:
            self.until(lambda: self.enabled("#model"))
            self.choose("#model", model)
        return self

    def part(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return [one.text for one in self.driver.find_elements("css selector", selector)]

    def text(self, selector: str) -> str:
        return self.part(selector).text

    def shown(self, selector: str) -> bool:
        return self.part(selector).is_displayed()

    def enabled(self, selector: str) -> bool:
        return self.part(selector).is_enabled()

    def choose(self, selector: str, value: str) -> None:
        from selenium.webdriver.support.select import Select

        Select(self.part(selector)).select_by_visible_text(value)

    def type(self, text: str, keys: str = "\n") -> None:
        """Types over what is there; the last key is Enter."""
        self.part("#source").clear()
        self.part("#source").send_keys(text + keys)

    def translate(self, text: str) -> None:
        self.type(text)
        self.until(lambda: self.text("#go") == "Translate" and (self.text("#result") or self.shown("#trouble")))

    def trouble(self) -> str:
        self.until(lambda: self.shown("#trouble"))
        return self.text("#trouble")

    def until(self, holds) -> None:
        """Waits; a part that the page has just replaced holds nothing yet."""
        from selenium.common.exceptions import StaleElementReferenceException

        def held() -> bool:
            try:
                return holds()
            except StaleElementReferenceException:
                return False

        end = time.monotonic() + SECONDS
        while not held():
            assert time.monotonic() < end, self.text("body")
            time.sleep(0.02)  # as the driver's own waiting does

    def complaints(self) -> list[str]:
        """What the browser wrote in its console since the last time, but for answers that are errors."""
        return [
            one["message"] for one in self.driver.get_log("browser") if "Failed to load resource" not in one["message"]
        ]


@pytest.fixture
def visitor(browser):
    browser.complaints()
    yield browser
    assert browser.complaints() == []


def test_a_translation_appears_as_it_is_said(visitor, door):
    visitor.open(door)
    door.gate.clear()
    visitor.type("the cat sat on the mat")
    visitor.until(lambda: visitor.text("#result") == "die Katze")
    assert visitor.text("#go") == "Stop"
    assert visitor.part("#result").get_attribute("aria-busy") == "true"
    door.gate.set()
    visitor.until(lambda: visitor.text("#go") == "Translate")
    assert visitor.text("#result") == "die Katze sa\u00df auf die Matte"
    assert visitor.part("#result").get_attribute("aria-busy") == "false"
    assert visitor.part("#result").get_attribute("aria-live") == "polite"


def test_candidates_and_where_the_model_looked_follow(visitor, door):
    visitor.open(door).translate("the worse cat")
    assert visitor.text("#result") == "die better Katze"
    assert visitor.text("#remark") == "Score \u22120.105, found by the search after the first reading"
    assert visitor.texts("#candidates .said") == ["die better Katze", "die worse Katze da", "Katze worse die"]
    assert visitor.texts("#candidates .number") == ["\u22120.105", "\u22121.500", "\u22122.250"]
    assert visitor.texts("thead [scope=col]") == ["the", "worse", "cat", "</s>"]
    assert visitor.texts("tbody [scope=row]") == ["die", "better", "Katze", "</s>"]
    shares = [one.get_attribute("textContent") for one in visitor.driver.find_elements("css selector", "td")]
    assert shares == ["90%" if row == column else "3%" for row in range(4) for column in range(4)]
    shades = [
        one.value_of_css_property("background-color") for one in visitor.driver.find_elements("css selector", "td")
    ]
    assert shades[0] == shades[5] != shades[1] == shades[4]
    assert "share" in visitor.part("caption").get_attribute("textContent").lower()
    assert visitor.part("#map").get_attribute("tabindex") == "0"
    visitor.part("summary").click()
    assert visitor.texts("#words li")[0] == "die looked most at the (90%), then at worse (3%)"


def test_another_candidate_shows_where_the_model_looked_for_it(visitor, door):
    from selenium.webdriver.common.keys import Keys

    visitor.open(door).translate("the cat")
    visitor.part("[name=candidate]").send_keys(Keys.ARROW_DOWN)
    visitor.until(lambda: visitor.texts("tbody [scope=row]") == ["die", "Katze", "da", "</s>"])
    assert visitor.text("#result") == "die Katze"


def test_a_text_is_translated_while_a_candidate_is_looked_at(visitor, door):
    from selenium.webdriver.common.keys import Keys

    visitor.open(door).translate("the cat")
    door.gate.clear()
    visitor.part("[name=candidate]").send_keys(Keys.ARROW_DOWN)
    visitor.part("#source").clear()
    visitor.part("#source").send_keys("mat")
    visitor.part("#go").click()
    visitor.until(lambda: visitor.text("#result") == "Matte")
    door.gate.set()
    visitor.until(lambda: visitor.texts("tbody [scope=row]") == ["Matte", "</s>"])


def test_a_cell_tells_its_share(visitor, door):
    from selenium.webdriver.common.action_chains import ActionChains

    visitor.open(door).translate("the cat")
    ActionChains(visitor.driver).move_to_element(visitor.part("td")).perform()
    visitor.until(lambda: visitor.text("#cell") == "die looked at the: 90%")


def test_enter_translates_and_shift_enter_starts_a_line(visitor, door):
    from selenium.webdriver.common.keys import Keys

    visitor.open(door).type("the cat", Keys.SHIFT + Keys.ENTER + Keys.NULL + "sat" + Keys.ENTER)
    visitor.until(lambda: visitor.text("#result") == "die Katze sa\u00df" and visitor.text("#go") == "Translate")
    assert visitor.part("#source").get_attribute("value") == "the cat\nsat"


def test_the_button_stops_what_it_started(visitor, door):
    visitor.open(door)
    door.gate.clear()
    visitor.type("the cat sat")
    visitor.until(lambda: visitor.text("#result") == "die Katze")
    visitor.part("#go").click()
    visitor.until(lambda: visitor.text("#remark") == "Stopped.")
    door.gate.set()
    assert visitor.text("#result") == "die Katze" and visitor.text("#go") == "Translate" and not visitor.shown("#nbest")


def test_a_new_text_takes_the_place_of_one_under_way(visitor, door):
    visitor.open(door)
    door.gate.clear()
    visitor.type("the cat sat")
    visitor.until(lambda: visitor.text("#result") == "die Katze")
    visitor.type("mat")
    visitor.until(lambda: visitor.text("#result") == "Matte")
    door.gate.set()
    visitor.until(lambda: visitor.shown("#attention"))
    assert visitor.text("#result") == "Matte" and visitor.text("#go") == "Translate"


def test_a_version_can_be_chosen(visitor, door):
    visitor.open(door)
    for choice, said in (("1", "v1"), ("2", "v2"), ("newest", "v2")):
        visitor.choose("#version", choice)
        assert visitor.text("#result") == "It appears here." or not visitor.text("#result")
        visitor.translate("version")
        assert visitor.text("#result") == said


@pytest.mark.parametrize(
    "model, text, said", [("whole", "the cat", "die Katze"), ("bytes", "na\u00efve \u2603", "na\u00efve \u2603")]
)
def test_a_model_shows_what_it_can(visitor, door, model, text, said):
    visitor.open(door, model).translate("x")
    visitor.part("#source").clear()
    visitor.driver.execute_script("document.getElementById('source').value = arguments[0]", text)
    visitor.part("#go").click()
    visitor.until(lambda: visitor.text("#result") == said)
    assert visitor.text("#remark") == ("Score \u22120.500" if model == "whole" else "")
    assert not visitor.shown("#nbest") and not visitor.shown("#attention") and not visitor.shown("#trouble")


def test_markup_is_shown_as_the_letters_it_is_made_of(visitor, door):
    visitor.open(door).translate(EVIL)
    assert visitor.text("#result") == EVIL
    assert visitor.texts("#candidates .said")[0] == EVIL and visitor.texts("tbody [scope=row]")[0] == EVIL
    visitor.choose("#model", EVIL)
    visitor.translate(EVIL)
    assert visitor.text("#result") == EVIL
    visitor.translate("wrong")
    assert "a <b>wrong</b> day" in visitor.trouble()
    assert visitor.driver.title == "Translate" and not visitor.driver.find_elements("css selector", "main img, main b")


def test_a_narrow_page_does_not_scroll_sideways(visitor, door):
    size = visitor.driver.get_window_size()
    visitor.driver.set_window_size(500, 800)
    try:
        visitor.open(door).translate(" ".join(["Donaudampfschifffahrtsgesellschaft", *GERMAN] * 4))
        widths = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        wide, seen = visitor.driver.execute_script(widths)
        assert wide <= seen <= 500
        wide, seen = visitor.driver.execute_script(
            "const map = document.getElementById('map'); return [map.scrollWidth, map.clientWidth]"
        )
        assert wide > seen
    finally:
        visitor.driver.set_window_size(size["width"], size["height"])


def test_the_page_is_dark_where_the_visitor_has_it_dark(visitor, door):
    def light(scheme: str) -> list[float]:
        """How light ground and letters are, from 0 to 255."""
        wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        visitor.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
        colors = [visitor.part("body").value_of_css_property(name) for name in ("background-color", "color")]
        return [np.mean([float(part) for part in re.findall(r"[\d.]+", color)[:3]]) for color in colors]

    visitor.open(door)
    try:
        (ground, letters), (dark_ground, dark_letters) = light("light"), light("dark")
    finally:
        visitor.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert ground > 230 and letters < 50 and dark_ground < 50 and dark_letters > 200


# What can go wrong


def test_an_empty_text_is_not_sent(visitor, door):
    visitor.open(door).type(" \t ")
    assert visitor.trouble() == "Type a sentence first."
    assert visitor.part("#source").get_attribute("aria-invalid") == "true"
    visitor.translate("cat")
    assert not visitor.shown("#trouble") and visitor.part("#source").get_attribute("aria-invalid") is None


@pytest.mark.parametrize(
    "text, told, again",
    [
        ("busy", "The server is busy. Try again in a moment.\na <b>busy</b> day", True),
        ("late", "The server took too long.\na <b>late</b> day", True),
        ("wrong", "The server refused: a <b>wrong</b> day\nStatus 400", False),
    ],
)
@pytest.mark.parametrize("model", ["en_de", "whole"])
def test_an_answer_that_is_an_error_is_told(visitor, door, model, text, told, again):
    visitor.open(door, model).translate(text)
    assert visitor.trouble().removesuffix("\nTry again") == told
    assert visitor.shown("#again") == again
    assert visitor.part("#trouble").get_attribute("role") == "alert"
    visitor.translate("cat")
    assert visitor.text("#result") == "Katze" and not visitor.shown("#trouble")


def test_an_error_in_the_middle_leaves_what_was_said(visitor, door):
    visitor.open(door).translate("the cat broken")
    assert "the computation failed" in visitor.trouble()
    assert visitor.text("#result") == "die Katze" and visitor.text("#go") == "Translate"
    assert visitor.part("#result").get_attribute("aria-busy") == "false"


def test_an_error_of_the_candidates_leaves_the_translation(visitor, door):
    visitor.open(door).translate("the nosearch cat")
    assert "the queue is full" in visitor.trouble()
    assert visitor.text("#result") == "die nosearch Katze" and not visitor.shown("#nbest")


def test_a_model_without_texts_says_so(visitor, door):
    visitor.open(door, "numbers")
    assert visitor.trouble() == "Model numbers takes no text, or gives none: this page has no use for it."
    assert not visitor.enabled("#go")
    visitor.choose("#model", "whole")
    assert visitor.enabled("#go") and not visitor.shown("#trouble")


def test_a_server_that_cannot_be_reached(visitor, tmp_path):
    with Door(tmp_path / "before", {"whole": WHOLE}) as door:
        visitor.open(door, "whole")
    visitor.translate("the cat")
    assert visitor.trouble() == "The server cannot be reached.\nIs it still running?\nTry again"
    with Door(tmp_path / "after", {"whole": WHOLE}, port=door.port):
        visitor.part("#again").click()
        visitor.until(lambda: visitor.text("#result") == "die Katze")
        assert not visitor.shown("#trouble")


def test_a_server_without_models(visitor, tmp_path):
    with Door(tmp_path, {}) as door:
        visitor.open(door, None)
        assert visitor.trouble() == "This server has no model that is available.\nTry again"
        assert not visitor.enabled("#go") and not visitor.enabled("#model") and not visitor.enabled("#version")


def test_a_version_that_went_away_meanwhile(visitor, tmp_path):
    with Door(tmp_path, {"whole": WHOLE}) as door:
        visitor.open(door, "whole")
        door.manager.reload([])
        visitor.translate("the cat")
        assert "Servable not found for request: Latest(whole)" in visitor.trouble()
        visitor.part("#again").click()
        visitor.until(lambda: "no model that is available" in visitor.trouble())


def test_a_server_that_wants_a_token_is_given_one(visitor, tmp_path):
    with Door(tmp_path, {"en_de": EVERY}, token="right") as door:
        visitor.open(door, None)
        visitor.until(lambda: visitor.shown("#wanted"))
        assert not visitor.shown("#trouble") and visitor.part("#token").get_attribute("type") == "password"
        visitor.part("#token").send_keys("not right\n")
        assert visitor.trouble() == "The server does not take this token."
        assert visitor.shown("#wanted")
        visitor.part("#token").send_keys("right\n")
        visitor.until(lambda: visitor.enabled("#go"))
        assert not visitor.shown("#wanted") and not visitor.shown("#trouble")
        visitor.translate("the cat")
        assert visitor.text("#result") == "die Katze"


# With an export


@pytest.mark.slow
def test_an_export_shows_all_that_it_can(visitor, tmp_path):
    model, source, target = exports.build("attention")
    limits = {"max_source": exports.MAX_SOURCE, "max_length": exports.MAX_LENGTH}
    folder = tmp_path / "m" / "0" / "1"
    export.write(folder, model, source, target, search=decode.Beam(3, n_best=1), **limits)
    with Door(tmp_path / "m", {"letters": None}, load=servable.load) as door:
        visitor.open(door, "letters").translate("abc")
        with door.manager.lease(ModelSpec("letters")) as served:
            given = np.asarray([b"abc"], object)
            said = served.run("nbest", {"text": given})
            seen = served.run("attention", {"text": given, "target": said["text"][0, :1]})
    assert visitor.text("#result").encode() == said["text"][0, 0]
    found = [text.decode() or "(nothing)" for text, score in zip(said["text"][0], said["score"][0]) if score > -np.inf]
    assert visitor.texts("#candidates .said") == found
    assert [piece.encode() for piece in visitor.texts("thead [scope=col]")] == list(seen["source"][0])
    assert [piece.encode() for piece in visitor.texts("tbody [scope=row]")] == list(seen["target"][0])
    cells = [one.get_attribute("textContent") for one in visitor.driver.find_elements("css selector", "td")]
    assert cells == [f"{int(100 * float(str(share)) + 0.5)}%" for share in seen["weights"].flat]

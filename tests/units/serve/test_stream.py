"""Texts that are said piece by piece: a scripted model first, then exports, whose `greedy` must agree."""

import itertools
import time

import numpy as np
import pytest

from seq2seq_keras import decode, export, tokens
from seq2seq_keras.serve import servable, stream
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.export import conftest as exports

PIECES = [b"", b"<unk>", b"<s>", b"</s>", b"c", b"a", b"t", b"\xc3", b"\xa9", b" "]
PAD, BOS, EOS, C, A, T, HALF, OTHER_HALF, NOTHING = 0, 2, 3, 4, 5, 6, 7, 8, 1
LATER = 1e9


class Scripted:
    """Stands in for a servable: step n gives row n of a table of logits, and `log` has what was run."""

    def __init__(self, logits, **settings):
        self.name, self.settings, self.logits, self.log = "scripted", {"max_length": 8} | settings, logits, []
        self.signatures = dict.fromkeys(stream.ENDPOINTS)
        self.timeouts = []

    @classmethod
    def saying(cls, *ids, **settings) -> "Scripted":
        """Prefers these ids, one a step."""
        return cls([4.0 * np.eye(len(PIECES), dtype=np.float32)[one] for one in ids], **settings)

    def run(self, signature, inputs, outputs=None, timeout=None):
        self.log.append((signature, inputs))
        self.timeouts.append(timeout)
        return getattr(self, signature)(**inputs)

    def tokenize(self, text):
        return {"source": np.asarray([[*text[0], EOS]], np.int32)}

    def init_state(self, source):
        return {"carry_0": np.zeros(1, np.int32), "fixed_0": source, "more": source}

    def step(self, ids, carry_0, fixed_0):
        return {"logits": np.asarray([self.logits[carry_0[0]]]), "carry_0": carry_0 + 1}

    def detokenize(self, ids):
        said = [one for one in itertools.takewhile(lambda one: one != EOS, ids[0]) if one != NOTHING]
        return {"text": np.asarray([b"".join(PIECES[one] for one in said)], object)}

    def steps(self) -> list[dict]:
        return [inputs for signature, inputs in self.log if signature == "step"]


def said(model, text="x", max_length=None, deadline=LATER) -> list[dict]:
    return list(stream.partial_texts(model, text, max_length, deadline))


def refused(model, *given) -> ServingError:
    with pytest.raises(ServingError) as error:
        said(model, *given)
    return error.value


def test_a_text_grows_and_ends_with_its_score():
    *growing, whole = said(Scripted.saying(C, A, T, EOS))
    assert growing == [{"text": text, "done": False} for text in ("c", "ca", "cat")]
    assert whole["text"] == "cat" and whole["done"] is True
    assert whole["score"] == pytest.approx(4 * (4 - np.log(np.exp(4) + len(PIECES) - 1)), rel=1e-6)


def test_each_step_gets_the_id_before_it_and_the_newest_state():
    model = Scripted.saying(C, A, EOS)
    said(model, "hi")
    ids, carries, fixed = zip(*((one["ids"], one["carry_0"], one["fixed_0"]) for one in model.steps()), strict=True)
    assert [list(one) for one in ids] == [[BOS], [C], [A]] and {one.dtype for one in ids} == {np.dtype(np.int32)}
    assert [list(one) for one in carries] == [[0], [1], [2]]
    assert all(one.tolist() == [[*b"hi", EOS]] for one in fixed)
    assert all("more" not in one for one in model.steps())


def test_padding_and_the_beginning_are_never_said():
    row = np.zeros(len(PIECES), np.float32)
    row[[PAD, BOS]], row[C] = 9, 1
    assert [one["text"] for one in said(Scripted([row, row]), "x", 2)] == ["c", "cc", "cc"]


def test_the_probability_of_what_is_never_said_is_not_given_to_others():
    row = np.zeros(len(PIECES), np.float32)
    row[C] = 1
    assert said(Scripted([row]), "x", 1)[-1]["score"] == pytest.approx(1 - np.log(np.e + len(PIECES) - 1), rel=1e-6)


def test_logits_of_any_size_and_of_half_precision_have_a_score():
    row = np.full(len(PIECES), -6e4, np.float16)
    row[C] = 6e4
    assert said(Scripted([row]), "x", 1)[-1] == {"text": "c", "score": 0.0, "done": True}


def test_a_step_that_changes_nothing_is_not_told():
    assert [one["text"] for one in said(Scripted.saying(C, NOTHING, A, EOS))] == ["c", "ca", "ca"]


def test_half_a_letter_waits_for_its_other_half():
    assert [one["text"] for one in said(Scripted.saying(C, HALF, OTHER_HALF, EOS))] == ["c", "c\u00e9", "c\u00e9"]
    assert said(Scripted.saying(HALF, EOS))[-1]["text"] == "\ufffd"


def test_nothing_said_is_an_empty_text():
    (only,) = said(Scripted.saying(EOS))
    assert only["text"] == "" and only["done"]


@pytest.mark.parametrize("asked, letters", [(1, 1), (3, 3), (8, 8), (None, 8)])
def test_a_text_stops_at_the_length_asked_for_and_at_that_of_the_export(asked, letters):
    assert said(Scripted.saying(*[C] * 9), "x", asked)[-1]["text"] == "c" * letters


def test_a_length_over_that_of_the_export_is_refused_and_names_it():
    error = refused(Scripted.saying(C), "x", 9)
    assert error.code == Code.INVALID_ARGUMENT
    assert error.message == "max_length must be at most 8, for which model scripted was exported; found 9"


@pytest.mark.parametrize("asked", [0, -1, 1.5, "3", True, [1]])
def test_a_length_that_is_no_number_from_one_is_refused(asked):
    error = refused(Scripted.saying(C), "x", asked)
    assert error.code == Code.INVALID_ARGUMENT and repr(asked) in error.message


def test_a_model_that_tells_no_length_must_be_given_one():
    model = Scripted.saying(C, EOS)
    model.settings = {}
    assert "give max_length" in refused(model).message
    assert said(model, "x", 2)[-1]["text"] == "c"


@pytest.mark.parametrize("name", stream.ENDPOINTS)
def test_a_model_without_the_endpoints_is_refused_before_it_runs(name):
    model = Scripted.saying(C)
    assert stream.able(model)
    del model.signatures[name]
    assert not stream.able(model)
    with pytest.raises(ServingError, match=f"^model scripted has no endpoint {name}: ") as error:
        stream.partial_texts(model, "x", None, LATER)  # not iterated over: the door can still answer with a status
    assert error.value.code == Code.INVALID_ARGUMENT and not model.log


def test_half_a_character_is_refused():
    error = refused(Scripted.saying(C), "dead\ud800")
    assert error.code == Code.INVALID_ARGUMENT and "surrogate" in error.message


def test_a_deadline_in_the_past_runs_nothing():
    model = Scripted.saying(C)
    assert refused(model, "x", None, time.monotonic()).code == Code.DEADLINE_EXCEEDED
    assert not model.log


def test_the_deadline_holds_at_every_step(monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(stream.time, "monotonic", lambda: next(clock))
    model = Scripted.saying(*[C] * 8)
    growing, seen = stream.partial_texts(model, "x", None, 8.5), []
    with pytest.raises(ServingError) as error:
        seen.extend(growing)
    assert error.value.code == Code.DEADLINE_EXCEEDED
    assert [one["text"] for one in seen] == [
        "c",
        "cc",
        "ccc",
    ]  # tokenize, init_state, then a step and a detokenize each
    assert model.timeouts == [8.5 - passed for passed in range(9)]  # a run may take what is left, and no more


@pytest.mark.parametrize("heard", range(4))
def test_nothing_runs_after_the_listener_has_left(heard):
    model = Scripted.saying(C, A, T, EOS)
    growing = stream.partial_texts(model, "x", None, LATER)
    for _ in range(heard):
        next(growing)
    before = len(model.log)
    growing.close()
    assert list(growing) == [] and len(model.log) == before


def test_an_error_of_the_model_is_passed_on():
    model = Scripted.saying(C)
    model.tokenize = lambda text: (_ for _ in ()).throw(ServingError(Code.UNAVAILABLE, "full"))
    assert refused(model).code == Code.UNAVAILABLE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["attention", "transformer-two-vocabularies"])
def test_the_last_text_and_score_are_those_of_the_endpoint_greedy(name, tmp_path):
    model, source, target = exports.build(name)
    limits = {"max_source": exports.MAX_SOURCE, "max_length": exports.MAX_LENGTH}
    export.write(tmp_path / "m" / "1", model, source, target, search=decode.Greedy(), **limits)
    served = servable.load("m", 1, tmp_path / "m" / "1")
    texts = [text for text in exports.TEXTS if text.isprintable()]
    try:
        every = served.run("greedy", {"text": np.asarray([text.encode() for text in texts], object)})
        lasts = [said(served, text)[-1] for text in texts]
        assert [one["text"].encode() for one in lasts] == list(every["text"])
        assert len(set(every["text"])) > 1
        np.testing.assert_allclose([one["score"] for one in lasts], every["score"], rtol=1e-5)
        assert said(served, "abc", 2)[-1]["text"] == live_text(model, source, target or source, "abc", 2)
    finally:
        served.close()


def live_text(model, source, target, text: str, steps: int) -> str:
    """What the live model says in so many steps."""
    found = decode.generate(model, tokens.prepare([text], source, exports.MAX_SOURCE), decode.Greedy(), steps)
    return target.decode(found.ids[:, 0]).numpy()[0].decode()

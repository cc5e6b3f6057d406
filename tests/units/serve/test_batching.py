"""Who shares a batch with whom, who is refused, and that nobody is answered with the rows of another."""

import gc
import random
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from seq2seq_keras.serve import batching
from seq2seq_keras.serve.batching import Batcher
from seq2seq_keras.serve.config import BatchingParameters
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve.doubles import until

SOON = 20.0


def definition(inputs: dict, outputs: dict) -> SignatureDef:
    """Names to dimensions after the first; None: no dimension at all."""
    made = SignatureDef()
    for given, tensors in ((inputs, made.inputs), (outputs, made.outputs)):
        for name, inner in given.items():
            sizes = [] if inner is None else [-1, *inner]
            tensors[name].tensor_shape.CopyFrom(tf.TensorShape([None if s < 0 else s for s in sizes]).as_proto())
    return made


class Model:
    """In place of a `Servable`: upper case, and every run is written down.

    Attributes:
        runs: inputs of each run.
        timeouts: of each run.
        gates: what a run waits for, by its number.
        began: released by each run as it begins.
    """

    signatures = {
        "text": definition({"text": ()}, {"upper": ()}),
        "both": definition({"text": ()}, {"upper": (), "lower": ()}),
        "ids": definition({"ids": (-1,)}, {"sum": ()}),
        "whole": definition({"text": ()}, {"count": None}),
        "uneven": definition({"text": ()}, {"twice": ()}),
        "longest": definition({"text": ()}, {"ids": (-1,)}),
        "two": definition({"text": (), "other": ()}, {"upper": ()}),
    }

    def __init__(self, name: str = "m", batching: BatchingParameters | None = None):
        self.name, self.batching = name, batching
        self.runs, self.timeouts = [], []
        self.gates: dict[int, threading.Event] = {}
        self.began = threading.Semaphore(0)

    def run(self, signature, inputs, outputs=None, timeout=None):
        gate = self.gates.get(len(self.runs))
        self.runs.append(inputs)
        self.timeouts.append(timeout)
        self.began.release()
        if gate and not gate.wait(timeout):
            raise ServingError(Code.DEADLINE_EXCEEDED, "cancelled")
        if signature == "ids":
            return {"sum": inputs["ids"].sum(axis=1)}
        texts = list(inputs["text"])
        if b"bad" in texts:
            raise ServingError(Code.INVALID_ARGUMENT, "a bad text")
        if b"bug" in texts:
            raise KeyError("a bug")
        found = {
            "upper": [text.upper() for text in texts],
            "lower": [text.lower() for text in texts],
            "twice": texts + texts,
            "count": len(texts),
            "ids": [list(text.ljust(max(map(len, texts)))) for text in texts],
        }
        return {name: np.array(found[name], object) for name in outputs or self.signatures[signature].outputs}

    def texts(self) -> list[list[bytes]]:
        """Those of each run."""
        return [list(inputs["text"]) for inputs in self.runs]


class Depth:
    """In place of `Metrics`."""

    def __init__(self):
        self.waiting, self.sizes, self.lock = 0, [], threading.Lock()

    def queued(self, model, change):
        with self.lock:
            self.waiting += change

    def computed(self, model, rows, seconds):
        self.sizes.append(rows)


def strings(*texts: str) -> np.ndarray:
    return np.array([text.encode() for text in texts], object)


class Desk:
    """A batcher, clients that wait in threads, and a model that can be held so that requests pile up."""

    def __init__(self, per_model=False, **parameters):
        self.depth, self.model = Depth(), Model()
        self.batcher = Batcher(BatchingParameters(**parameters), self.depth, per_model)
        self.pool = ThreadPoolExecutor(64)

    def now(self, *texts, signature="text", outputs=None, seconds=SOON, model=None, **inputs):
        inputs = inputs or {"text": strings(*texts)}
        deadline = time.monotonic() + seconds
        return self.batcher.run(model or self.model, signature, inputs, outputs, deadline)

    def ask(self, *texts, **options):
        """A client that waits; its request is in the queue, behind those before it, when this returns."""
        before = self.depth.waiting
        asked = self.pool.submit(self.now, *texts, **options)
        until(lambda: asked.done() or self.depth.waiting > before)
        return asked

    def hold(self):
        """Keeps the one computing thread busy with a request, so that later ones wait."""
        self.model.gates[0] = threading.Event()
        held = self.pool.submit(self.now, "held")
        assert self.model.began.acquire(timeout=SOON)
        until(lambda: self.depth.waiting == 0)
        return held

    def release(self, *asked):
        """Lets the model run; answers of those who asked."""
        for gate in self.model.gates.values():
            gate.set()
        return [[text.decode() for text in one.result(SOON)["upper"]] for one in asked]


@pytest.fixture
def desk():
    made = []

    def make(**parameters):
        made.append(Desk(**{"num_batch_threads": 1} | parameters))
        return made[-1]

    yield make
    for one in made:
        one.release()
        one.batcher.stop()
        one.pool.shutdown()
        assert one.depth.waiting == 0


def test_requests_that_wait_together_are_one_run_and_each_gets_its_own_rows(desk):
    one = desk()
    one.hold()
    asked = [one.ask("a"), one.ask("b", "c"), one.ask("d")]
    assert one.release(*asked) == [["A"], ["B", "C"], ["D"]]
    assert one.model.texts()[1:] == [[b"a", b"b", b"c", b"d"]]
    assert one.depth.sizes == [1, 4]


def test_the_oldest_goes_first_with_those_nearest_to_its_length(desk):
    one = desk(max_batch_size=3)
    one.hold()
    texts = ["l" * 90, "s", "l" * 80, "s" * 2, "l" * 100, "s" * 3]
    asked = [one.ask(text) for text in texts]
    assert one.release(*asked) == [[text.upper()] for text in texts]
    assert [sorted(map(len, run)) for run in one.model.texts()[1:]] == [[80, 90, 100], [1, 2, 3]]


def test_a_text_unlike_all_others_does_not_wait_for_ever(desk):
    one = desk(max_batch_size=2)
    one.hold()
    asked = [one.ask("s"), one.ask("l" * 90), *[one.ask("s") for _ in range(4)]]
    one.release(*asked)
    assert [list(map(len, run)) for run in one.model.texts()[1:]] == [[1, 1], [90, 1], [1, 1]]


def test_batches_are_filled_but_never_above_their_size(desk):
    one = desk(max_batch_size=4)
    one.hold()
    asked = [one.ask("a", "b", "c"), one.ask("d", "e"), one.ask("f")]
    assert one.release(*asked) == [["A", "B", "C"], ["D", "E"], ["F"]]
    assert one.model.texts()[1:] == [[b"a", b"b", b"c", b"f"], [b"d", b"e"]]


def test_a_large_request_is_computed_in_parts(desk):
    one = desk(max_batch_size=4)
    texts = [f"text {number}" for number in range(10)]
    assert [text.decode() for text in one.now(*texts)["upper"]] == [text.upper() for text in texts]
    assert one.depth.sizes == [4, 4, 2]


def test_parts_are_of_texts_of_similar_length(desk):
    one = desk(max_batch_size=2)
    texts = ["l" * 90, "s", "l" * 80, "s" * 2, "m" * 40]
    assert [text.decode() for text in one.now(*texts)["upper"]] == [text.upper() for text in texts]
    assert [list(map(len, run)) for run in one.model.texts()] == [[1, 2], [40, 80], [90]]


def test_free_threads_share_a_request(desk):
    one = desk(num_batch_threads=3)
    texts = [f"{number}" * (1 + number % 5) for number in range(13)]
    assert [text.decode() for text in one.now(*texts)["upper"]] == texts
    assert sorted(one.depth.sizes) == [3, 5, 5]


@pytest.mark.parametrize("texts, signature", [("abcdefg", "text"), ("abcdefghij", "longest"), ("abcdefghij", "whole")])
def test_few_rows_and_those_that_would_not_fit_together_are_not_shared(desk, texts, signature):
    one = desk(num_batch_threads=2)
    one.now(*texts, signature=signature)
    assert one.model.texts() == [[letter.encode() for letter in texts]]


def test_a_request_is_not_shared_where_the_other_threads_are_busy(desk):
    one = desk(num_batch_threads=2)
    one.hold()
    one.now(*"abcdefghij")
    assert one.depth.sizes == [10]


def test_a_request_that_no_queue_could_hold_is_refused(desk):
    one = desk(max_batch_size=2, max_enqueued_batches=2)
    with pytest.raises(ServingError, match="^Task size 5 is larger than maximum input batch size 4$") as caught:
        one.now(*"abcde")
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert one.model.runs == []


def test_a_full_queue_refuses_and_takes_requests_again_later(desk):
    one = desk(max_batch_size=2, max_enqueued_batches=2)
    one.hold()
    asked = [one.ask(letter) for letter in "abcd"]
    with pytest.raises(ServingError, match="queue to which this task was submitted is full") as caught:
        one.now("e")
    assert caught.value.code is Code.UNAVAILABLE
    other = one.ask("f", signature="both")  # has a queue of its own
    assert one.release(*asked) == [["A"], ["B"], ["C"], ["D"]]
    assert other.result(SOON)["lower"].tolist() == [b"f"]
    assert one.now("g")["upper"].tolist() == [b"G"]


def test_one_bad_row_fails_alone(desk):
    one = desk()
    one.hold()
    asked = {text: one.ask(text) for text in ["a", "b", "bad", *map(str, range(13))]}
    one.release()
    with pytest.raises(ServingError, match="^a bad text$") as caught:
        asked.pop("bad").result(SOON)
    assert caught.value.code is Code.INVALID_ARGUMENT
    for text, answer in asked.items():
        assert answer.result(SOON)["upper"].tolist() == [text.upper().encode()]
    assert [len(run) for run in one.model.texts()[1:]] == [16, *[1] * 16]


def test_a_defect_is_told_and_ends_no_thread(desk, caplog):
    one = desk()
    with pytest.raises(ServingError, match="KeyError") as caught:
        one.now("bug")
    assert caught.value.code is Code.INTERNAL
    assert "a bug" in caplog.text
    assert one.now("a")["upper"].tolist() == [b"A"]


def test_who_waits_leaves_at_the_deadline_and_is_never_computed(desk):
    one = desk()
    held = one.hold()
    begin = time.monotonic()
    with pytest.raises(ServingError) as caught:
        one.now("late", seconds=0.1)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert 0.1 <= time.monotonic() - begin < 1
    assert one.depth.waiting == 0
    one.release(held)
    one.now("next")
    assert one.model.texts() == [[b"held"], [b"next"]]


def test_a_run_lasts_as_long_as_the_most_patient_of_its_batch(desk):
    one = desk()
    one.hold()
    one.model.gates[1] = threading.Event()
    patient, hasty = one.ask("patient", seconds=SOON), one.ask("hasty", seconds=0.3)
    one.model.gates[0].set()
    assert one.model.began.acquire(timeout=SOON)
    with pytest.raises(ServingError) as caught:
        hasty.result(SOON)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert one.release(patient) == [["PATIENT"]]
    assert one.model.texts()[1] == [b"patient", b"hasty"]
    assert 1 < one.model.timeouts[1] <= SOON


def test_a_batch_that_took_too_long_is_not_tried_again(desk):
    one = desk()
    one.hold()
    one.model.gates[1] = threading.Event()
    asked = [one.ask(letter, seconds=0.3) for letter in "ab"]
    one.model.gates[0].set()
    for answer in asked:
        with pytest.raises(ServingError) as caught:
            answer.result(SOON)
        assert caught.value.code is Code.DEADLINE_EXCEEDED
    one.now("next")
    assert one.model.texts() == [[b"held"], [b"a", b"b"], [b"next"]]
    assert one.model.timeouts[1] <= 0.3


def test_batches_of_other_sizes_are_filled_with_their_last_row(desk):
    one = desk(max_batch_size=4, allowed_batch_sizes=(2, 4))
    assert one.now("a", "b", "c")["upper"].tolist() == [b"A", b"B", b"C"]
    assert one.now("a")["upper"].tolist() == [b"A"]
    assert one.now("a", "b")["upper"].tolist() == [b"A", b"B"]
    assert one.model.texts() == [[b"a", b"b", b"c", b"c"], [b"a", b"a"], [b"a", b"b"]]


def test_rows_of_unlike_length_share_no_batch(desk):
    one = desk()
    one.hold()
    short, long = np.array([[1, 2]]), np.array([[3, 4, 5]])
    asked = [one.ask(signature="ids", ids=ids) for ids in (short, long, short)]
    one.release()
    assert [answer.result(SOON)["sum"].tolist() for answer in asked] == [[3], [12], [3]]
    assert [run["ids"].tolist() for run in one.model.runs[1:]] == [[[1, 2], [1, 2]], [[3, 4, 5]]]


def test_rows_of_unlike_length_are_padded_if_asked_for(desk):
    one = desk(pad_variable_length_inputs=True)
    one.hold()
    asked = [one.ask(signature="ids", ids=np.array([ids])) for ids in ([1, 2], [3, 4, 5])]
    one.release()
    assert [answer.result(SOON)["sum"].tolist() for answer in asked] == [[3], [12]]
    assert one.model.runs[1]["ids"].tolist() == [[1, 2, 0], [3, 4, 5]]


def test_strings_are_padded_with_empty_ones(desk):
    one = desk(pad_variable_length_inputs=True)
    one.model.signatures = {"ids": definition({"ids": (-1,)}, {"sum": ()})}
    one.model.gates[0] = threading.Event()
    rows = [np.array([[b"a"]], object), np.array([[b"b", b"c"]], object), np.array([[b"d"]], object)]
    asked = [one.pool.submit(one.now, signature="ids", ids=rows[0])]
    assert one.model.began.acquire(timeout=SOON)
    until(lambda: one.depth.waiting == 0)
    asked += [one.ask(signature="ids", ids=ids) for ids in rows[1:]]
    one.release()
    assert [answer.result(SOON)["sum"].tolist() for answer in asked] == [[b"a"], [b"bc"], [b"d"]]
    assert one.model.runs[1]["ids"].tolist() == [[b"b", b"c"], [b"d", b""]]


@pytest.mark.parametrize("signature", ["whole", "uneven", "longest"])
def test_outputs_that_depend_on_neighbours_are_computed_without_them(desk, signature):
    one = desk(max_batch_size=4, allowed_batch_sizes=(4,))
    alone = Model().run(signature, {"text": strings("a", "bcd")})
    one.hold()
    asked = [one.ask("a", "bcd", signature=signature) for _ in range(2)]
    one.release()
    for answer in asked:
        for name, value in answer.result(SOON).items():
            assert value.tolist() == alone[name].tolist()
    before = len(one.model.runs)
    one.now("a", "bcd", signature=signature)
    assert one.model.texts()[before:] == [[b"a", b"bcd"]]  # what was learnt is kept


@pytest.mark.parametrize("signature", ["whole", "uneven", "longest"])
def test_large_requests_that_cannot_be_taken_apart_are_computed_whole(desk, signature):
    one = desk(max_batch_size=2)
    texts = ["a", "bb", "ccc", "dddd", "e"]
    alone = Model().run(signature, {"text": strings(*texts)})
    for name, value in one.now(*texts, signature=signature).items():
        assert value.tolist() == alone[name].tolist()


def test_inputs_that_disagree_on_rows_are_left_to_the_model(desk):
    one = desk(max_batch_size=4, allowed_batch_sizes=(4,))
    one.hold()
    inputs = {"text": strings("a", "b"), "other": strings("c")}
    asked = [one.ask(signature="two", **inputs) for _ in range(2)]
    one.release()
    assert [answer.result(SOON)["upper"].tolist() for answer in asked] == [[b"A", b"B"]] * 2
    assert one.model.texts()[1:] == [[b"a", b"b"]] * 2


def test_no_rows_are_left_to_the_model(desk):
    one = desk(max_batch_size=4, allowed_batch_sizes=(4,))
    assert one.now(text=np.empty(0, object))["upper"].tolist() == []


def test_only_the_outputs_asked_for_are_computed(desk):
    one = desk()
    one.hold()
    asked = [one.ask("Aa", signature="both", outputs=outputs) for outputs in (["upper"], ["lower"], None, ["upper"])]
    one.release()
    assert [sorted(answer.result(SOON)) for answer in asked] == [["upper"], ["lower"], ["lower", "upper"], ["upper"]]
    assert [len(run) for run in one.model.texts()[1:]] == [2, 1, 1]


def test_an_open_batch_waits_for_more_rows_until_it_is_full(desk):
    one = desk(max_batch_size=2, batch_timeout_micros=60_000_000)
    first = one.ask("a")
    assert one.now("b")["upper"].tolist() == [b"B"]
    assert one.release(first) == [["A"]]
    assert one.model.texts() == [[b"a", b"b"]]


def test_an_open_batch_waits_no_longer_than_it_may(desk):
    one = desk(batch_timeout_micros=100_000)
    begin = time.monotonic()
    one.now("a")
    assert 0.1 <= time.monotonic() - begin < 5


def test_a_batch_waits_for_the_clients_of_the_one_before(desk):
    one = desk()
    held = one.hold()
    waits = one.ask("a")
    time.sleep(1.0)  # a quarter of it is what the next batch waits
    one.release(held)
    assert one.now("b")["upper"].tolist() == [b"B"]
    assert one.release(waits) == [["A"]]
    assert one.model.texts() == [[b"held"], [b"a", b"b"]]


def test_clients_of_a_quick_batch_have_time_to_come_back(desk, monkeypatch):
    monkeypatch.setattr(batching, "_RETURN", 5.0)
    one = desk()
    held = one.hold()
    waits = one.ask("a")
    one.release(held)  # which took next to no time
    time.sleep(0.3)
    assert one.now("b")["upper"].tolist() == [b"B"]
    assert one.release(waits) == [["A"]]
    assert one.model.texts() == [[b"held"], [b"a", b"b"]]


def test_a_batch_waits_a_moment_only(desk):
    one = desk()
    one.hold()
    waits = one.ask("a")
    time.sleep(0.4)
    begin = time.monotonic()
    assert one.release(waits) == [["A"]]
    assert 0.09 < time.monotonic() - begin < 5
    assert one.model.texts() == [[b"held"], [b"a"]]


def test_a_client_that_asks_alone_never_waits(desk):
    one = desk()
    held = one.hold()
    time.sleep(1.0)
    one.release(held)
    begin = time.monotonic()
    one.now("b")
    assert time.monotonic() - begin < 0.2


def test_models_with_sizes_of_their_own(desk):
    one = desk(per_model=True, max_batch_size=1)
    three = Model("three", BatchingParameters(max_batch_size=3, batch_timeout_micros=60_000_000))
    asked = [one.ask("a", model=three), one.ask("b", model=three), one.ask("c", model=three)]
    assert one.release(*asked) == [["A"], ["B"], ["C"]]
    assert three.texts() == [[b"a", b"b", b"c"]]
    assert one.batcher.takes(three) and not one.batcher.takes(Model("none"))


def test_queues_take_turns_by_age(desk):
    one = desk(max_batch_size=1)
    other = Model("other")
    order = []
    for model in (one.model, other):
        run = model.run
        model.run = lambda *given, run=run, model=model: order.append(model.name) or run(*given)
    one.hold()
    asked = [one.ask("a"), one.ask("b", model=other), one.ask("c")]
    assert one.release(*asked) == [["A"], ["B"], ["C"]]
    assert order == ["m", "m", "other", "m"]


def test_several_threads_compute_at_once(desk):
    one = desk(num_batch_threads=2)
    one.hold()
    assert one.now("b")["upper"].tolist() == [b"B"]


def test_free_threads_share_what_waits(desk):
    one = desk(num_batch_threads=2, batch_timeout_micros=60_000_000, max_batch_size=4)
    one.model.gates[0] = threading.Event()  # whoever is first is still at it when the other begins
    asked = [*map(one.ask, "abc"), one.pool.submit(one.now, "d")]
    assert all(one.model.began.acquire(timeout=SOON) for _ in range(2))
    assert one.release(*asked) == [["A"], ["B"], ["C"], ["D"]]
    assert list(map(len, one.model.texts())) == [2, 2]


def test_stop_computes_what_is_queued_and_refuses_more(desk):
    one = desk(batch_timeout_micros=60_000_000, max_batch_size=2)
    asked = one.ask("a")
    one.batcher.stop()
    assert asked.result(SOON)["upper"].tolist() == [b"A"]
    with pytest.raises(ServingError) as caught:
        one.now("b")
    assert caught.value.code is Code.UNAVAILABLE


def test_a_version_that_is_gone_is_not_held(desk):
    one = desk()
    gone = Model()
    one.now("a", model=gone)
    seen = weakref.ref(gone)
    del gone
    until(lambda: gc.collect() >= 0 and seen() is None)


def test_a_crowd_gets_its_own_answers(desk):
    """Sizes, lengths and signatures mixed, some requests bad: what a batch is joined and cut by must always agree."""
    one = desk(max_batch_size=8, num_batch_threads=3, allowed_batch_sizes=(1, 3, 8), max_enqueued_batches=1000)
    dice = random.Random(0)
    crowd = []
    for number in range(400):
        texts = [f"{number} " * dice.randint(1, 20) for _ in range(dice.randint(1, 12))]
        texts += ["bad"] * (dice.random() < 0.05)
        crowd.append((dice.choice(["text", "both", "whole", "uneven", "longest"]), texts))
    asked = [one.pool.submit(one.now, *texts, signature=signature) for signature, texts in crowd]
    for (signature, texts), answer in zip(crowd, asked):
        if "bad" in texts:
            with pytest.raises(ServingError, match="^a bad text$"):
                answer.result(SOON)
            continue
        alone = Model().run(signature, {"text": strings(*texts)})
        for name, value in answer.result(SOON).items():
            assert value.tolist() == alone[name].tolist()
    assert one.depth.sizes.count(8) > 0

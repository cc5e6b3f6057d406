"""Many models behind one manager: leases, labels, threads, and another configuration while requests run."""

import threading
import time
from pathlib import Path

import pytest

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.config import All, Latest, ModelConfig, Specific
from seq2seq_keras.serve.manager import ModelManager, ModelSpec, State, VersionStatus
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve.doubles import Loader, add, remove, until

NEWEST = Latest()
FAST = {"poll_seconds": 0.01, "retries": 1, "retry_seconds": 0.0}
SLOW = {"poll_seconds": 3600.0, "retries": 0}
"""Looks once and never again, unless it is told to."""


class Served:
    """A manager over folders of a test, with its loader."""

    def __init__(self, root: Path):
        self.root, self.loader, self.manager = root, Loader(), None

    def config(self, name: str, policy=NEWEST, labels=None, base: str = "") -> ModelConfig:
        return ModelConfig(name, self.root / (base or name), policy, labels or {})

    def make(self, *configs: ModelConfig, **settings) -> ModelManager:
        self.manager = ModelManager(configs, self.loader, **(settings or SLOW))
        return self.manager

    def start(self, *configs: ModelConfig, **settings) -> ModelManager:
        self.make(*configs, **settings).start()
        return self.manager

    def answers(self, spec: ModelSpec) -> int:
        with self.manager.lease(spec) as servable:
            assert not servable.closed.is_set()
            return servable.version

    def states(self, name: str) -> dict[int, str]:
        return {status.version: status.state.name for status in self.manager.status(name)}


@pytest.fixture
def served(tmp_path):
    before = threading.active_count()
    made = Served(tmp_path)
    yield made
    if made.manager:
        made.manager.stop()
    assert made.loader.open == []
    assert threading.active_count() == before


def refused(code: Code, message: str):
    """A block that ends in an error for the client."""

    class Refused:
        def __enter__(self):
            self.raised = pytest.raises(ServingError)
            self.info = self.raised.__enter__()

        def __exit__(self, *error):
            done = self.raised.__exit__(*error)
            assert (self.info.value.code, self.info.value.message) == (code, message)
            return done

    return Refused()


def test_leases(served):
    add(served.root / "m", 1, 2, 3)
    served.start(served.config("m", All(), {"stable": 2}), served.config("other", base="m"))
    assert served.manager.names() == ["m", "other"]
    assert served.answers(ModelSpec("m")) == 3
    assert served.answers(ModelSpec("m", 1)) == 1
    assert served.answers(ModelSpec("m", label="stable")) == 2
    assert served.answers(ModelSpec("other")) == 3


def test_lease_errors_are_those_of_tensorflow_serving(served):
    add(served.root / "M", 1)
    served.start(served.config("M", labels={"stable": 1}))
    with refused(Code.NOT_FOUND, "Servable not found for request: Latest(nope)"):
        served.answers(ModelSpec("nope"))
    with refused(Code.NOT_FOUND, "Servable not found for request: Specific(M, 99)"):
        served.answers(ModelSpec("M", 99))
    with refused(Code.NOT_FOUND, "Servable not found for request: Specific(nope, 1)"):
        served.answers(ModelSpec("nope", 1))
    with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: nah"):
        served.answers(ModelSpec("M", label="nah"))
    with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: stable"):
        served.answers(ModelSpec("nope", label="stable"))


def test_status(served):
    add(served.root / "M", 1, 2)
    served.loader.errors["M", 2] = ServingError(Code.DATA_LOSS, "cut")
    served.start(served.config("M", All()))
    one = VersionStatus(1, State.AVAILABLE, Code.OK, "")
    two = VersionStatus(2, State.END, Code.DATA_LOSS, "cut")
    assert served.manager.status("M") == [two, one]
    assert served.manager.status("M", 1) == [one]
    with refused(Code.NOT_FOUND, "Could not find any versions of model nope"):
        served.manager.status("nope")
    with refused(Code.NOT_FOUND, "Could not find version 77 of model M"):
        served.manager.status("M", 77)
    with refused(Code.NOT_FOUND, "Could not find version 1 of model nope"):
        served.manager.status("nope", 1)


def test_an_error_in_a_request_ends_its_lease(served):
    add(served.root / "m", 1)
    served.start(served.config("m"), **FAST)
    with pytest.raises(ZeroDivisionError), served.manager.lease(ModelSpec("m")):
        raise ZeroDivisionError
    add(served.root / "m", 2)
    assert served.loader.last(1).closed.wait(10)


def test_versions_are_swapped_while_the_server_runs(served):
    add(served.root / "m", 1)
    served.start(served.config("m"), **FAST)
    add(served.root / "m", 2)
    until(lambda: served.states("m") == {2: "AVAILABLE", 1: "END"})
    served.loader.errors["m", 3] = ServingError(Code.DATA_LOSS, "cut")
    add(served.root / "m", 3)
    until(lambda: served.states("m").get(3) == "END")
    assert served.answers(ModelSpec("m")) == 2
    del served.loader.errors["m", 3]
    (served.root / "m" / "3" / "rest").touch()
    until(lambda: served.states("m") == {3: "AVAILABLE", 2: "END", 1: "END"})


def test_no_request_fails_over_many_swaps(served):
    add(served.root / "m", 1)
    served.start(served.config("m"), **FAST)
    done, failed, seen = threading.Event(), [], set()

    def ask():
        while not done.is_set():
            try:
                with served.manager.lease(ModelSpec("m")) as servable:
                    seen.add(servable.version)
                    time.sleep(0)  # lets another thread in
                    assert not servable.closed.is_set(), "closed in use"
            except Exception as error:
                failed.append(error)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    for number in range(2, 22):
        add(served.root / "m", number)
        remove(served.root / "m", number - 1)
        until(lambda number=number: served.states("m").get(number) == "AVAILABLE")
        until(lambda number=number: number in seen)
    done.set()
    for client in clients:
        client.join()
    assert failed == []
    until(lambda: served.loader.open == [21])


def test_a_slow_load_delays_no_other_model(served):
    add(served.root / "slow", 1)
    add(served.root / "quick", 1)
    served.start(served.config("slow"), served.config("quick"), **FAST)
    gate = served.loader.gates["slow", 2] = threading.Event()
    add(served.root / "slow", 2)
    assert served.loader.began["slow", 2].wait(10)
    add(served.root / "quick", 2)
    until(lambda: served.states("quick") == {2: "AVAILABLE", 1: "END"})
    assert served.states("slow") == {2: "LOADING", 1: "AVAILABLE"}
    assert served.answers(ModelSpec("slow")) == 1
    gate.set()
    until(lambda: served.states("slow")[2] == "AVAILABLE")


def test_with_no_seconds_to_poll_the_folder_is_looked_at_once(served):
    add(served.root / "m", 1)
    served.start(served.config("m"), poll_seconds=0, retry_seconds=0.0)
    add(served.root / "m", 2)
    served.manager._models["m"].advance()
    assert served.states("m") == {1: "AVAILABLE"}


def test_start_names_the_model_the_folder_and_the_cause(served):
    add(served.root / "good", 1)
    add(served.root / "bad", 4)
    served.loader.errors["bad", 4] = InputError("op WriteFile is not allowed")
    with pytest.raises(InputError) as raised:
        served.start(served.config("good"), served.config("bad"))
    base = served.root / "bad"
    assert str(raised.value) == f"{base}: model 'bad': version 4 cannot be loaded: op WriteFile is not allowed."
    assert served.loader.open == [], "nothing serves then"
    assert served.states("good") == {1: "END"}


def test_start_refuses_two_models_of_one_name(served):
    add(served.root / "m", 1)
    with pytest.raises(InputError, match="model 'm' is listed twice"):
        served.start(served.config("m"), served.config("m"))


def test_start_refuses_a_label_for_a_version_that_does_not_serve(served):
    add(served.root / "m", 1, 2)
    with pytest.raises(InputError, match="version 1 of model m, which is not .* available .* 'stable' to stand for"):
        served.start(served.config("m", labels={"stable": 1}))


def test_stop_ends_all_after_the_requests_at_work(served):
    add(served.root / "m", 1)
    add(served.root / "n", 1)
    served.start(served.config("m"), served.config("n"), **FAST)
    leased, leave = threading.Event(), threading.Event()

    def ask():
        with served.manager.lease(ModelSpec("m")) as servable:
            leased.set()
            assert leave.wait(10)
            assert not servable.closed.is_set()

    client = threading.Thread(target=ask)
    client.start()
    assert leased.wait(10)
    stopping = threading.Thread(target=served.manager.stop)
    stopping.start()
    until(lambda: served.states("m") == {1: "UNLOADING"})
    with refused(Code.NOT_FOUND, "Servable not found for request: Latest(m)"):
        served.answers(ModelSpec("m"))
    leave.set()
    stopping.join(10)
    client.join()
    assert served.states("m") == served.states("n") == {1: "END"}


def test_stop_during_a_load_closes_what_it_gives(served):
    add(served.root / "m", 1)
    served.start(served.config("m"), **FAST)
    gate = served.loader.gates["m", 2] = threading.Event()
    add(served.root / "m", 2)
    assert served.loader.began["m", 2].wait(10)
    stopping = threading.Thread(target=served.manager.stop)
    stopping.start()
    until(lambda: served.states("m")[1] != "AVAILABLE")
    gate.set()
    stopping.join(10)
    assert served.states("m") == {2: "END", 1: "END"}


def test_what_a_load_gives_after_stop_gave_up_on_it_is_closed(served):
    add(served.root / "m", 1)
    served.start(served.config("m", All()), **FAST, drain_seconds=0.0)
    gate = served.loader.gates["m", 3] = threading.Event()
    add(served.root / "m", 3)
    assert served.loader.began["m", 3].wait(10)
    add(served.root / "m", 2)
    served.manager.stop()
    assert served.states("m") == {3: "LOADING", 1: "END"}
    gate.set()
    until(lambda: served.states("m")[3] == "END")
    assert served.loader.calls == [("m", 1), ("m", 3)], "no further version is begun"


def test_stop_does_not_wait_for_ever(served):
    add(served.root / "m", 1)
    served.start(served.config("m"), **SLOW, drain_seconds=0.01)
    with served.manager.lease(ModelSpec("m")) as servable:
        served.manager.stop()
        assert servable.closed.is_set()


def test_reload_of_labels_and_policy(served):
    add(served.root / "m", 1, 2)
    served.start(served.config("m", labels={"stable": 2}))
    served.manager.reload([served.config("m", All(), {"stable": 1, "canary": 2})])
    assert served.states("m") == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert served.answers(ModelSpec("m", label="stable")) == 1
    assert served.answers(ModelSpec("m", label="canary")) == 2
    served.manager.reload([served.config("m", Specific((1,)))])
    assert served.states("m") == {2: "END", 1: "AVAILABLE"}
    assert served.loader.calls == [("m", 2), ("m", 1)], "what serves is not loaded again"
    with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: stable"):
        served.answers(ModelSpec("m", label="stable"))


def test_reload_refuses_a_label_for_a_version_that_does_not_serve(served):
    add(served.root / "m", 1, 2)
    served.start(served.config("m", labels={"stable": 2}))
    said = "Request to assign label to version 1 of model m, which is not currently available for inference"
    with refused(Code.FAILED_PRECONDITION, said):
        served.manager.reload([served.config("m", labels={"stable": 1})])
    assert served.answers(ModelSpec("m", label="stable")) == 2


def test_a_refused_reload_changes_nothing(served):
    add(served.root / "m", 1, 2)
    add(served.root / "new", 1)
    served.start(served.config("m", labels={"stable": 2}), **FAST)
    said = "Request to assign label to version 9 of model m, which is not currently available for inference"
    with refused(Code.FAILED_PRECONDITION, said):
        served.manager.reload([served.config("new"), served.config("m", Specific((1,)), {"stable": 9})])
    assert served.manager.names() == ["m"]
    assert served.answers(ModelSpec("m", label="stable")) == 2
    until(lambda: served.states("m") == {2: "AVAILABLE", 1: "END"})
    assert served.loader.open == [2]


def test_during_a_reload_nothing_is_decided_by_the_configuration_of_before(served):
    add(served.root / "m", 1, 2)
    add(served.root / "new", 1)
    served.start(served.config("m"), **FAST)
    gate = served.loader.gates["new", 1] = threading.Event()
    after = [served.config("m", All()), served.config("new")]
    reloading = threading.Thread(target=served.manager.reload, args=(after,))
    reloading.start()
    assert served.loader.began["new", 1].wait(10)
    time.sleep(0.05)  # several looks of its thread, which wants version 2 alone
    gate.set()
    reloading.join()
    assert served.states("m") == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert served.loader.calls.count(("m", 1)) == 1


def test_reload_adds_and_removes_models(served):
    add(served.root / "old", 1)
    add(served.root / "new", 1)
    served.start(served.config("old"), **FAST)
    served.manager.reload([served.config("new")])
    assert served.manager.names() == ["new"]
    assert served.answers(ModelSpec("new")) == 1
    with refused(Code.NOT_FOUND, "Servable not found for request: Latest(old)"):
        served.answers(ModelSpec("old"))
    add(served.root / "new", 2)
    until(lambda: served.states("new") == {2: "AVAILABLE", 1: "END"})


def test_reload_refuses_a_model_that_does_not_load(served):
    add(served.root / "m", 1)
    add(served.root / "bad", 1)
    served.start(served.config("m"))
    served.loader.errors["bad", 1] = InputError("it is damaged", where=served.root / "bad" / "1" / "saved_model.pb")
    said = "model 'bad' has no version that can be served: 1/saved_model.pb: it is damaged."
    with refused(Code.FAILED_PRECONDITION, said):
        served.manager.reload([served.config("m"), served.config("bad")])
    with refused(Code.NOT_FOUND, "model 'none' has no version that can be served: it has none that is wanted"):
        served.manager.reload([served.config("none")])
    with refused(Code.FAILED_PRECONDITION, "model 'm' is listed twice"):
        served.manager.reload([served.config("m"), served.config("m")])
    assert served.manager.names() == ["m"]
    assert served.answers(ModelSpec("m")) == 1


def test_another_folder_takes_the_place_of_a_model_without_a_gap(served):
    add(served.root / "m", 1)
    add(served.root / "elsewhere", 1)
    served.start(served.config("m"), **FAST)
    done, failed = threading.Event(), []

    def ask():
        while not done.is_set():
            try:
                served.answers(ModelSpec("m"))
            except Exception as error:
                failed.append(error)

    client = threading.Thread(target=ask)
    client.start()
    for turn in range(21):
        served.manager.reload([served.config("m", base="m" if turn % 2 else "elsewhere")])
    done.set()
    client.join()
    assert failed == []
    assert [double.folder.parent.name for double in served.loader.made if not double.closed.is_set()] == ["elsewhere"]


def test_real_models(served, tmp_path):
    import numpy as np

    from seq2seq_keras.serve import servable
    from tests.units.serve import toys

    def half(version: int) -> float:
        with served.manager.lease(ModelSpec("m", version)) as model:
            return model.run("serving_default", {"x": np.array([1], np.float32)})["y"].item()

    toys.half_plus(served.root / "m" / "1", 2.0)
    served.manager = ModelManager([served.config("m", All())], servable.load, **FAST)
    served.manager.start()
    assert half(1) == 2.5

    cut = toys.half_plus(tmp_path / "cut", 3.0)
    graph = (cut / "saved_model.pb").read_bytes()
    (cut / "saved_model.pb").write_bytes(graph[: len(graph) // 2])
    cut.rename(served.root / "m" / "2")
    hostile = toys.hostile(tmp_path / "hostile")
    hostile.rename(served.root / "m" / "3")
    until(lambda: served.states("m") == {3: "END", 2: "END", 1: "AVAILABLE"}, 30)
    for status in served.manager.status("m")[:2]:
        assert status.code != Code.OK
        assert status.message and str(tmp_path) not in status.message
    assert "WriteFile" in served.manager.status("m", 3)[0].message
    assert half(1) == 2.5

    (served.root / "m" / "2" / "saved_model.pb").write_bytes(graph)
    until(lambda: served.states("m")[2] == "AVAILABLE", 30)
    assert (half(1), half(2)) == (2.5, 3.5)

"""One model, step by step: `look` and `advance` are called here in place of its thread."""

import logging
import os
import threading
import time

import pytest

from seq2seq_keras.errors import InputError
from seq2seq_keras.serve.config import All, Latest, ModelConfig, Specific
from seq2seq_keras.serve.served import ServedModel
from seq2seq_keras.serve.states import State
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.serve.doubles import Loader, add, remove

NEWEST = Latest()
BAD = ServingError(Code.DATA_LOSS, "the graph is cut")


class Steps:
    """A model with its loader, and what is seen of it."""

    def __init__(self, base_path, policy, retries=2, retry_seconds=3600.0):
        self.base_path, self.loader = base_path, Loader()
        config = ModelConfig("m", base_path, policy)
        self.model = ServedModel(config, self.loader, 1.0, retries, retry_seconds)

    def step(self):
        self.model.look()
        self.model.advance()
        return self.states()

    def states(self):
        return {status.version: status.state.name for status in self.model.status()}

    def fail(self, version, error=BAD):
        self.loader.errors["m", version] = error

    def mend(self, version):
        del self.loader.errors["m", version]


@pytest.fixture
def steps(tmp_path):
    made = []

    def make(policy=NEWEST, **settings):
        made.append(Steps(tmp_path / "m", policy, **settings))
        return made[-1]

    yield make
    for one in made:
        one.model.stop(0.0)
        assert one.loader.open == []


def test_a_new_version_is_loaded_before_the_old_one_ends(steps):
    one = steps()
    add(one.base_path, 1)
    assert one.step() == {1: "AVAILABLE"}
    add(one.base_path, 2)

    def load(name, version, folder):
        assert one.states() == {1: "AVAILABLE", 2: "LOADING"}
        return one.loader(name, version, folder)

    one.model._loader = load
    assert one.step() == {2: "AVAILABLE", 1: "END"}
    assert one.loader.open == [2]
    assert list(one.states()) == [2, 1], "the newest first"
    assert all(status.code == Code.OK and status.message == "" for status in one.model.status())


def test_a_version_ends_after_the_last_request_that_uses_it(steps):
    one = steps()
    add(one.base_path, 1)
    one.step()
    first, second = one.model.acquire(None), one.model.acquire(1)
    add(one.base_path, 2)
    assert one.step() == {1: "UNLOADING", 2: "AVAILABLE"}
    assert one.model.acquire(1) is None, "takes no more requests"
    assert one.model.acquire(None).number == 2
    one.model.release(first)
    assert one.step()[1] == "UNLOADING"
    assert one.loader.open == [1, 2]
    one.model.release(second)
    assert one.step()[1] == "END"
    assert one.loader.open == [2]


@pytest.mark.parametrize("policy, serving", [(Latest(2), [3, 2]), (All(), [3, 2, 1]), (Specific((1, 3)), [3, 1])])
def test_policies(steps, policy, serving):
    one = steps(policy)
    add(one.base_path, 1, 2, "0003")
    assert one.step() == dict.fromkeys(serving, "AVAILABLE")
    assert one.loader.calls == [("m", number) for number in serving]
    assert one.loader.last(3).folder == one.base_path / "0003"


def test_a_folder_is_left_alone_until_its_model_is_there(steps):
    one = steps()
    add(one.base_path, 1)
    (one.base_path / "2").mkdir()
    (one.base_path / "backup").mkdir()
    assert one.step() == {1: "AVAILABLE"}
    (one.base_path / "2" / "saved_model.pb").touch()
    assert one.step() == {2: "AVAILABLE", 1: "END"}


def test_a_failed_version_is_tried_again_and_given_up_while_the_one_before_serves(steps, caplog):
    one = steps(retries=2, retry_seconds=0.0)
    add(one.base_path, 1)
    one.step()
    add(one.base_path, 2)
    one.fail(2)
    with caplog.at_level(logging.WARNING):
        for state in ("LOADING", "LOADING", "END", "END"):
            assert one.step() == {2: state, 1: "AVAILABLE"}
            told = one.model.status()[0]
            assert (told.code, told.message) == (Code.DATA_LOSS, "the graph is cut")
            assert one.model.acquire(None).number == 1
    assert one.loader.calls.count(("m", 2)) == 3
    assert caplog.text.count("version 2 cannot be loaded: the graph is cut") == 3


def test_a_retry_that_loads_serves(steps):
    one = steps(retries=1, retry_seconds=0.0)
    add(one.base_path, 1)
    one.step()
    add(one.base_path, 2)
    one.fail(2)
    assert one.step()[2] == "LOADING"
    one.mend(2)
    assert one.step() == {2: "AVAILABLE", 1: "END"}
    assert one.model.status()[0].code == Code.OK
    assert one.model.status()[0].message == ""


def test_between_retries_some_time_passes(steps):
    one = steps(retries=5, retry_seconds=3600.0)
    add(one.base_path, 1)
    one.fail(1)
    for _ in range(5):
        assert one.step() == {1: "LOADING"}
    assert one.loader.calls == [("m", 1)]


@pytest.mark.parametrize("retries", [0, 3], ids=["given up", "waiting"])
def test_a_failed_version_whose_files_change_is_tried_at_once(steps, retries):
    one = steps(retries=retries)
    add(one.base_path, 1)
    one.step()
    add(one.base_path, 2)
    one.fail(2)
    one.step()
    one.step()
    assert one.loader.calls.count(("m", 2)) == 1
    (one.base_path / "2" / "variables").write_bytes(b"the rest")
    one.step()
    one.step()
    assert one.loader.calls.count(("m", 2)) == 2
    one.mend(2)
    os.utime(one.base_path / "2" / "variables", ns=(0, 0))
    assert one.step() == {2: "AVAILABLE", 1: "END"}


def test_the_tries_are_counted_anew_after_a_change(steps):
    one = steps(retries=1, retry_seconds=0.0)
    add(one.base_path, 1)
    one.fail(1)
    assert [one.step()[1] for _ in range(3)] == ["LOADING", "END", "END"]
    (one.base_path / "1" / "more").touch()
    assert [one.step()[1] for _ in range(3)] == ["LOADING", "END", "END"]
    assert len(one.loader.calls) == 4


def test_a_failed_version_that_a_newer_one_replaces_has_ended(steps):
    one = steps()
    add(one.base_path, 1, 2)
    one.fail(2)
    assert one.step() == {2: "LOADING"}
    add(one.base_path, 3)
    assert one.step() == {3: "AVAILABLE", 2: "END"}
    assert one.model.status()[1].code == Code.DATA_LOSS, "how it failed is still told"


def test_a_folder_that_is_emptied_gone_or_closed_ends_nothing(steps, caplog):
    one = steps()
    add(one.base_path, 1, 2)
    assert one.step() == {2: "AVAILABLE"}
    remove(one.base_path, 1, 2)
    assert one.step() == {2: "AVAILABLE"}
    one.base_path.rmdir()
    assert one.step() == {2: "AVAILABLE"}
    one.step()
    assert caplog.text.count("cannot be read (No such file or directory)") == 1, "told once, not every second"
    one.base_path.touch()
    assert one.step() == {2: "AVAILABLE"}
    one.base_path.unlink()
    add(one.base_path, 3)
    assert one.step() == {3: "AVAILABLE", 2: "END"}


def test_a_version_that_waits_to_be_tried_again_outlasts_a_folder_that_is_away_for_a_while(steps):
    one = steps(retry_seconds=0.0)
    add(one.base_path, 1)
    one.fail(1)
    one.step()
    away = one.base_path.rename(one.base_path.with_name("away"))
    assert one.step() == {1: "LOADING"}
    away.rename(one.base_path)
    one.mend(1)
    assert one.step() == {1: "AVAILABLE"}


def test_back_to_a_smaller_version(steps):
    one = steps()
    add(one.base_path, 1, 2)
    assert one.step() == {2: "AVAILABLE"}
    remove(one.base_path, 2)
    assert one.step() == {1: "AVAILABLE", 2: "END"}
    add(one.base_path, 2)
    assert one.step() == {2: "AVAILABLE", 1: "END"}
    assert one.loader.calls == [("m", 2), ("m", 1), ("m", 2)]


def test_a_removed_version_serves_on_while_the_one_to_replace_it_fails(steps):
    one = steps()
    add(one.base_path, 1, 2)
    one.step()
    one.fail(1)
    remove(one.base_path, 2)
    assert one.step() == {1: "LOADING", 2: "AVAILABLE"}
    assert one.model.acquire(None).number == 2


def test_one_of_several_removed_ends(steps):
    one = steps(All())
    add(one.base_path, 1, 2)
    one.step()
    remove(one.base_path, 1)
    assert one.step() == {2: "AVAILABLE", 1: "END"}


def test_a_version_that_is_still_in_use_comes_back_once_it_is_free(steps):
    one = steps()
    add(one.base_path, 1)
    one.step()
    lease = one.model.acquire(1)
    add(one.base_path, 2)
    one.step()
    remove(one.base_path, 2)
    assert one.step() == {1: "UNLOADING", 2: "AVAILABLE"}
    one.model.release(lease)
    one.step()
    assert one.step() == {1: "AVAILABLE", 2: "END"}
    assert one.loader.calls == [("m", 1), ("m", 2), ("m", 1)]


def test_the_history_is_bounded(steps):
    one = steps()
    for number in range(1, 101):
        add(one.base_path, number)
        one.step()
    states = one.states()
    assert states.pop(100) == "AVAILABLE"
    assert states == dict.fromkeys(range(99, 79, -1), "END")


def test_failures_are_remembered_for_as_long_as_their_folders_are_there(steps):
    one = steps(All(), retries=0)
    add(one.base_path, *range(1, 41))
    for number in range(1, 40):
        one.fail(number)
    one.step()
    one.step()
    assert len(one.loader.calls) == 40, "none is tried again for having been forgotten"
    assert len(one.states()) == 40
    remove(one.base_path, *range(1, 40))
    add(one.base_path, 41)
    remove(one.base_path, 40)
    one.step()
    assert len(one.states()) == 21


@pytest.mark.parametrize(
    "error, code, told",
    [
        (ServingError(Code.NOT_FOUND, "Op type not registered 'X'"), Code.NOT_FOUND, "Op type not registered 'X'"),
        (InputError("it is damaged", where="{base}/1/manifest.json"), 9, "1/manifest.json: it is damaged."),
        (RuntimeError("{base}/1 is odd"), Code.INTERNAL, "the version cannot be loaded"),
    ],
)
def test_what_a_client_is_told_of_a_failed_load_names_no_folder_of_the_server(steps, caplog, error, code, told):
    one = steps()
    add(one.base_path, 1)
    if isinstance(error, InputError):
        error = InputError(error.found, where=error.where.format(base=one.base_path))
    one.fail(1, error)
    one.step()
    assert one.model.status()[0][2:] == (code, told)
    assert str(error) in caplog.text, "who runs the server is told all"


def test_an_error_while_closing_is_logged_and_the_version_has_ended(steps, caplog):
    one = steps()
    add(one.base_path, 1)
    one.step()
    one.loader.last(1).closed.set()
    add(one.base_path, 2)
    assert one.step() == {2: "AVAILABLE", 1: "END"}
    assert "version 1 did not close well" in caplog.text


@pytest.mark.parametrize(
    "prepare, found",
    [
        (lambda base: None, "model 'm': the folder cannot be read (No such file or directory)"),
        (lambda base: base.mkdir(), "model 'm' has no version; expected folders named 1, 2, ..."),
        (lambda base: add(base.parent, base.name), "this folder is one version: name the folder above it"),
        (lambda base: add(base, 7, 8), "model 'm': none of its versions is wanted; expected one of 7, 8"),
    ],
    ids=["missing", "empty", "a version", "not wanted"],
)
def test_nothing_to_serve(steps, prepare, found):
    one = steps(Specific((1,)))
    prepare(one.base_path)
    with pytest.raises(InputError) as raised:
        one.model.load()
    if "this folder" in found:
        found = found[0].upper() + found[1:]
    assert found in str(raised.value)
    assert raised.value.where == str(one.base_path)


def test_nothing_that_loads(steps):
    one = steps(All())
    add(one.base_path, 1, 2)
    one.fail(1)
    one.fail(2, InputError("op ReadFile", where=one.base_path / "2"))
    with pytest.raises(InputError) as raised:
        one.model.load()
    base = one.base_path
    assert str(raised.value) == f"{base}: model 'm': version 2 cannot be loaded: {base}/2: op ReadFile."
    one.mend(1)
    (base / "1" / "mended").touch()
    one.model.load()
    assert one.states() == {1: "AVAILABLE", 2: "LOADING"}, "one that loads is enough"


def test_stop_waits_for_requests_but_not_for_ever(steps):
    one = steps()
    add(one.base_path, 1)
    one.step()
    lease = one.model.acquire(None)
    left = threading.Timer(0.05, one.model.release, [lease])
    left.start()
    one.model.stop(time.monotonic() + 10)
    assert not left.is_alive()
    assert one.states() == {1: "END"}
    left.join()

    other = steps()
    other.step()
    other.model.acquire(None)
    other.model.stop(time.monotonic())
    assert other.states() == {1: "END"}
    assert other.loader.open == []


def test_states_have_the_numbers_of_tensorflow_serving():
    from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

    assert {state.name: state.value for state in State} == {
        name: number for name, number in ModelVersionStatus.State.items() if number
    }

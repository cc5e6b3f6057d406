"""One loaded version: right answers, deadlines that end the work, and errors that tell no path."""

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from seq2seq_keras import decode, export
from seq2seq_keras.errors import InputError
from seq2seq_keras.serve import servable
from seq2seq_keras.serve.config import BatchingParameters
from seq2seq_keras.serve.status import Code, ServingError
from tests.units.export.conftest import MAX_LENGTH, MAX_SOURCE, build
from tests.units.serve import toys

X = np.array([1.0, 2.0, 5.0], np.float32)


def strings(*values: bytes) -> np.ndarray:
    return np.array(values, object)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    loaded = servable.load("toy", 3, toys.toy(tmp_path_factory.mktemp("toy") / "3"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An export of ours, as written."""
    model, source, target = build("attention")
    limits = {"max_source": MAX_SOURCE, "max_length": MAX_LENGTH}
    folder = tmp_path_factory.mktemp("exported") / "name" / "1"
    return export.write(folder, model, source, target, search=decode.Beam(3, n_best=1), **limits, settings={"width": 8})


@pytest.fixture
def half(tmp_path):
    return toys.half_plus(tmp_path / "12")


def refused(load, *given, **named) -> str:
    """What an error says, which must not tell where the model lies."""
    with pytest.raises((InputError, ServingError)) as caught:
        load(*given, **named)
    message = str(caught.value)
    assert "/tmp" not in message and "tmp_path" not in message and "\n" not in message, message
    return message


def test_answers(toy):
    assert (toy.name, toy.version, toy.settings) == ("toy", 3, {})
    assert "serving_default" in toy.signatures and not any(name.startswith("__") for name in toy.signatures)
    assert toy.run("serving_default", {"x": X})["y"].tolist() == [2.5, 3.0, 4.5]
    texts = toy.run("text", {"text": strings(b"the cat", "größe".encode())})["text"].tolist()
    assert [text.decode() for text in texts] == ["THE CAT", "GRÖSSE"]
    assert toy.run("raw", {"text": strings(b"\xff\0")})["text_bytes"].tolist() == [b"\xff\0"]
    assert toy.run("flag", {"flag": np.array([True])})["flag"].tolist() == [False]
    total = toy.run("whole", {"x": X})["total"]
    assert isinstance(total, np.ndarray) and total.shape == () and total == 8


def test_only_the_outputs_asked_for_come(toy):
    inputs = {"a": np.ones((2, 2), np.float32), "b": np.array([1.0, 2.0], np.float32)}
    assert toy.run("pair", inputs).keys() == {"total", "product"}
    assert toy.run("pair", inputs, []).keys() == {"total", "product"}
    assert list(toy.run("pair", inputs, ["product", "total"])) == ["product", "total"]
    assert {name: value.tolist() for name, value in toy.run("pair", inputs, ["total"]).items()} == {"total": [3.0, 4.0]}


def test_clients_cannot_fill_the_memory_with_selections(toy, monkeypatch):
    monkeypatch.setattr(servable, "_MOST_CALLS", 0)
    before = dict(toy._calls)
    assert list(toy.run("uneven", {"x": X}, ["twice"])) == ["twice"]
    assert toy._calls == before


def test_what_cannot_be_asked(toy):
    for signature, inputs, outputs, code, message in [
        ("nope", {"x": X}, None, Code.FAILED_PRECONDITION, 'Serving signature key "nope" not found.'),
        ("whole", {"x": X}, ["y"], Code.INVALID_ARGUMENT, "output tensor alias not found in signature: y"),
        ("pair", {"a": X}, None, Code.INVALID_ARGUMENT, "Sent extra: {}. Missing but required: {b}."),
        ("whole", {"z": X}, None, Code.INVALID_ARGUMENT, "Sent extra: {z}. Missing but required: {x}."),
        ("whole", {"x": X[None]}, None, Code.INVALID_ARGUMENT, "Cannot feed value of shape (1, 3)"),
        ("whole", {"x": strings(b"a")}, None, Code.INVALID_ARGUMENT, "could not convert"),
        ("picky", {"x": -X}, None, Code.INVALID_ARGUMENT, "a negative x"),
    ]:
        with pytest.raises(ServingError) as caught:
            toy.run(signature, inputs, outputs)
        assert caught.value.code == code and message in caught.value.message
        assert "\n" not in caught.value.message and "{{" not in caught.value.message
    assert toy.run("picky", {"x": X})["y"].tolist() == X.tolist()


def test_a_deadline_ends_the_computation(toy):
    toy.run("slow", {"x": np.zeros(1, np.float32)})  # planned
    for deadline in (0.3, 0.05):
        start = time.monotonic()
        with pytest.raises(ServingError) as caught:
            toy.run("slow", {"x": np.array([60.0], np.float32)}, timeout=deadline)
        assert caught.value.code == Code.DEADLINE_EXCEEDED
        assert deadline <= time.monotonic() - start < 1.2 * deadline + 0.2
        start = time.monotonic()
        assert toy.run("whole", {"x": X}, timeout=5)["total"] == 8
        assert time.monotonic() - start < 0.5


def test_a_deadline_that_is_over_or_far(toy):
    for timeout in (0, -1.0):
        with pytest.raises(ServingError) as caught:
            toy.run("whole", {"x": X}, timeout=timeout)
        assert caught.value.code == Code.DEADLINE_EXCEEDED
    for timeout in (None, float("inf"), 1e9):
        assert toy.run("whole", {"x": X}, timeout=timeout)["total"] == 8


def test_many_threads_at_once(toy):
    def ask(number):
        x = np.array([number], np.float32)
        subset = ["twice"] if number % 2 else ["x"]
        found = toy.run("uneven", {"x": x}, subset, timeout=30)
        assert set(found.popitem()[1].tolist()) == {number}
        return toy.run("serving_default", {"x": x})["y"].item()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(200))) == [number / 2 + 2 for number in range(200)]


def test_one_that_is_slow_holds_nobody_up(toy):
    done = threading.Event()

    def work():
        with pytest.raises(ServingError):
            toy.run("slow", {"x": np.array([60.0], np.float32)}, timeout=1.0)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert toy.run("whole", {"x": X})["total"] == 8
    assert not done.is_set()
    thread.join()


def test_two_versions_keep_apart(tmp_path):
    two = servable.load("half", 1, toys.half_plus(tmp_path / "1", 2.0))
    three = servable.load("half", 2, toys.half_plus(tmp_path / "2", 3.0), threads=1)
    assert two.run("serving_default", {"x": X})["y"].tolist() == [2.5, 3.0, 4.5]
    two.close()
    assert three.run("serving_default", {"x": X})["y"].tolist() == [3.5, 4.0, 5.5]
    with pytest.raises(ServingError) as caught:
        two.run("serving_default", {"x": X})
    assert caught.value.code == Code.UNAVAILABLE
    two.close()
    three.close()


def test_an_export_of_ours_answers_as_it_does_in_process(exported):
    texts = ["abc", "", "q", "sos"]
    given = strings(*(text.encode() for text in texts))
    expected = export.load(exported).scored(texts)
    loaded = servable.load("name", 1, exported)
    found = loaded.run("serving_default", {"text": given})
    assert [text.decode() for text in found["text"]] == [text for text, _ in expected]
    np.testing.assert_allclose(found["score"], [score for _, score in expected], rtol=1e-5)
    assert loaded.settings["settings"] == {"width": 8} and loaded.settings["max_length"] == MAX_LENGTH
    loaded.close()


def test_a_file_that_the_manifest_does_not_know_is_refused(exported, tmp_path):
    copy = shutil.copytree(exported, tmp_path / "5")
    index = copy / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:-1] + b"?")
    message = refused(servable.load, "name", 5, copy)
    assert message.startswith("5/variables/variables.index: its content is not what was written")
    (copy / "manifest.json").write_text("{")
    assert refused(servable.load, "name", 5, copy).startswith("5/manifest.json: it is damaged")


@pytest.mark.parametrize(("made", "by_session"), [(toys.half_plus, False), (toys.flat, True)])
def test_the_session_optimises_what_was_saved_without_objects(made, by_session, tmp_path, monkeypatch):
    folder, configs, session = made(tmp_path / "1"), [], tf.compat.v1.Session
    monkeypatch.setattr(
        tf.compat.v1, "Session", lambda graph, config: configs.append(config) or session(graph=graph, config=config)
    )
    loaded = servable.load("m", 1, folder)
    assert loaded.run("serving_default", {"x": X[:1]})["y"] == (3.0 if by_session else 2.5)
    loaded.close()
    (config,) = configs
    assert config.graph_options.rewrite_options.disable_meta_optimizer is not by_session


@pytest.mark.parametrize("op", ["WriteFile", "PyFunc"])
def test_a_hostile_model_is_not_loaded(tmp_path, op, monkeypatch):
    folder = toys.hostile(tmp_path / "12", op)
    with monkeypatch.context() as patch:
        patch.setattr(tf.compat.v1.saved_model, "load", None)
        assert refused(servable.load, "m", 12, folder).startswith(f"12/saved_model.pb: its graph holds {op}, which")
    servable.load("m", 12, folder, allowed=frozenset({op})).close()


def test_damaged_models_are_refused(half):
    model, weights = half / "saved_model.pb", half / "variables" / "variables.data-00000-of-00001"
    whole = model.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\0" * 100):
        model.write_bytes(damaged)
        assert refused(servable.load, "half", 12, half).startswith("12/saved_model.pb: ")
    model.write_bytes(whole)
    values = weights.read_bytes()
    for damaged in (values[: len(values) // 2], b"", bytes(255 - value for value in values)):
        weights.write_bytes(damaged)
        assert "12: " in refused(servable.load, "half", 12, half)
    weights.unlink()
    assert "12: " in refused(servable.load, "half", 12, half)
    shutil.rmtree(half / "variables")
    assert "12: " in refused(servable.load, "half", 12, half)
    assert "there is no such folder" in refused(servable.load, "half", 13, half.with_name("13"))


def test_a_graph_that_does_not_hold_together_is_refused(half):
    content = (half / "saved_model.pb").read_bytes()
    for old, new in [
        (b"serve", b"swerv"),
        (b"AddV2", b"MulNo"),
        (b"StatefulPartitionedCall:0", b"StatefulPartitionedCall:9"),
    ]:
        assert old in content
        (half / "saved_model.pb").write_bytes(content.replace(old, new))
        assert refused(servable.load, "half", 12, half).startswith("12")


def test_a_relative_folder_is_named_no_more_than_it_must(half, monkeypatch):
    monkeypatch.chdir(half.parent.parent)
    (half / "saved_model.pb").write_bytes(b"")
    relative = half.relative_to(half.parent.parent)
    assert str(relative.parent) not in refused(servable.load, "half", 12, relative)


def test_settings_of_a_foreign_model(half):
    settings = half / "assets.extra" / "settings.json"
    settings.parent.mkdir()
    for content, expected in [("{", {}), ("[]", {}), (json.dumps({"max_length": 5}), {"max_length": 5})]:
        settings.write_text(content)
        loaded = servable.load("half", 12, half)
        assert loaded.settings == expected
        loaded.close()


def test_batching_of_its_own_is_read_where_it_is_asked_for(exported, half, tmp_path):
    copy = shutil.copytree(exported, tmp_path / "5")
    file = copy / "batching_params.pbtxt"
    file.write_text("max_batch_size { value: 3 }\n")  # its manifest does not know it, and need not
    for asked, expected in ((False, None), (True, BatchingParameters(max_batch_size=3))):
        loaded = servable.load("name", 5, copy, per_model_batching=asked)
        loaded.close()
        assert loaded.batching == expected
    loaded = servable.load("half", 12, half, per_model_batching=True)
    loaded.close()
    assert loaded.batching is None
    file.write_text("\nmax_batch_size { value: 0 }\n")
    told = refused(servable.load, "name", 5, copy, per_model_batching=True)
    assert told == "5/batching_params.pbtxt:2: max_batch_size is 0; expected 1 or more."


def test_an_export_of_ours_without_its_manifest_is_unfinished(half):
    settings = half / "assets.extra" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"search": {"kind": "Greedy"}, "max_length": 5}))
    assert "manifest.json" in refused(servable.load, "half", 12, half)


def test_a_table_from_a_file_of_the_model_is_filled(tmp_path):
    (tmp_path / "words.txt").write_text("cat\nmat\n")
    module = tf.Module()
    line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    words = tf.lookup.TextFileInitializer(str(tmp_path / "words.txt"), tf.string, line, tf.int64, number)
    module.table = tf.lookup.StaticHashTable(words, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")], autograph=False)
    def look_up(text):
        return {"id": module.table.lookup(text)}

    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"serving_default": look_up})
    (tmp_path / "words.txt").unlink()
    loaded = servable.load("table", 1, shutil.move(tmp_path / "1", tmp_path / "moved"))
    assert loaded.run("serving_default", {"text": strings(b"mat", b"hat")})["id"].tolist() == [1, -1]
    loaded.close()


def test_a_signature_of_sparse_tensors_is_told(half):
    model = saved_model_pb2.SavedModel.FromString((half / "saved_model.pb").read_bytes())
    info = model.meta_graphs[0].signature_def["serving_default"].inputs["x"]
    info.coo_sparse.values_tensor_name = info.name
    (half / "saved_model.pb").write_bytes(model.SerializeToString())
    loaded = servable.load("half", 12, half)
    with pytest.raises(ServingError) as caught:
        loaded.run("serving_default", {"x": X})
    assert caught.value.code == Code.UNIMPLEMENTED
    loaded.close()

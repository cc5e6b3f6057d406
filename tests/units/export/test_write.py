"""The folder: complete or absent, and it says so when it is damaged."""

import json
import shutil

import keras
import pytest
import tensorflow as tf

from seq2seq_keras import decode, export, models, tasks, tokens
from seq2seq_keras.decode import parts
from seq2seq_keras.errors import InputError
from seq2seq_keras.export import signatures
from seq2seq_keras.export.card import render
from tests.units.export.conftest import MAX_LENGTH, TEXTS, build, characters

LIMITS = {"search": decode.Greedy(), "max_source": 5, "max_length": 4}


@pytest.fixture
def copy(live, tmp_path):
    """An export to damage."""
    return shutil.copytree(live.folder, tmp_path / "copy")


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fresh_process_without_keras_gives_the_same(live):
    expected = live.said(TEXTS, live.search)
    assert export.check(live.folder, TEXTS, expected) == expected


@pytest.mark.parametrize(
    "kind", ["sentencepiece", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("wordpiece", "words", "bytes"))]
)
def test_every_vocabulary_works_in_a_fresh_process(kind, tmp_path):
    texts = ["the cat sat on the mat", "a dog ran", "the dog sat", ""]
    vocabulary = tokens.learn(kind, texts * 4, **({"size": 300} if kind.endswith("piece") else {}))
    model = models.transformer(vocabulary.size, width=8, depth=1, heads=2)
    keras.utils.set_random_seed(3)
    for weight in model.weights:
        weight.assign(keras.random.normal(weight.shape))
    task = tasks.TextToText(model, vocabulary, search=decode.Greedy(), max_length=6)
    assert any(task.generate(texts))
    task.export(tmp_path / "1", check=texts)


def test_a_difference_in_the_fresh_process_is_told(live, monkeypatch):
    class Done:
        returncode, stderr = 0, ""

    def answer(command, **_):
        with open(command[-1], "w", encoding="utf-8") as file:
            json.dump({"text": ["x"]}, file)
        return Done()

    monkeypatch.setattr("subprocess.run", answer)
    assert export.check(live.folder, ["a"]) == ["x"]
    with pytest.raises(RuntimeError, match="'a' gives 'x' in a fresh process, 'y' here"):
        export.check(live.folder, ["a"], ["y"])


def test_what_lies_beside_the_model(live):
    extra = live.folder / "assets.extra"
    assert tokens.load(extra / "source").fingerprint == live.source.fingerprint
    assert (extra / "target").exists() == (live.target is not live.source)
    if live.target is not live.source:
        assert tokens.load(extra / "target").fingerprint == live.target.fingerprint
    settings = json.loads((extra / "settings.json").read_text(encoding="utf-8"))
    assert settings["settings"] == {"width": 8} and settings["max_length"] == MAX_LENGTH
    assert settings["search"] == parts.described(live.search)
    assert parts.search(settings["search"]) == live.search and settings["replace_unknown"] is False
    card = (extra / "card.md").read_text(encoding="utf-8")
    assert f"{live.model.count_params():,}" in card and all(name in card for name in signatures.ENDPOINTS)
    assert [path.name for path in live.folder.parent.iterdir()] == ["1"]


def test_weights_and_nothing_else_go_along(live):
    """The model was compiled: no slot of an optimizer, no metric."""
    names = [name for name, _ in tf.train.list_variables(str(live.folder / "variables" / "variables"))]
    values = [name for name in names if "VARIABLE_VALUE" in name]
    assert len(values) == len(live.model.weights)


def test_an_intact_folder_passes(copy):
    export.verify(copy)
    (copy / "assets.extra" / "further").write_bytes(b"may come later")
    export.verify(copy)


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index", "assets.extra/card.md"])
def test_a_damaged_file_is_named(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    for refuse in (export.verify, export.load, lambda folder: export.check(folder, ["a"])):
        with pytest.raises(InputError, match=f"{name}: its content is not what was written"):
            refuse(copy)


def test_missing_new_and_foreign_files_are_named(copy):
    (copy / "saved_model.cpb").write_bytes(b"another model")
    with pytest.raises(InputError, match="saved_model.cpb: the file is not in manifest.json"):
        export.verify(copy)
    (copy / "saved_model.cpb").unlink()
    (copy / "fingerprint.pb").unlink()
    with pytest.raises(InputError, match="fingerprint.pb: the file is missing"):
        export.verify(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "damaged"),
        (b"[]", "damaged"),
        (b'{"format": 1}', "damaged"),
        (b'{"format": 2, "files": {}}', "another version"),
        (b'{"format": 1, "files": {"../x": "0"}}', "leads out"),
    ],
)
def test_a_manifest_that_is_none(tmp_path, content, message):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=f"manifest.json: .*{message}"):
        export.verify(tmp_path)


def test_loading_what_is_no_export(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        export.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="there is no SavedModel"):
        export.load(tmp_path)
    tf.saved_model.save(tf.Module(), str(tmp_path / "foreign"))
    with pytest.raises(InputError, match="there is no manifest.json"):
        export.load(tmp_path / "foreign")


@pytest.mark.parametrize("empty", [True, False])
def test_an_existing_folder_is_refused_untouched(tmp_path, empty):
    model, source, target = build("lstm")
    folder = tmp_path / "1"
    folder.mkdir()
    if not empty:
        (folder / "mine.txt").write_text("mine")
    before = files(tmp_path)
    with pytest.raises(InputError, match="there is something already"):
        export.write(folder, model, source, target, **LIMITS)
    assert files(tmp_path) == before and [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_parent_that_cannot_be_written(tmp_path):
    model, source, target = build("lstm")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="cannot be written"):
        export.write(tmp_path / "file" / "1", model, source, target, **LIMITS)


def test_a_search_that_holds_tensors_is_refused(tmp_path):
    model, source, target = build("lstm")
    search = decode.Sample(temperature=tf.constant(0.5))
    with pytest.raises(ValueError, match="temperature of Sample"):
        export.write(tmp_path / "1", model, source, target, **LIMITS | {"search": search})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_an_export_that_breaks_off_leaves_nothing(tmp_path, monkeypatch, error):
    def save(module, folder, signatures):
        with open(f"{folder}/saved_model.pb", "w", encoding="utf-8") as file:
            file.write("half")
        raise error

    monkeypatch.setattr(tf.saved_model, "save", save)
    monkeypatch.setattr(signatures, "of_ids", lambda *_: {})
    monkeypatch.setattr(signatures, "of_texts", lambda *_: {})
    model, source, target = build("lstm")
    with pytest.raises((InputError, KeyboardInterrupt)):
        export.write(tmp_path / "1", model, source, target, **LIMITS)
    assert list(tmp_path.iterdir()) == []


def test_the_vocabulary_of_another_model_is_refused(tmp_path):
    model, source, _ = build("lstm")
    with pytest.raises(InputError, match="the source vocabulary has 17 entries and the model's table 23"):
        export.write(tmp_path / "1", model, characters(17), **LIMITS)
    with pytest.raises(InputError, match="the target vocabulary has 17 entries"):
        export.write(tmp_path / "1", model, source, characters(17), **LIMITS)


def test_no_trace_holds_the_kernel_of_one_kind_of_machine():
    model, *_ = build("attention")
    layers = [layer for layer in model._flatten_layers() if hasattr(layer, "use_cudnn")]
    assert len(layers) >= 2
    before = [layer.use_cudnn for layer in layers]
    with pytest.raises(ZeroDivisionError), signatures.portable(model):
        assert not any(layer.use_cudnn for layer in layers)
        _ = 1 / 0
    assert [layer.use_cudnn for layer in layers] == before


def test_the_card_says_what_it_was_told():
    card = export.Card("Spelling", "lstm", {"pairs": 1200}, {"WER | dev": 0.25}, "2026-01-02", "For tests.")
    text = render(card, {"parameters": 1234})
    for part in ("# Spelling", "| pairs | 1,200 |", r"| WER \| dev | 0.25 |", "2026-01-02", "1,234", "For tests."):
        assert part in text
    assert "Not stated." in render(export.Card(), {})
    with pytest.raises(InputError, match="a model card has no licence"):
        export.Card.of({"licence": "MIT"})

"""A tokenizer's folder: comes back the same, is refused when it is not what was written, is never left half."""

import json

import pytest

from seq2seq_keras import folders, tokens
from seq2seq_keras.errors import InputError
from seq2seq_keras.tokens import store

TEXTS = ["the cat sat", "a cat sat on the mat", "käse"] * 3
WORDS = tokens.Words.learn(TEXTS)
OTHER = tokens.Words.learn(["other words"])


@pytest.fixture
def folder(tmp_path):
    """A saved vocabulary."""
    tokens.save(WORDS, tmp_path / "saved")
    return tmp_path / "saved"


def content(folder) -> dict:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def head(folder, **changes) -> None:
    """Writes other things into the head."""
    path = folder / store.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("kind", tokens.KINDS)
def test_every_kind_comes_back_the_same(kind, tmp_path):
    options = {"size": 300} if kind in ("sentencepiece", "wordpiece") else {}
    saved = tokens.learn(kind, TEXTS, normalize="nfc", **options)
    saved.save(tmp_path / "deep" / "down")
    loaded = tokens.load(tmp_path / "deep" / "down", saved.fingerprint)
    assert type(loaded) is type(saved)
    assert loaded.pieces == saved.pieces
    assert loaded.settings() == saved.settings() == {"normalize": "nfc"}
    assert loaded.fingerprint == saved.fingerprint
    assert loaded.encode(TEXTS).to_list() == saved.encode(TEXTS).to_list()


def test_saving_twice_writes_the_same_bytes(folder, tmp_path):
    tokens.save(tokens.Words.learn(TEXTS), tmp_path / "again")
    assert content(tmp_path / "again") == content(folder)


def test_a_saved_vocabulary_is_replaced_whole(folder):
    (folder / "left.over").write_text("x")
    tokens.save(OTHER, folder)
    assert tokens.load(folder).fingerprint == OTHER.fingerprint
    assert sorted(path.name for path in folder.iterdir()) == [store.NAME, "words.json"]
    assert [path.name for path in folder.parent.iterdir()] == ["saved"]


def test_an_empty_folder_and_the_current_one_are_written_into(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    tokens.save(WORDS, ".")
    assert tokens.load(tmp_path / "here").pieces == WORDS.pieces


def test_a_link_stays_a_link_to_the_new_vocabulary(folder, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    tokens.save(OTHER, link)
    assert link.is_symlink()
    assert tokens.load(folder).pieces == OTHER.pieces
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "saved"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(InputError, match="thesis: there is something already"):
        tokens.save(WORDS, tmp_path / "thesis")
    assert content(tmp_path) == {"thesis/chapter.txt": b"years of work"}


def test_a_file_is_not_replaced(tmp_path):
    (tmp_path / "notes").write_text("x")
    for place in (tmp_path / "notes", tmp_path / "notes" / "below"):
        with pytest.raises(InputError, match="notes"):
            tokens.save(WORDS, place)
    assert content(tmp_path) == {"notes": b"x"}


@pytest.mark.parametrize("at", ["fsync", "rename"])
def test_what_was_there_stays_when_writing_fails(folder, monkeypatch, at):
    before = content(folder.parent)
    calls = []

    def fail(*args):
        calls.append(args)
        if at == "fsync" or len(calls) == 2:
            raise OSError(28, "No space left on device")
        return rename(*args)

    rename = folders.Path.rename
    if at == "fsync":
        monkeypatch.setattr(folders.os, "fsync", fail)
    else:
        monkeypatch.setattr(folders.Path, "rename", fail)
    with pytest.raises(InputError, match="saved: the vocabulary cannot be written .No space left on device"):
        tokens.save(OTHER, folder)
    monkeypatch.undo()
    assert calls
    assert content(folder.parent) == before
    assert tokens.load(folder).pieces == WORDS.pieces


def test_what_is_not_there_or_not_ours_is_refused(tmp_path):
    with pytest.raises(InputError, match="missing: there is no such folder; expected a folder written by"):
        tokens.load(tmp_path / "missing")
    with pytest.raises(InputError, match="there is no tokenizer.json in it"):
        tokens.load(tmp_path)


@pytest.mark.parametrize("name", [store.NAME, "words.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "folder"])
def test_a_damaged_file_is_refused_by_name(folder, name, damage):
    path = folder / name
    data = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes({"cut": data[:-9], "changed": data.replace(b"a", b"o"), "empty": b""}[damage])
    before = content(folder)
    with pytest.raises(InputError, match=name):
        tokens.load(folder)
    assert content(folder) == before


def test_a_missing_vocabulary_file_is_refused_by_name(folder):
    (folder / "words.json").unlink()
    with pytest.raises(InputError, match=r"words\.json: it cannot be read .*Copy the folder again"):
        tokens.load(folder)


@pytest.mark.parametrize(
    "text", ["[]", "null", "1", "{}", '{"format": 1}', '{"format": 1, "files": 3}', "\ufeff{}", '"', "\0", "[" * 5000]
)
def test_a_head_that_is_none_is_refused(folder, text):
    (folder / store.NAME).write_text(text)
    with pytest.raises(InputError, match=r"tokenizer\.json: it is damaged\. Copy the folder again"):
        tokens.load(folder)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"format": 2}, "format 2 of another version; expected 1"),
        ({"kind": "morse"}, "unknown kind of vocabulary 'morse'; expected one of"),
        ({"kind": ["words"]}, "it is damaged"),
        ({"kind": "characters"}, "no vocabulary of kind characters"),
        ({"settings": {"normalize": "nfc"}}, "settings and vocabulary do not belong together"),
        ({"settings": {"normalize": 3}}, "no vocabulary of kind words"),
        ({"settings": {"speed": 3}}, "no vocabulary of kind words"),
        ({"settings": []}, "it is damaged"),
        ({"fingerprint": "0"}, "settings and vocabulary do not belong together"),
        ({"files": {}}, "no vocabulary of kind words"),
        ({"files": {"words.json": "0"}}, r"words\.json: its content is not what was written"),
        ({"files": {"../secret": "0"}}, "leads out of the folder"),
        ({"files": {"..": "0"}}, "cannot be read"),
        ({"files": {"a\0b": "0"}}, "leads out of the folder"),
    ],
)
def test_a_head_that_was_tampered_with_is_refused(folder, changes, message):
    head(folder, **changes)
    with pytest.raises(InputError, match=message):
        tokens.load(folder)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[]",
        b"3",
        b"not json",
        b"\xff",
        b'["a", "b", "c", "d"]',
        b'["<pad>", "<unk>", "<bos>", "<eos>", 3]',
        b'["<pad>", "<unk>", "<bos>", "<eos>", "\\ud800"]',
        b'["<pad>", "<unk>", "<bos>", "<eos>", []]',
        b'["<pad>", "<unk>", "<bos>", "<eos>", "\\u0000", 5]',
        b'["<pad>", "<unk>", "<bos>", "<eos>", "a", "a"]',
    ],
)
@pytest.mark.parametrize("kind", ["words", "characters", "wordpiece", "sentencepiece"])
def test_a_vocabulary_that_is_none_is_refused_though_its_sum_is_right(tmp_path, kind, data):
    store.write(tmp_path / "x", kind, {"normalize": None}, "0", {tokens.KINDS[kind].file: data})
    with pytest.raises(InputError, match=f"no vocabulary of kind {kind}"):
        tokens.load(tmp_path / "x")


def test_the_vocabulary_of_another_model_is_refused(folder):
    assert tokens.load(folder, WORDS.fingerprint).pieces == WORDS.pieces
    with pytest.raises(InputError, match=r"another model \(\d+ pieces, kind words\)\. Use the vocabulary saved"):
        tokens.load(folder, OTHER.fingerprint)

"""A corpus on disk becomes shards: what is kept, what is told, the same bytes however it is done; and training."""

import gzip
import json

import pytest

from pipelines.__main__ import main
from pipelines.prepare import jobs, vocabulary, worker
from pipelines.settings import Files, Prepare
from seq2seq_keras import data, tokens
from seq2seq_keras.data import partitions

LINES = 400


def raw(folder):
    """Letters to the same letters backwards, with all that may be wrong with a row."""
    pairs = data.reverse_pairs(LINES, 7, lengths=(3, 9))
    sources, targets = list(pairs.source), list(pairs.target)
    sources[3], targets[3] = sources[0], targets[0]
    sources[9], targets[9] = f"  {sources[0]}\u200b", targets[0].replace(" ", "\u2028")
    sources[5], targets[6] = "", "\ufeff"
    sources[20], targets[20] = "a b", "a " * 12
    sources[21] = "я ю"
    sources[22], targets[22] = "a " * 35, "a " * 35
    (folder / "raw.source").write_text("\n".join(sources) + "\n")
    (folder / "raw.target").write_text("\n".join(targets) + "\n")
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return raw(tmp_path_factory.mktemp("raw"))


def command(texts, output, *more) -> list[str]:
    files = [f"--train.{side}={texts / f'raw.{side}'}" for side in ("source", "target")]
    chosen = "--tokens.kind words --max-ratio 3 --source-script Latin --max-source 30 --train.max-reject-fraction 0.02"
    return ["prepare", *files, *chosen.split(), "--jobs=1", f"--output={output}", *map(str, more)]


@pytest.fixture(scope="module")
def prepared(texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "corpus"
    assert main(command(texts, folder, "--shards=3")) == 0
    return folder


def content(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("sample", [1, 40, 10**6])
def test_the_vocabulary_is_learned_from_whole_pairs_until_the_characters_are_there(texts, tmp_path, sample):
    files = Files(texts / "raw.source", texts / "raw.target")
    job = jobs.plan(Prepare(tmp_path / "corpus", files, sample=sample, shards=3))
    worker.fresh(job)
    for span in job.spans.spans:
        list(worker.clean_and_keep(job, span))
    every = [pair for shard in range(3) for pair in data.Partition(job.rows, shard).pairs()]
    found = vocabulary.sample(job)
    characters = [sum(map(len, pair)) for pair in every]
    wanted = 1 + next((at for at in range(len(every)) if sum(characters[: at + 1]) >= sample), len(every) - 1)
    assert list(zip(found.source, found.target)) == [tuple(side.decode() for side in pair) for pair in every[:wanted]]


def said(folder) -> list[tuple[str, str]]:
    """All pairs as texts, in the order of the shards."""
    shards = data.Shards(folder)
    words = tokens.load(folder / "source")
    sides = [[getattr(shards.examples(number), side) for number in range(3)] for side in ("source", "target")]
    texts = [
        [words.decode(part[row][None])[0].numpy().decode() for part in side for row in range(len(part))]
        for side in sides
    ]
    return list(zip(*texts))


def usable(texts) -> list[tuple[str, str]]:
    """The pairs that should be kept, by reading the files plainly."""
    sides = [(texts / f"raw.{side}").read_text(encoding="utf-8").split("\n")[:LINES] for side in ("source", "target")]
    clean = [
        (" ".join(s.replace("\u200b", "").split()), " ".join(t.replace("\ufeff", "").split())) for s, t in zip(*sides)
    ]
    good = [row for row in range(LINES) if row not in (5, 6, 20, 21, 22)]
    return list(dict.fromkeys(clean[row] for row in good))


def test_every_usable_pair_is_there_once_and_shuffled(prepared, texts):
    found, wanted = said(prepared), usable(texts)
    assert sorted(found) == sorted(wanted)
    assert found != wanted and len(set(found)) == len(found)


def test_the_manifest_tells_what_was_left_out_and_why(prepared, texts):
    manifest = json.loads((prepared / "manifest.json").read_text())
    assert manifest["rejected"] == {"empty side": {"count": 2, "lines": [6, 7]}}
    filtered = {reason: part["lines"] for reason, part in manifest["filtered"].items() if reason != "duplicate"}
    assert filtered == {"ratio": [21], "source script": [22], "source over 30 ids": [23]}
    duplicates = manifest["filtered"]["duplicate"]
    assert {4, 10} <= set(duplicates["lines"])
    assert manifest["pairs"] + duplicates["count"] + 5 == LINES == manifest["corpus"]["lines"]
    assert manifest["pairs"] == len(usable(texts)) == sum(shard["pairs"] for shard in manifest["shards"])
    assert set(content(prepared)) == {"manifest.json", *data.Shards(prepared).files}
    assert not list(prepared.parent.glob(".*"))


@pytest.mark.parametrize("lines", [1, 7, 150])
def test_no_byte_depends_on_how_the_lines_were_divided(prepared, texts, tmp_path, monkeypatch, lines):
    monkeypatch.setattr(jobs, "LINES_OF_A_SPAN", lines)
    assert main(command(texts, tmp_path / "again", "--shards=3")) == 0
    assert content(tmp_path / "again") == content(prepared)


def test_a_compressed_corpus_is_held_no_more_of_at_a_time(prepared, texts, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "LINES_OF_A_SPAN", 50)
    for side in ("source", "target"):
        (tmp_path / f"raw.{side}.gz").write_bytes(gzip.compress((texts / f"raw.{side}").read_bytes()))
    held, write = [], partitions.write
    monkeypatch.setattr(partitions, "write", lambda *given: held.append(len(given[-1])) or write(*given))
    words = [word.replace(str(texts), str(tmp_path)) for word in command(texts, tmp_path / "again", "--shards=3")]
    assert main([f"{word}.gz" if word.startswith("--train.") and "raw" in word else word for word in words]) == 0
    assert sum(held) > 300 and max(held) <= 50
    ours, theirs = content(tmp_path / "again"), content(prepared)
    assert {**ours, "manifest.json": b""} == {**theirs, "manifest.json": b""}
    facts = [json.loads(part["manifest.json"]) for part in (ours, theirs)]
    assert facts[0]["filtered"] == facts[1]["filtered"] and facts[0]["rejected"] == facts[1]["rejected"]


@pytest.mark.slow
def test_no_byte_depends_on_how_many_processes_there_are(prepared, texts, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "LINES_OF_A_SPAN", 50)
    assert main(command(texts, tmp_path / "again", "--shards=3", "--jobs=3")) == 0
    assert content(tmp_path / "again") == content(prepared)


def test_the_order_of_all_pairs_does_not_depend_on_the_number_of_shards(prepared, texts, tmp_path):
    assert main(command(texts, tmp_path / "one", "--shards=1", f"--vocabulary={prepared}")) != 0  # --tokens is given
    arguments = [
        word for word in command(texts, tmp_path / "one", "--shards=1") if word not in ("--tokens.kind", "words")
    ]
    assert main([*arguments, f"--vocabulary={prepared}"]) == 0
    whole, parts = data.Shards(tmp_path / "one"), data.Shards(prepared)
    values = [part.source.values.tolist() for part in map(parts.examples, range(3))]
    assert whole.examples(0).source.values.tolist() == sum(values, [])


def test_the_same_command_again_checks_and_changes_nothing(prepared, texts, capfd):
    before = {path: path.stat().st_mtime_ns for path in prepared.rglob("*")}
    assert main(command(texts, prepared, "--shards=3")) == 0
    assert "every file is as it was written" in capfd.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in prepared.rglob("*")} == before


def test_duplicates_may_be_kept(texts, tmp_path):
    assert main(command(texts, tmp_path / "all", "--duplicates", f"--json={tmp_path / 'told.json'}")) == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["pairs"] == LINES - 5 and "duplicate" not in told["filtered"]


def training(shards, run) -> list[str]:
    """The command that trains a very small model on shards."""
    sizes = "--model lstm --depth 1 --width 8 --batch-tokens 256 --epochs 1 --beam 1 --max-length 12 --decode-rows 0"
    return ["translate", f"--train.shards={shards}", *sizes.split(), f"--output={run}"]


def test_training_reads_the_shards(prepared, corpus, tmp_path):
    run = tmp_path / "run"
    files = [f"--valid.{side}={corpus / f'valid.{side}'}" for side in ("source", "target")]
    assert main([*training(prepared, run), *files]) == 0
    told = json.loads((run / "data.json").read_text())
    manifest = json.loads((prepared / "manifest.json").read_text())
    assert told["train"]["pairs"] == manifest["pairs"]
    assert told["fingerprints"]["train"] == data.Shards(prepared).fingerprint
    assert told["fingerprints"]["vocabulary"] == manifest["vocabulary"]["fingerprint"]
    [epoch] = json.loads((run / "history.json").read_text())
    assert epoch["loss"] > 0 and "val_perplexity" in epoch


def refused(capfd, arguments, code: int = 2) -> str:
    capfd.readouterr()
    assert main(list(map(str, arguments))) == code
    lines = capfd.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("error: ") and len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    "more, said",
    [
        (["--max-ratio=0.5"], "--max-ratio is 0.5; expected 1 or more"),
        (["--max-source=1"], "--max-source is 1; expected from 2"),
        (["--shards=0"], "--shards is 0; expected from 1"),
        (["--sample=0"], "--sample is 0; expected 1 or more"),
        (["--target-script", "Tengwar"], "'Tengwar' is no script; expected a name"),
        (["--beam", "runner=FlinkRunner"], "--beam without --runner beam"),
        (["--train.tsv=x.tsv"], "--train.tsv and aligned files were given"),
        (["--train.shards=x"], "--train.shards: shards are for translate"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_written(texts, tmp_path, capfd, more, said):
    assert said in refused(capfd, command(texts, tmp_path / "out", *more))
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_replaced(prepared, texts, tmp_path, capfd):
    before = content(prepared)
    assert "made with other settings" in refused(capfd, command(texts, prepared, "--shards=2"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    assert "holds files but no shards" in refused(capfd, command(texts, tmp_path / "mine"))
    assert content(prepared) == before


@pytest.mark.parametrize(
    "more, said",
    [
        (["--tokens.kind", "characters"], "--tokens and --train.shards were both given"),
        (["--max-source", "5"], "the longest source has"),
        (["--train.tsv", "x"], "--train.shards and other training pairs were given"),
        (["--valid.shards", "x"], "--valid.shards: shards are for translate to train on"),
        (["--batch-tokens", "4"], "--batch-tokens is 4 and the longest pair has"),
    ],
)
def test_training_refuses_what_does_not_go_with_shards(prepared, tmp_path, capfd, more, said):
    assert said in refused(capfd, ["translate", f"--train.shards={prepared}", f"--output={tmp_path / 'run'}", *more])


def test_too_few_or_no_pairs_are_told(texts, tmp_path, capfd):
    assert "no pair is left of 400" in refused(capfd, command(texts, tmp_path / "out", "--target-script", "Thai"))
    assert not (tmp_path / "out").exists()


def test_facts_of_a_shard_name_files_that_are_there(prepared):
    for shard in json.loads((prepared / "manifest.json").read_text())["shards"]:
        assert shard["files"].keys() == {f"{shard['name']}.tfrecord", f"{shard['name']}.lengths.npy"}
        assert all(worker.shards.file_hash(prepared / name) == digest for name, digest in shard["files"].items())

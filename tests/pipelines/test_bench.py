"""`bench train` at tiny sizes: the stopwatch counts what was trained on, and the report says what was measured."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines import __main__ as command_line
from pipelines.bench import corpora, fit, flops, peers, tables, train
from pipelines.settings import Bench, Files
from seq2seq_keras import data
from seq2seq_keras.context import PAD
from seq2seq_keras.errors import InputError

TINY = dict(width=8, depth=1, vocabulary=400, batch_tokens=256, pairs=40, seconds=0.01, warmup=0.0, turns=1)


def examples(count: int = 30) -> data.Examples:
    random = np.random.default_rng(0)
    sides = [[random.integers(4, 9, size) for size in random.integers(2, 7, count)] for _ in range(2)]
    return data.Examples(*(data.Ragged.from_rows(rows) for rows in sides))


class Spy(keras.Model):
    """Writes down what it is trained on."""

    def train_step(self, given):
        inputs, labels = given
        self.seen.append((inputs["source"].numpy(), labels.numpy()))
        return {"loss": tf.constant(0.0)}


def test_stopwatch_names_the_pairs_that_were_trained_on_after_the_warmup():
    pairs = examples()
    plan = data.plan(pairs, 32)
    watch = fit.Stopwatch(plan, warmup=1e9, seconds=0.0)
    model = Spy()
    model.seen = []
    model.compile(run_eagerly=True)
    model.fit(data.batch(pairs, 32), epochs=9, callbacks=[watch], shuffle=False, verbose=0)
    assert len(model.seen) == len(plan) + 1  # one epoch of warm-up, then at least one step
    source, labels = model.seen[-1]
    (rows,) = watch.batches
    assert source.shape[0] == len(rows)
    assert (labels != PAD).sum(axis=1).tolist() == (pairs.target.lengths[rows] + 1).tolist()
    assert watch.took > 0


def test_turn_counts_target_tokens_and_padding():
    pairs = examples()
    material = corpora.Material("pairs", pairs, 12)
    settings = Bench(width=8, depth=1, batch_tokens=10_000, seconds=0.0, warmup=0.0)  # one batch holds all pairs
    measured = fit.turn("transformer", "float32", settings, material)
    source, target = material.lengths
    assert measured.steps == 1
    assert measured.target == target.sum()
    real = source.sum() + target.sum()
    assert measured.padding == pytest.approx(1 - real / (len(pairs) * (source.max() + target.max())))


def test_made_up_pairs_have_the_lengths_of_multi30k():
    corpus = corpora.made_up(2_000)
    words = [len(text.split()) for text in corpus.source]
    assert np.mean(words) == pytest.approx(13, abs=0.5)
    assert corpora.made_up(50).target == corpora.made_up(50).target


@pytest.mark.slow
def test_command_writes_table_and_figures(tmp_path, capsys):
    options = [item for name, value in TINY.items() for item in (f"--{name.replace('_', '-')}", str(value))]
    places = [
        "--family",
        "lstm",
        "--precision",
        "float32",
        "mixed_bfloat16",
        "--output",
        str(tmp_path / "out"),
        "--json",
        str(tmp_path / "figures.json"),
    ]
    assert command_line.main(["bench", "train", *options, *places, "--peer", "opennmt-tf"]) == 0
    table = (tmp_path / "out" / tables.FILE).read_text()
    printed = capsys.readouterr().out
    assert table in printed
    assert "opennmt-tf skipped: no --peer-python was given" in printed
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures["summary"]) == ["lstm", "lstm mixed_bfloat16"]
    assert [row["precision"] for row in figures["turns"]] == ["float32", "mixed_bfloat16"]
    for row in figures["turns"]:
        assert row["target_tokens_per_second"] > 0 and row["peak_gflops"] > 0
        assert row["of_peak"] == pytest.approx(row["useful_gflops"] / row["peak_gflops"])
        assert 0 <= row["padding"] < 1
    assert "| lstm" in table
    assert str(tmp_path) not in table


def test_summary_compares_within_a_turn():
    def row(turn, name, speed):
        return {
            "turn": turn, "name": name, "target_tokens_per_second": speed, "padding": 0.0,
            "useful_gflops": 1.0, "peak_gflops": 2.0, "of_peak": 0.5,
        }  # fmt: skip

    names = ("transformer", "transformer mixed_bfloat16", "opennmt-tf")
    turns = [row(i, name, speed) for i, speeds in enumerate([(20, 30, 10), (3, 5, 1), (100, 160, 80)])
             for name, speed in zip(names, speeds)]  # fmt: skip
    found = train.summary(turns)
    assert found["transformer mixed_bfloat16"]["by_peer"] == [3.0, 2.0, 5.0]
    assert found["transformer"]["by_peer"] == [2.0, 1.25, 3.0]
    assert found["transformer"]["target_tokens_per_second"] == [20, 3, 100]
    assert "by_peer" not in found["opennmt-tf"]


def test_command_line_is_told_without_folders(tmp_path):
    settings = Bench(train=Files(source=tmp_path / "a.en", target=tmp_path / "a.de"), family=("lstm",), turns=5)
    expected = "python -m pipelines bench train --train.source a.en --train.target a.de --family lstm --turns 5"
    assert tables.command(settings) == expected
    assert command_line.parse(expected.split()[3:])[1].turns == 5


def test_peer_is_skipped_with_a_reason():
    with pytest.raises(peers.PeerError, match="no --peer-python"):
        peers.versions(Bench())


def fake_peer(folder, script: str):
    """An interpreter that does as the script says; its arguments are -I, the script and the task."""
    path = folder / "peer"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_peer_gets_the_same_ids_and_its_counts_are_read(tmp_path):
    pairs = examples(3)
    material = corpora.Material("pairs", pairs, 12)
    source, target = material.lengths
    counts = {"target": 2 * int(target.sum()), "source": 2 * int(source.sum()), "seconds": 4.0, "steps": 2}
    counts |= {"source_positions": counts["source"] * 2, "target_positions": counts["target"] * 2}
    (tmp_path / "counts").write_text(json.dumps(counts))
    script = f'cp source target vocabulary {tmp_path}; cp {tmp_path}/counts "$(dirname $3)/result.json"'
    measured = peers.turn(Bench(width=8, depth=1, peer_python=fake_peer(tmp_path, script)), material)
    assert (measured.seconds, measured.steps, measured.target) == (4.0, 2, counts["target"])
    assert measured.padding == pytest.approx(0.5)
    sizes = flops.Sizes("transformer", 12, 8, 1)
    assert measured.work == pytest.approx(2 * flops.training(sizes, source, target))
    for side in ("source", "target"):
        rows = getattr(pairs, side)
        lines = (tmp_path / side).read_text().splitlines()
        assert lines == [" ".join(map(str, rows[i])) for i in range(3)]
    vocabulary = (tmp_path / "vocabulary").read_text().split()
    assert vocabulary == ["<blank>", "<s>", "</s>", *map(str, range(4, 12))]


def test_peer_that_fails_says_its_last_line(tmp_path):
    peer = fake_peer(tmp_path, "echo first >&2; echo 'ModuleNotFoundError: opennmt' >&2; exit 1")
    with pytest.raises(peers.PeerError, match="^ModuleNotFoundError: opennmt$"):
        peers.versions(Bench(peer_python=peer))
    with pytest.raises(peers.PeerError, match="cannot be run"):
        peers.versions(Bench(peer_python=tmp_path / "nothing"))


def test_peer_that_hangs_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "_GRACE", 0.2)
    with pytest.raises(peers.PeerError, match="killed"):
        peers.versions(Bench(peer_python=fake_peer(tmp_path, "exec sleep 60")))


@pytest.mark.parametrize(
    ("wrong", "named"), [({"turns": 0}, "--turns"), ({"width": 6}, "--width"), ({"batch_tokens": 0}, "--batch-tokens")]
)
def test_senseless_settings_are_refused(wrong, named):
    with pytest.raises(InputError, match=named):
        train.run(Bench(**wrong))

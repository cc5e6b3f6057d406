"""Shards on disk train as pairs in memory do: every pair once an epoch, in an order that can be resumed."""

import hashlib
import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_keras.context import EOS
from seq2seq_keras.data import Examples, Ragged, Shards, batch, plan, write_shard
from seq2seq_keras.errors import InputError
from tests.units.data.test_batch import Recorder, flat, make

BUDGET = 24
NONE = Examples(Ragged.from_rows([]), Ragged.from_rows([]))


def prepared(folder, parts: list[Examples]):
    """A folder as `prepare` writes it, of these shards and no vocabulary."""
    told = []
    for number, part in enumerate(parts):
        files = write_shard(folder, f"shard-{number}", part)
        sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files.values()}
        told.append({"name": f"shard-{number}", "pairs": len(part), "files": sums})
        told[-1]["longest_source"] = int(part.source.lengths.max(initial=0))
        told[-1]["longest_target"] = int(part.target.lengths.max(initial=-1)) + 1
    manifest = {"format": 1, "pairs": sum(map(len, parts)), "shards": told, "vocabulary": {"files": {}}}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"rejected": {}, "filtered": {}, "samples": []}))
    return folder


PARTS = [make(40, 1), NONE, make(25, 2), make(30, 3)]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return Shards(prepared(tmp_path_factory.mktemp("shards"), PARTS))


def pairs(batches) -> list[tuple]:
    """Source and labels of every row without padding."""
    rows = [(s, t) for source, _, labels in batches for s, t in zip(source, labels)]
    return sorted((tuple(filter(None, s)), tuple(filter(None, t))) for s, t in rows)


def test_what_is_read_is_what_was_written(shards):
    for number, part in enumerate(PARTS):
        found = shards.examples(number)
        for side in ("source", "target"):
            np.testing.assert_array_equal(getattr(found, side).values, getattr(part, side).values)
            np.testing.assert_array_equal(getattr(found, side).splits, getattr(part, side).splits)
    assert len(shards) == 95 and shards.sizes == [40, 0, 25, 30]
    assert len(shards.first()) == 40


def test_records_are_examples_that_any_reader_knows(shards):
    for row, record in enumerate(tf.data.TFRecordDataset(str(shards.records(2)))):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        assert features["source"].int64_list.value == PARTS[2].source[row].tolist()
        assert features["target"].int64_list.value == PARTS[2].target[row].tolist()


def test_the_same_pairs_give_the_same_bytes(shards, tmp_path):
    for path in write_shard(tmp_path, "shard-0", PARTS[0]).values():
        assert path.read_bytes() == (shards.folder / path.name).read_bytes()


@pytest.mark.parametrize("shuffle", [True, False])
def test_one_shard_gives_the_batches_of_pairs_in_memory(tmp_path, shuffle):
    alone = Shards(prepared(tmp_path, PARTS[:1]))
    ours = batch(alone, BUDGET, seed=5, epoch=2, shuffle=shuffle)
    assert flat(ours) == flat(batch(PARTS[0], BUDGET, seed=5, epoch=2, shuffle=shuffle))
    assert ours.element_spec == batch(PARTS[0], BUDGET).element_spec


def test_every_epoch_has_every_pair_once_in_another_order(shards):
    dataset = batch(shards, BUDGET, seed=1)
    epochs = [flat(dataset) for _ in range(3)]
    wanted = sorted(
        (tuple(part.source[row].tolist()), (*part.target[row].tolist(), EOS))
        for part in PARTS
        for row in range(len(part))
    )
    for epoch in epochs:
        assert pairs(epoch) == wanted
        assert len(epoch) == len(plan(shards, BUDGET, 1)) == int(dataset.cardinality())
    assert epochs[0] != epochs[1] != epochs[2]


def test_shards_change_places_between_epochs(shards):
    chosen = plan(shards, BUDGET, 1)
    orders = {tuple(chosen.order(epoch)[0].tolist()) for epoch in range(20)}
    assert orders == set(itertools.permutations((0, 2, 3)))


COUNT = sum(len(plan(part, BUDGET)) for part in PARTS if len(part))


@pytest.fixture(scope="module")
def stream(shards):
    """Four epochs without an interruption."""
    whole = batch(shards, BUDGET, seed=4)
    return [made for _ in range(4) for made in flat(whole)]


@pytest.mark.parametrize("epoch, step", [(0, 1), (1, 9), (1, COUNT - 1), (0, 2 * COUNT + 12)])
def test_resuming_gives_the_rest_of_the_uninterrupted_stream(shards, stream, epoch, step):
    begin = epoch * COUNT + step
    resumed = batch(shards, BUDGET, seed=4, epoch=epoch, step=step)
    first = flat(resumed)
    assert first == stream[begin : (begin // COUNT + 1) * COUNT]
    assert flat(resumed) == stream[begin + len(first) : begin + len(first) + COUNT]


def test_every_step_of_an_epoch_can_be_resumed_at(shards):
    chosen = plan(shards, BUDGET, 2)
    whole = [(shard, place) for shard in chosen.order(7)[0] for place in range(chosen.batches[shard])]
    for step in range(len(chosen)):
        numbers, starts = chosen.order(7, step)
        rest = [
            (shard, place) for shard, start in zip(numbers, starts) for place in range(start, chosen.batches[shard])
        ]
        assert rest == whole[step:]


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras, of a first epoch that is resumed
def test_fit_sees_every_epoch_whole(shards):
    model = Recorder()
    model.compile(run_eagerly=True)
    model.fit(batch(shards, BUDGET, seed=3, step=5), epochs=2, shuffle=False, verbose=0)
    wanted = batch(shards, BUDGET, seed=3)
    assert model.seen == (flat(wanted) + flat(wanted))[5:]


def test_targets_over_a_limit_are_counted_as_in_memory(shards):
    assert shards.longer_targets(5) == sum(part.longer_targets(5) for part in PARTS) > 0
    longest = max(part.source.lengths.max(initial=0) for part in PARTS)
    assert shards.longest[0] == longest


def test_a_pair_over_the_budget_is_refused(shards):
    with pytest.raises(InputError, match="Raise the tokens per batch"):
        plan(shards, 3)


@pytest.mark.parametrize("name", ["shard-0.tfrecord", "shard-3.lengths.npy"])
def test_a_damaged_file_is_named(tmp_path, name):
    folder = prepared(tmp_path, PARTS)
    content = bytearray((folder / name).read_bytes())
    content[-5] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: its content is not what was written"):
        Shards(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: it cannot be read"):
        Shards(folder)


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    folder = prepared(tmp_path, PARTS)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0]["files"] = {"../elsewhere": "0"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="leads out of the folder"):
        Shards(folder)


def test_a_folder_without_shards_is_refused(tmp_path):
    with pytest.raises(InputError, match="no manifest.json in it; expected a folder that the command prepare wrote"):
        Shards(tmp_path)
    with pytest.raises(InputError, match="the shards hold no pair"):
        Shards(prepared(tmp_path, [NONE]))


def test_a_side_longer_than_lengths_can_say_is_refused(tmp_path):
    long = Examples(Ragged.from_rows([np.full(70_000, 5)]), Ragged.from_rows([[5]]))
    with pytest.raises(ValueError, match="at most 65,535 ids, found 70,000"):
        write_shard(tmp_path, "long", long)

"""Each page writes what TensorBoard reads, and none changes what is trained."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.projector import ProjectorConfig

from seq2seq_keras import data, training
from seq2seq_keras.errors import InputError
from seq2seq_keras.training import tensorboard
from seq2seq_keras.training.tensorboard import histograms
from tests.units.training import small

CJK = "$ 3 % $ \N{CJK UNIFIED IDEOGRAPH-8A9E}"
LABELS = ["<pad>", "a\tb", "\n", *"defghijkl"]


def batch(made):
    return next(iter(data.batch(made, small.BUDGET, shuffle=False)))


def pages(made, throughput):
    """All there are."""
    return [
        tensorboard.Scalars(2, [tensorboard.of_optimizer, lambda model: {"utilisation": 0.25, "endless": np.inf}]),
        tensorboard.HParams({"lr": 0.5, "model": {"family": "lstm", "heads": None}, "files": [1], "tied": True}),
        tensorboard.Projector({"vocabulary": (lambda model: model.embedding, LABELS)}, most=10),
        tensorboard.Samples(lambda: (["a | b"], ["c\nd"], ["e"])),
        tensorboard.AttentionMaps(lambda: [(CJK, ["a", "$$b"], ["$ $"], np.array([[0.25, 0.75]]))]),
        tensorboard.Histograms(2, lambda: batch(made)),
        tensorboard.Graph(),
        tensorboard.Profile(3, 5),
    ]


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    return events.Reload()


def values(events, tag: str) -> dict[int, float]:
    return {event.step: tf.make_ndarray(event.tensor_proto).item() for event in events.Tensors(tag)}


def text(events, tag: str) -> str:
    return tf.make_ndarray(events.Tensors(tag)[-1].tensor_proto).item().decode()


PAIRS = (np.arange(16).reshape(8, 2) % 12, np.ones((8, 1)))


def plain() -> keras.Model:
    """A model that is no sequence model and is built in no time; four steps of two rows are an epoch of `PAIRS`."""
    layers = [keras.layers.Embedding(12, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,), dtype="int32"), *layers])
    model.compile("sgd", "mse", jit_compile=False)
    return model


class Shown:
    """A small model trained for two epochs of four steps with all pages, and what they wrote."""

    def __init__(self, folder: Path):
        self.folder, (self.made, _) = folder, small.examples()
        throughput = training.Throughput()
        board = training.TensorBoard(folder, pages(self.made, throughput))
        self.model = small.compiled()
        self.logs = small.fit(self.model, self.made, callbacks=[throughput, board], epochs=2).history
        self.events = read(folder)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    return Shown(tmp_path_factory.mktemp("logs"))


def test_pages_change_neither_weights_nor_random_generators_nor_figures(shown):
    alone = small.compiled()
    logs = small.fit(alone, shown.made, callbacks=[training.Throughput()], epochs=2).history
    for mine, other in zip(shown.model.variables, alone.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), other.numpy())
    assert logs["loss"] == shown.logs["loss"] and logs["perplexity"] == shown.logs["perplexity"]


def test_curves_by_step_come_every_so_many_steps_and_know_the_optimizer(shown):
    assert list(values(shown.events, "step/loss")) == [2, 4, 6, 8]
    # The rate of the step to come: with two steps taken, the third of four on the way up.
    assert values(shown.events, "step/learning_rate")[2] == pytest.approx(1e-2 * 3 / 4)
    assert all(value > 0 for value in values(shown.events, "step/gradient_norm").values())
    assert set(values(shown.events, "step/skipped_updates").values()) == {0.0}
    assert {"step/perplexity", "step/tokens_per_second"} <= set(shown.events.Tags()["tensors"])


def test_curves_by_epoch_are_the_logs_and_further_figures_but_nothing_endless(shown):
    found = values(shown.events, "epoch/loss")
    assert found == pytest.approx(dict(enumerate(shown.logs["loss"], start=1)))
    assert values(shown.events, "epoch/utilisation") == {1: 0.25, 2: 0.25}
    assert not [tag for tag in shown.events.Tags()["tensors"] if "endless" in tag]


def test_samples_are_a_table_with_a_row_on_one_line(shown):
    assert text(shown.events, "samples").splitlines()[-1] == r"a \| b | c d | e"


def test_attention_maps_are_pictures(shown):
    _, _, png = tf.make_ndarray(shown.events.Tensors("attention/1")[0].tensor_proto)
    assert tf.io.decode_png(png).shape[-1] == 4


def test_histograms_of_large_weights_are_of_some_values_always_the_same():
    small, large = tf.range(12.0), tf.reshape(tf.random.stateless_normal((300, 200), (1, 2)), (300, 200))
    np.testing.assert_array_equal(histograms.some(tf.reshape(small, (3, 4))), small)
    found = histograms.some(large).numpy()
    assert found.shape == (histograms.MOST,) and set(found) <= set(large.numpy().ravel())
    np.testing.assert_array_equal(histograms.some(large), found)
    # A uniform draw: the share below a quantile is the quantile, within four standard errors.
    for share in (0.1, 0.5, 0.9):
        below = np.mean(found < np.quantile(large, share))
        assert abs(below - share) < 4 * np.sqrt(share * (1 - share) / histograms.MOST)


def test_histograms_hold_every_weight_and_its_gradient_in_the_epochs_asked(shown):
    tags = shown.events.Tags()["tensors"]
    paths = [weight.path for weight in shown.model.trainable_variables]
    for group in ("weights", "gradients"):
        assert {f"{group}/{path}" for path in paths} == {tag for tag in tags if tag.startswith(group)}
    (event,) = shown.events.Tensors(f"weights/{paths[0]}")
    buckets = tf.make_ndarray(event.tensor_proto)
    table = shown.model.trainable_variables[0].numpy()
    assert event.step == 2 and buckets[:, 2].sum() == table.size
    assert buckets[0, 0] == pytest.approx(table.min()) and buckets[-1, 1] == pytest.approx(table.max())


def test_gradients_are_those_of_the_loss_of_the_batch(shown):
    inputs, labels = batch(shown.made)
    weight = shown.model.trainable_variables[-1]

    def loss():
        return float(shown.model.loss(labels, shown.model(inputs, training=False)))

    found = dict((w.path, g) for w, g in tensorboard.Histograms(1, lambda: (inputs, labels))._gradients(shown.model))
    before, step = weight.numpy(), 1e-2
    place = np.unravel_index(np.abs(found[weight.path].numpy()).argmax(), before.shape)
    around = []
    for side in (step, -step):
        moved = before.copy()
        moved[place] += side
        weight.assign(moved)
        around.append(loss())
    weight.assign(before)
    assert found[weight.path].numpy()[place] == pytest.approx((around[0] - around[1]) / (2 * step), rel=0.02)


def test_the_projector_finds_the_last_vectors_and_one_label_for_each(shown):
    config = text_format.Parse((shown.folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
    labels = (shown.folder / config.embeddings[0].metadata_path).read_text().splitlines()
    assert labels[:4] == ["<pad>", "a b", repr("\n"), "d"]
    kept = tf.train.load_checkpoint(str(shown.folder)).get_tensor(config.embeddings[0].tensor_name)
    ids = np.arange(10, dtype="int32")
    np.testing.assert_array_equal(kept, shown.model.embedding(ids[None])[0].numpy())
    assert len(labels) == len(kept) == 10
    assert sorted(path.name for path in shown.folder.glob("vectors*")) == [
        "vectors-2.data-00000-of-00001",
        "vectors-2.index",
    ]


def test_settings_are_hparams_of_the_run_and_lists_are_left_out(shown):
    content = shown.events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert set(found) == {"lr", "model.family", "tied"}
    assert found["lr"].number_value == 0.5 and found["tied"].bool_value


def test_the_graph_shows_the_layers(shown):
    names = {node.name for node in shown.events.Graph().node}
    assert any("encoder" in name for name in names) and any("decoder" in name for name in names)


def test_chosen_steps_are_traced_and_summed_by_operation(shown):
    assert len(list(shown.folder.rglob("*.xplane.pb"))) == 1
    lines = text(shown.events, "profile").splitlines()
    assert lines[0].startswith("3 steps, ")
    shares = {line.split(" | ")[0]: float(line.split(" | ")[2].rstrip("%")) for line in lines[4:]}
    assert any("MatMul" in kind for kind in shares) and 50 < sum(shares.values()) <= 100.5


def test_steps_and_epochs_go_on_counting_after_a_resume(tmp_path):
    for first in (0, 1):
        checkpoints, model = training.Checkpoints(tmp_path / "checkpoints"), plain()
        assert checkpoints.restore(model).epoch == first
        board = training.TensorBoard(tmp_path / "logs", [tensorboard.Scalars(1), tensorboard.Profile(2, 3)])
        model.fit(*PAIRS, 2, initial_epoch=first, epochs=first + 1, callbacks=[board, checkpoints], verbose=0)
    events = read(tmp_path / "logs")
    assert list(values(events, "step/loss")) == list(range(1, 9))
    assert list(values(events, "epoch/loss")) == [1, 2]
    assert len(events.Tensors("profile")) == 1


class Stop(keras.callbacks.Callback):
    """An error in the middle of a traced step."""

    def on_train_batch_end(self, batch, logs=None):
        raise RuntimeError("stopped")


def test_a_run_that_fails_ends_its_trace_and_keeps_what_was_shown(tmp_path):
    board = training.TensorBoard(tmp_path, [tensorboard.Scalars(1), tensorboard.Profile(1, 9)])
    with pytest.raises(RuntimeError, match="stopped"):
        plain().fit(*PAIRS, 2, callbacks=[board, Stop()], verbose=0)
    board.close()
    board.close()
    events = read(tmp_path)
    assert text(events, "profile").startswith("1 steps") and list(values(events, "step/loss")) == [1]
    tf.profiler.experimental.start(str(tmp_path))  # fails while another trace is open
    tf.profiler.experimental.stop()


def test_final_figures_are_scalars_of_the_run_and_only_numbers(tmp_path):
    tensorboard.write_final(tmp_path, {"bleu": 12.5, "weights": "the best epoch", "loss": float("nan")})
    events = read(tmp_path)
    assert values(events, "final/bleu") == {0: 12.5} and events.Tags()["tensors"] == ["final/bleu"]


def test_logs_that_cannot_be_written_end_training_in_one_line(tmp_path, monkeypatch):
    board = training.TensorBoard(tmp_path, [tensorboard.Projector({"words": (lambda model: model.layers[0], LABELS)})])

    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.raw_ops, "SaveV2", full)
    with pytest.raises(InputError, match="cannot be written .No space left"):
        plain().fit(*PAIRS, 2, callbacks=[board], verbose=0)
    board.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tensorboard.Scalars(0), "every must be 1 or more, found 0"),
        (lambda: tensorboard.Histograms(0), "every must be 1 or more, found 0"),
        (lambda: tensorboard.Profile(0, 3), "found 0 and 3"),
        (lambda: tensorboard.Profile(4, 3), "found 4 and 3"),
        (lambda: tensorboard.Projector({"a/b": None}), "found 'a/b'"),
    ],
)
def test_a_mistake_names_what_was_found(make, message):
    with pytest.raises(ValueError, match=message):
        make()

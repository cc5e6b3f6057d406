import io
import math
import re

import keras
import numpy as np
import pytest
from rich.console import Console

from seq2seq_keras import training
from seq2seq_keras.errors import InputError
from seq2seq_keras.training.progress import Progress
from tests.units.training import small


def one_weight(value: float) -> keras.Model:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[value]], "float32")])
    return model


def after(best, model, values):
    """Epochs run until the callback stops training, the weight being 10 times the epoch."""
    best.set_model(model)
    model.stop_training = False
    for epoch, value in enumerate(values):
        model.set_weights([np.array([[10.0 * epoch]], "float32")])
        best.on_epoch_end(epoch, {best.monitor: value})
        if model.stop_training:
            return epoch
    return None


def test_best_keeps_the_lowest_loss_and_stops_after_patience(tmp_path):
    best, model = training.Best(tmp_path / "best.npz", "val_loss", patience=2), one_weight(0)
    assert after(best, model, [3.0, 1.0, 2.0, 1.0, 0.5]) == 3
    assert best.restore(model)
    assert model.get_weights()[0].item() == 10.0


def test_best_keeps_the_highest_bleu(tmp_path):
    best, model = training.Best(tmp_path / "best.npz", "val_bleu"), one_weight(0)
    assert after(best, model, [3.0, 9.0, 2.0]) is None
    best.restore(model)
    assert model.get_weights()[0].item() == 10.0


def test_patience_goes_on_counting_after_a_resume(tmp_path):
    first, second = (training.Best(tmp_path / "best.npz", "val_loss", patience=2) for _ in range(2))
    after(first, one_weight(0), [1.0, 2.0])
    second.set_state(first.get_state())
    assert after(second, one_weight(0), [1.5]) == 0


def test_an_unknown_figure_is_named_with_those_there_are(tmp_path):
    best = training.Best(tmp_path / "best.npz", "val_bleu")
    with pytest.raises(InputError, match="val_bleu.*expected one of loss, val_loss"):
        best.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})


def test_a_damaged_file_of_best_weights_is_refused(tmp_path):
    best, model = training.Best(tmp_path / "best.npz"), one_weight(0)
    after(best, model, [1.0])
    best.path.write_bytes(best.path.read_bytes()[:50])
    with pytest.raises(InputError, match="best.npz"):
        best.restore(model)


def test_average_is_the_mean_of_the_weights(tmp_path):
    made, _ = small.examples()
    model = small.compiled()
    small.fit(model, made, callbacks=[training.Checkpoints(tmp_path, every=0, keep=3)])
    paths, each = training.files(tmp_path, whole_epochs=True), []
    for path in paths:
        training.average([path], model)
        each.append(model.get_weights())
    training.average(paths, model)
    assert len(paths) == 3
    for mean, *parts in zip(model.get_weights(), *each):
        if mean.dtype.kind == "f":
            np.testing.assert_allclose(mean, np.mean(parts, axis=0), rtol=1e-5, atol=1e-7)
    assert not np.allclose(each[0][0], each[2][0])


def test_decoded_text_is_scored_into_the_logs():
    seen = []

    def score(outputs, references):
        seen.append((outputs, references))
        return {"bleu": 12.5}

    callback = training.DecodedScore(lambda texts: [text.upper() for text in texts], ["a", "b"], ["A", "c"], score)
    logs = {"loss": 1.0}
    callback.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "val_bleu": 12.5}
    assert seen == [(["A", "B"], ["A", "c"])]


def test_tokens_are_counted_without_padding():
    labels = np.array([[5, 6, 3], [4, 3, 0]])
    tokens, padding = training.TokenCount(), training.PaddingShare()
    for metric in (tokens, padding):
        metric.update_state(labels, None)
        metric.update_state(labels[1:], None)
    assert float(tokens.result()) == 5 + 2
    assert float(padding.result()) == pytest.approx(2 / 9)


def test_throughput_is_tokens_over_time_without_the_first_step(monkeypatch):
    clock = iter([100.0, 107.0, 109.0])
    monkeypatch.setattr("seq2seq_keras.training.throughput.time.monotonic", lambda: next(clock))
    callback, logs = training.Throughput(), {"tokens": 1000.0}
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0, logs)  # a slow one, with tracing
    callback.on_train_batch_end(1, logs := {"tokens": 1500.0})
    assert logs["tokens_per_second"] == 250.0


def test_progress_without_a_screen_is_a_line_an_epoch(capfd):
    made, _ = small.examples()
    small.fit(small.compiled(), made, callbacks=[Progress()], epochs=2)
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2") and " loss " in lines[1]
    assert lines[1].endswith("0:00:00 left")


def test_progress_on_a_screen_is_a_bar_with_the_time_left():
    made, _ = small.examples()
    progress, screen = Progress(), io.StringIO()
    progress.console = Console(file=screen, force_terminal=True, width=120)
    small.fit(small.compiled(), made, callbacks=[progress], epochs=2)
    shown = screen.getvalue()
    assert "epoch 1/2" in shown and "epoch 2/2" in shown and "4/4" in shown
    assert re.search(r"loss \d\.\d+ .* tokens/s .*\d:\d\d:\d\d left", shown)


def test_time_left_is_that_of_the_run_or_of_its_limit(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("seq2seq_keras.training.progress.time.monotonic", lambda: clock[0])
    limit = [math.inf]
    progress = Progress(step=2, limit=lambda: limit[0])
    progress.set_params({"epochs": 3, "steps": 10})
    progress.on_train_begin()
    progress.on_epoch_begin(1)
    assert progress.left() == "?"
    clock[0] = 8.0
    for batch in range(4):
        progress.on_train_batch_end(batch)
    assert progress.left() == "0:00:28"  # 4 steps of this epoch and 10 of the last, 2 seconds each
    limit[0] = 5.0
    assert progress.left() == "0:00:05"

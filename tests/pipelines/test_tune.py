"""The search: every trial is a run, none is trained twice, bad ones stop, and the best is a run that others read."""

import csv
import importlib.util
import json
import math
import warnings

import keras
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import metadata

from pipelines import families, runs, translate
from pipelines.__main__ import main, parse
from pipelines.settings import Translate
from pipelines.tune import median, trial_record, tuner, workers
from pipelines.tune.trial_record import Record
from seq2seq_keras import data
from seq2seq_keras.errors import InputError
from seq2seq_keras.tasks import TextToText

OLD = r"(currentThread|getName)\(\) is deprecated"
"""What Python says to KerasTuner."""
pytestmark = pytest.mark.filterwarnings(f"ignore:{OLD}:DeprecationWarning")


def files(folder, count: int = 40) -> list[str]:
    """Two tables of pairs, and the options that name them."""
    for seed, name in enumerate(("train", "valid")):
        corpus = data.reverse_pairs(count, seed)
        (folder / f"{name}.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(corpus.source, corpus.target)))
    return [f"--{name}.tsv={folder / f'{name}.tsv'}" for name in ("train", "valid")]


def command(folder, *more: str) -> list[str]:
    """A search over very small models."""
    sizes = "--model lstm --width 8 --depth 1 --epochs 3 --batch-tokens 64 --trials 3"
    return ["tune", *files(folder), *sizes.split(), f"--output={folder / 'search'}", *more]


class Trainer:
    """In place of training: a history whose loss depends on the learning rate alone, and falls."""

    def __init__(self):
        self.asked: list[Translate] = []
        self.fails = lambda settings: None

    def __call__(self, settings, train, valid, begun, watching):
        self.asked.append(settings)
        self.fails(settings)
        folder = settings.output
        rows = runs.read_json(folder / "history.json") if (folder / "history.json").exists() else []
        (callback,) = watching
        callback.set_model(type("Model", (), {"stop_training": False})())
        while len(rows) < settings.epochs and not callback.model.stop_training:
            epoch = len(rows) + 1
            loss = 1.0 + abs(math.log(settings.lr / 2e-3)) + 1.0 / epoch
            rows.append({"epoch": epoch, "seconds": 1.0, "loss": loss, "val_loss": loss})
            runs.write_json(folder / "history.json", rows)
            callback.on_epoch_end(epoch - 1)
        (folder / "model").mkdir(exist_ok=True)
        (folder / "checkpoints").mkdir(exist_ok=True)
        valid = {"loss": rows[-1]["loss"], "perplexity": math.exp(rows[-1]["loss"])}
        report = {"epochs": rows, "valid": valid, "parameters": 10, "minutes": 0.05, "settings": runs.plain(settings)}
        runs.write_json(folder / "report.json", report)
        return report, 0

    @property
    def trained(self) -> list[str]:
        """Names of the trials, as often as they were trained."""
        return [settings.output.name for settings in self.asked]


def untrained(monkeypatch) -> Trainer:
    """Has searches neither train nor build."""
    found = Trainer()
    monkeypatch.setattr(translate, "train_run", found)
    monkeypatch.setattr(keras.backend, "clear_session", lambda: None)
    monkeypatch.setattr(tuner.Translators, "build", lambda self, hp: self.asked(hp))
    return found


@pytest.fixture
def trainer(monkeypatch):
    return untrained(monkeypatch)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A real trial and the baseline."""
    folder = tmp_path_factory.mktemp("tune")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", OLD, DeprecationWarning)
        more = "--trials 1 --epochs 1 --beam 1 --baseline --space dropout=0.0:0.2".split()
        assert main(command(folder, *more, f"--json={folder / 'r.json'}")) == 0
    return folder / "search"


def test_a_trial_is_a_run_with_the_settings_that_were_drawn(searched):
    record = trial_record.read(searched / "trials", "0")
    written = runs.read_json(searched / "trials" / "0" / "settings.json")
    assert record.status == trial_record.FINISHED and math.isfinite(record.score)
    assert written["lr"] == record.values["lr"] and written["model"]["cell"] == record.values["cell"]
    assert 0.0 <= written["model"]["dropout"] <= 0.2 and written["model"]["width"] == 8
    assert (searched / "trials" / "0" / "model").is_dir()


def test_the_table_the_figures_and_the_picture_say_the_same(searched):
    report = json.loads((searched / "results.json").read_text())
    assert report == json.loads((searched.parent / "r.json").read_text())
    lines = list(csv.DictReader((searched / "results.csv").read_text().splitlines()))
    assert {line["trial"] for line in lines} == {"0", "baseline"}
    assert [float(line["val_loss"]) for line in lines] == sorted(trial["score"] for trial in report["trials"])
    assert next(line for line in lines if line["trial"] == "baseline")["lr"] == "0.002"
    text = (searched / "results.md").read_text()
    assert "1 trials finished" in text and "the pipeline's own settings at the same budget" in text
    assert parse(report["command"].split()[3:])[1].space == ("dropout=0.0:0.2",)
    assert tf.io.decode_png((searched / "results.png").read_bytes()).shape[2] == 4


def test_the_best_trial_is_a_run_that_others_read(searched):
    report = json.loads((searched / "results.json").read_text())
    best = searched / "best"
    task = TextToText.load(runs.model_folder(best))
    source = data.reverse_pairs(3, 9).source
    assert task.generate(source) == TextToText.load(searched / "trials" / report["best"] / "model").generate(source)
    assert runs.read_json(best / "settings.json")["output"] == str(best)
    assert runs.family(runs.read_json(best / "settings.json")) == "lstm"
    assert not (best / "checkpoints").exists() and not (best / ".lock").exists()


def test_tensorboard_has_the_hyperparameters_of_every_trial(searched):
    logs = searched / "logs" / "hparams"
    assert {path.name for path in logs.iterdir() if path.is_dir()} == {"0", "baseline"}
    found = [each for path in logs.rglob("events*") for each in EventFileLoader(str(path)).Load()]
    tags = [value.tag for event in found for value in event.summary.value]
    assert tags.count(metadata.EXPERIMENT_TAG) == 1
    assert tags.count(metadata.SESSION_START_INFO_TAG) == 2 and tags.count("val_loss") == 2


def test_a_finished_search_is_not_run_again_and_goes_on_with_more_trials(tmp_path, trainer, capfd):
    assert main(command(tmp_path)) == 0
    assert trainer.trained == ["0", "1", "2"]
    assert main(command(tmp_path)) == 0 and len(trainer.trained) == 3
    assert main([*command(tmp_path), "--trials", "4"]) == 0
    assert trainer.trained == ["0", "1", "2", "3"]
    assert len({settings.lr for settings in trainer.asked}) == 4
    assert "4/4  trial 3  val_loss" in capfd.readouterr().out


def test_the_best_is_that_of_the_least_loss(tmp_path, trainer):
    assert main(command(tmp_path, "--trials", "5", "--no-median")) == 0
    report = json.loads((tmp_path / "search" / "results.json").read_text())
    nearest = min(trainer.asked, key=lambda settings: abs(math.log(settings.lr / 2e-3)))
    assert report["best"] == nearest.output.name
    assert runs.read_json(tmp_path / "search" / "best" / "settings.json")["lr"] == nearest.lr


def test_a_trial_worse_than_the_median_stops(tmp_path, trainer):
    assert main(command(tmp_path, "--trials", "8", "--epochs", "6")) == 0
    records = [each for each in trial_record.every(tmp_path / "search" / "trials")]
    stopped = [record for record in records if record.stopped is not None]
    assert stopped and all(record.stopped < 6 and record.figures["epochs"] == record.stopped for record in stopped)
    assert all(int(record.trial) >= median.ENOUGH for record in stopped)
    best = trial_record.best(records, 1)
    assert best.stopped is None and all(record.score > best.score for record in stopped)
    assert "stopped after epoch" in (tmp_path / "search" / "results.md").read_text()


def test_the_median_is_of_the_best_until_the_same_place():
    def history(*values: float) -> list[dict]:
        return [{"epoch": place, "seconds": 2.0, "m": value} for place, value in enumerate(values, start=1)]

    others = [history(5.0, 1.0), history(4.0, 2.0), history(3.0)]
    assert not median.worse(history(4.0), others, "m", 1, "epoch")
    assert median.worse(history(4.1), others, "m", 1, "epoch")
    assert median.worse(history(4.1, 2.1), others, "m", 1, "epoch")  # 1, 2 and 3, of which 2 is the median
    assert not median.worse(history(2.0, 9.0), others, "m", 1, "epoch")
    assert not median.worse(history(9.0), others[:2], "m", 1, "epoch")
    assert median.worse(history(3.9), others, "m", -1, "epoch")
    slow = [{"epoch": 1, "seconds": 1.0, "m": 9.0}]
    assert not median.worse(slow, others, "m", 1, "seconds")  # after a second no other had anything


def test_hyperband_goes_on_with_the_best_trials_where_they_stood(tmp_path, trainer):
    line = command(tmp_path, "--algorithm", "hyperband", "--epochs", "4")
    place = line.index("--trials")
    del line[place : place + 2]
    assert main(line) == 0
    records = trial_record.every(tmp_path / "search" / "trials")
    promoted = [record for record in records if record.begins_with]
    assert promoted and len(records) > len(promoted)
    for record in promoted:
        earlier = trial_record.read(tmp_path / "search" / "trials", record.begins_with)
        assert earlier.values == record.values and earlier.figures["epochs"] < record.figures["epochs"]
        settings = [each for each in trainer.asked if each.output.name == record.trial]
        assert len(settings) == 1 and settings[0].epochs == record.figures["epochs"]
    assert {settings.schedule for settings in trainer.asked} <= {"inverse-square-root", "constant"}


def test_bayesian_search_learns_from_what_was_tried(tmp_path, trainer, capfd):
    line = command(tmp_path, "--algorithm", "bayesian", "--trials", "4", "--space", "lr=1e-3:1e-2:log")
    if importlib.util.find_spec("sklearn") is None:
        assert main(line) == 2
        assert "needs scikit-learn and scipy. Run pip install" in capfd.readouterr().err
        return
    assert main(line) == 0 and len(trainer.trained) == 4


def test_a_failed_trial_stops_the_search_with_its_cause_and_is_run_again(tmp_path, trainer, capfd):
    def fails(settings):
        if len(trainer.asked) == 2:
            raise MemoryError("no room for 8 layers")

    trainer.fails = fails
    assert main(command(tmp_path)) == 2
    error = capfd.readouterr().err
    assert "a trial could not train: MemoryError: no room for 8 layers" in error and "Traceback" not in error
    assert not (tmp_path / "search" / "results.md").exists()
    assert main(command(tmp_path)) == 0
    assert trainer.trained == ["0", "1", "1", "2"]


def test_failed_trials_are_counted_where_that_was_asked_for(tmp_path, trainer, capfd):
    def fails(settings):
        if len(trainer.asked) < 3:
            raise InputError("the loss is nan", remedy="lower it")

    trainer.fails = fails
    assert main(command(tmp_path, "--failed", "skip")) == 0
    assert trainer.trained == ["0", "1", "2"]
    text = (tmp_path / "search" / "results.md").read_text()
    assert "1 trials finished, 2 failed" in text
    assert "1/3  trial 0  failed: the loss is nan" in capfd.readouterr().out
    lines = list(csv.DictReader((tmp_path / "search" / "results.csv").read_text().splitlines()))
    assert [line["status"] for line in lines] == ["finished", "failed", "failed"] and "nan" in lines[1]["cause"]


def test_a_search_in_which_nothing_trained_ends_with_the_causes(tmp_path, trainer, capfd):
    def fails(settings):
        raise InputError("the disk is full")

    trainer.fails = fails
    assert main(command(tmp_path, "--failed", "skip")) == 2
    assert "no trial finished: the disk is full" in capfd.readouterr().err


def test_a_signal_in_a_trial_ends_the_search_with_its_code(tmp_path, trainer, monkeypatch):
    monkeypatch.setattr(translate, "train_run", lambda *_: ({}, 143))
    assert main(command(tmp_path)) == 143
    monkeypatch.setattr(translate, "train_run", trainer)
    assert main(command(tmp_path)) == 0 and trainer.trained == ["0", "1", "2"]


@pytest.mark.parametrize(
    "line, said",
    [
        ("--objective val_bleu", "--objective val_bleu is no figure of --pipeline quickstart"),
        ("--algorithm hyperband --trials 3", "--trials is not for --algorithm hyperband"),
        ("--algorithm hyperband --minutes 3", "--minutes is not for --algorithm hyperband"),
        ("--algorithm hyperband --schedule cosine", "expected inverse-square-root or constant"),
        ("--algorithm hyperband --space schedule=cosine,constant", "expected inverse-square-root or constant"),
        ("--schedule deadline", "--schedule deadline needs a deadline. Add --minutes"),
        ("--space schedule=deadline,constant", "--schedule deadline needs a deadline"),
        ("--workers 0", "--workers is 0; expected more than 0"),
        ("--trials 0", "--trials is 0"),
        ("--model lstm lstm", "--model is ('lstm', 'lstm'); expected each family once"),
        ("--heads 2", "--heads is not for --model attention"),
        ("--space lr=-1,1", "--lr is -1.0; expected more than 0"),
        ("--pipeline translate", "no train pairs. Give --train.source"),
        ("--train.tsv no.tsv", "no.tsv"),
    ],
)
def test_mistakes_are_named_before_the_work(line, said, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", *line.split()]) == 2
    error = capfd.readouterr().err
    assert said in error and "Traceback" not in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_nothing_left_to_search_is_refused(tmp_path, capfd):
    every = "--dropout 0.1 --cell gru --layer-norm --lr 0.01 --optimizer adam --schedule cosine --warmup 10"
    assert main(command(tmp_path, *every.split())) == 2
    assert "nothing is left to search" in capfd.readouterr().err


def test_another_search_in_the_same_folder_is_refused(tmp_path, trainer, capfd):
    assert main(command(tmp_path)) == 0
    assert main(command(tmp_path, "--seed", "3")) == 2
    assert "--seed was 0 and is now 3" in capfd.readouterr().err
    again = command(tmp_path)
    (tmp_path / "train.tsv").write_text("a b\tb a\n" * 9)
    assert main(again) == 2
    assert "the train pairs changed" in capfd.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    assert main(command(tmp_path, f"--output={tmp_path / 'other'}")) == 2
    assert "holds files but no search" in capfd.readouterr().err
    assert [path.name for path in (tmp_path / "other").iterdir() if path.name[0] != "."] == ["mine.txt"]


@pytest.mark.parametrize(
    "given, said",
    [
        ({"KERASTUNER_TUNER_ID": "worker-1"}, "KERASTUNER_TUNER_ID is set and KERASTUNER_ORACLE_IP is not"),
        ({"PORT": "x"}, "KERASTUNER_ORACLE_PORT is 'x'; expected a port"),
        ({"line": "--workers 2"}, "--workers and KERASTUNER_TUNER_ID were given"),
    ],
)
def test_half_a_launcher_is_refused(given, said):
    line = given.pop("line", "")
    whole = {"KERASTUNER_TUNER_ID": "chief", "KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": "8000"}
    port = {"KERASTUNER_ORACLE_PORT": given.pop("PORT")} if "PORT" in given else {}
    with pytest.raises(InputError) as raised:
        workers.role(given or whole | port, parse(["tune", *line.split()])[1])
    assert said in str(raised.value)


def test_a_launcher_says_who_is_chief():
    whole = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": "8000"}
    settings = parse(["tune"])[1]
    assert workers.role({}, settings) == "alone"
    assert workers.role(whole | {"KERASTUNER_TUNER_ID": "chief"}, settings) == "chief"
    assert workers.role(whole | {"KERASTUNER_TUNER_ID": "worker-1"}, settings) == "worker"


def test_a_trial_on_one_line():
    record = Record("1", "lstm", {"lr": 0.01}, trial_record.FINISHED, 0.5, {"minutes": 1.0}, stopped=2)
    other = Record("0", "lstm", {"lr": 0.02}, trial_record.FINISHED, 0.25, {"minutes": 1.0})
    line = trial_record.line(record, "val_loss", 12, [other, record], 1)
    assert line == (
        "2/12  trial 1  val_loss 0.5 (best 0.25, trial 0)  1.0 minutes  stopped after epoch 2: worse than the median  "
        "model lstm  lr 0.01"
    )
    assert "best 0.5, trial 1" in trial_record.line(record, "val_bleu", None, [other, record], -1)


def test_families_are_searched_too(tmp_path, trainer):
    line = command(tmp_path, "--trials", "6")
    line[line.index("lstm")] = "lstm"
    line.insert(line.index("lstm") + 1, "transformer")
    assert main(line) == 0
    assert {settings.model.family for settings in trainer.asked} == {"lstm", "transformer"}
    for settings in trainer.asked:
        families.check(settings.model)

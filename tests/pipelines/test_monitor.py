"""The report and the server, on a finished run, a run under way and a study."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines import runs
from pipelines.__main__ import main
from pipelines.monitor import event_files, folders, viewer
from pipelines.settings import Monitor
from seq2seq_keras.errors import InputError
from tests.pipelines.conftest import arguments

EVIL = "<script>alert(1)</script> ![a](http://x.y/z.png) [b](javascript:c)"
CLOSED = ("meta", "img", "br", "hr")


class Page(HTMLParser):
    """Checks that elements are closed in order, and gathers what would be fetched and what is said."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.fetched, self.tags, self.said = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "p" or self.open[-1] == "p":
            assert self.open.pop() == tag

    def handle_data(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, corpus):
    """A finished run with everything shown, one that was stopped after its first epoch, and a study's table."""
    home = tmp_path_factory.mktemp("watched")
    extras = ["--histograms", "1", "--graph", "--profile", "3:4", "--scalars", "2"]
    assert main(arguments(corpus, home / "toy", *extras)) == 0
    going = home / "study" / "going"
    for name in ("settings.json", "data.json"):
        going.mkdir(parents=True, exist_ok=True)
        (going / name).write_text((home / "toy" / name).read_text().replace('"seed": 0', '"seed": 7'))
    runs.write_json(going / "history.json", runs.read_json(home / "toy" / "history.json")[:1])
    (home / "study" / "results.md").write_text(f"# which?\n\n| a | b |\n|---|---|\n| 1 | {EVIL} |\n")
    (home / "study" / "results.png").write_bytes((home / "toy" / "curves.png").read_bytes())
    (home / "study" / ".lock").write_text("")
    return home


@pytest.fixture(scope="module")
def report(folder):
    path = folder / "report.html"
    assert main(["monitor", str(folder), "--report", str(path), "--json", str(folder / "table.json")]) == 0
    return path.read_text(encoding="utf-8")


def test_a_run_shows_everything_and_its_final_figures(folder):
    events = event_files.read(folder / "toy" / "logs")
    figures = {f"step/{name}" for name in ("loss", "learning_rate", "gradient_norm", "skipped_updates", "utilisation")}
    assert figures | {"epoch/val_bleu", "epoch/padding", "final/bleu", "final/loss"} <= set(events.scalars)
    assert 0 < events.scalars["step/utilisation"][1][-1] < 1
    report = runs.read_json(folder / "toy" / "report.json")
    assert events.scalars["final/bleu"][1].item() == pytest.approx(report["valid"]["bleu"], rel=1e-5)
    assert {"samples", "profile"} <= set(events.texts) and "attention/1" in events.images
    assert any(tag.startswith("gradients/decoder") for tag in events.histograms)
    labels, vectors = event_files.vectors(folder / "toy" / "logs")["vocabulary"]
    assert len(labels) == len(vectors) and labels[0] == "<pad>"


def test_what_lies_in_a_folder_is_found_and_a_run_is_not_searched(folder):
    found = folders.find(folder)
    assert [run.name for run in found.runs] == ["study/going", "toy"]
    assert [table.name for table in found.tables] == ["study"]
    assert [run.finished for run in found.runs] == [False, True]
    (alone,) = folders.find(folder / "toy").runs
    assert alone.name == "toy" and not folders.find(folder / "toy" / "logs").runs


def test_the_report_is_whole_and_asks_nothing_of_a_network(report):
    page = Page(report)
    assert not page.open
    assert page.tags & {"script", "link", "iframe", "object"} == set()
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in page.fetched)
    assert "default-src 'none'" in report and "url(" not in report


def test_what_others_wrote_is_text_in_it(report):
    assert "<script>" not in report and "&lt;script&gt;" in report
    assert "http://x.y" not in "".join(Page(report).fetched)


def test_the_report_has_runs_curves_samples_maps_settings_and_studies(report, folder):
    said = " ".join(Page(report).said)
    for heading in (
        "Runs",
        "By epoch",
        "What they differ in",
        "By step",
        "Decoded samples",
        "Where it looked",
        "Settings",
    ):
        assert heading in said
    for heading in ("Where the time of a step goes", "Vectors: vocabulary", "Weights and gradients", "which?"):
        assert heading in said
    for picture in ("val_bleu by epoch", "utilisation by step", "Attention map 2 of toy", "Results of study"):
        assert f'alt="{picture}"' in report
    tables = runs.read_json(folder / "table.json")
    going, toy = tables["reached"]
    assert toy["state"] == "finished, 2 of 2 epochs" and going["state"] == "1 of 2 epochs"
    assert toy["val. bleu"] and re.fullmatch(r"[\d.]+%", toy["utilisation"])
    assert [row["seed"] for row in tables["differences"]] == ["7", "0"]


def test_damaged_files_leave_a_report_of_the_rest(folder, tmp_path):
    run = tmp_path / "run"
    (run / "logs").mkdir(parents=True)
    for name in ("settings.json", "data.json"):
        (run / name).write_text((folder / "toy" / name).read_text())
    (run / "history.json").write_text('[{"epoch": 1, "lo')
    (whole,) = (path for path in (folder / "toy" / "logs").glob("*tfevents*") if not path.name.endswith("final"))
    (run / "logs" / whole.name).write_bytes(whole.read_bytes()[:-100])
    (run / "logs" / "checkpoint").write_text('model_checkpoint_path: "vectors-1"\n')
    assert main(["monitor", str(tmp_path), "--report", str(tmp_path / "report.html")]) == 0
    assert "By step" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{empty}/none"], "no such folder"),
        (["{empty}", "--report", "{empty}/r.html"], "holds no run, no study and no tuning"),
        (["{empty}", "--report", "{empty}"], "is a folder"),
    ],
)
def test_a_mistake_is_one_line(words, message, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["monitor", *(word.format(empty=tmp_path / "empty") for word in words)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ") and message in line
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--profile", "9:3"], "--profile is 9:3 .*100:110"),
        (["--profile", "x"], "--profile is x "),
        (["--histograms", "-1"], "--histograms is -1"),
        (["--scalars", "0"], "--scalars is 0"),
    ],
)
def test_what_tensorboard_cannot_be_told_is_refused_before_any_work(flags, message, corpus, tmp_path, capsys):
    assert main(arguments(corpus, tmp_path / "run", *flags)) == 2
    assert re.search(message.replace(" ", ".*"), capsys.readouterr().err)
    assert not Path(tmp_path / "run").exists()


def test_what_is_shown_may_change_when_a_run_goes_on():
    assert "board" in runs.FREE


class Taken:
    """A TensorBoard whose port is taken."""

    given: list[str] = []

    def configure(self, argv):
        Taken.given = argv[1:]

    def launch(self):
        raise viewer.program().TensorBoardServerException("could not bind to\nport 6006")


def test_a_taken_port_is_named_in_one_line(folder, monkeypatch):
    monkeypatch.setattr(viewer.program(), "TensorBoard", Taken)
    with pytest.raises(InputError, match="could not bind to port 6006. Give another --port"):
        viewer.launch(Monitor(folder, port=6006))
    given = dict(zip(Taken.given[::2], Taken.given[1::2]))
    assert given["--logdir"] == str(folder) and given["--port"] == "6006" and given["--host"] == "127.0.0.1"


@pytest.mark.slow
def test_the_server_answers_with_the_runs_and_ends_well_when_told(folder):
    command = [sys.executable, "-m", "pipelines", "monitor", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        address = re.search(r"http://127.0.0.1:\d+/", server.stdout.readline())[0]
        for _ in range(60):
            with urllib.request.urlopen(f"{address}data/runs", timeout=20) as answer:
                if json.load(answer) == ["toy/logs"]:
                    break
            time.sleep(0.5)
        else:
            raise AssertionError("the run was not found")
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0 and server.stderr.read() == ""

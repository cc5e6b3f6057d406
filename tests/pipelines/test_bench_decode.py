"""`bench decode` at tiny sizes: what is timed, counted and compared, and how the report says it."""

import json
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines import __main__ as command_line
from pipelines.bench import tables
from pipelines.bench.decode import apart, command, compiled, lineup, profile, systems, table
from pipelines.bench.decode import cases as bench_cases
from pipelines.bench.decode.cases import Case
from pipelines.bench.decode.systems import Said
from pipelines.settings import BenchDecode
from seq2seq_keras import decode, tokens
from seq2seq_keras.context import BOS, EOS, PAD
from seq2seq_keras.errors import InputError

TEXTS = ["a b c", "b a", "c c c a", "a"]
TINY = dict(width=8, depth=1, max_length=5, beam=3, batch=(2,), sentences=4, turns=2)


@pytest.fixture(scope="module")
def tokenizer():
    return tokens.learn("words", TEXTS)


def subject(tokenizer, family: str = "transformer") -> bench_cases.Subject:
    task = bench_cases.untrained(family, tokenizer, BenchDecode(**TINY))
    return bench_cases.Subject(family, task)


def cases(**other) -> list[Case]:
    return bench_cases.cases(BenchDecode(**TINY | {"order": ("unsorted",)} | other))


def test_cases_are_all_combinations_and_one_sentence_has_no_order():
    settings = BenchDecode(batch=(1, 32), beam=4, length_penalty=0.5)
    found = bench_cases.cases(settings)
    assert [case.name for case in found] == [
        "greedy, 1",
        "greedy, 32 sorted",
        "greedy, 32 unsorted",
        "beam 4, 1",
        "beam 4, 32 sorted",
        "beam 4, 32 unsorted",
    ]
    assert [found[0].search, found[-1].search] == [decode.Greedy(), decode.Beam(4, 0.5)]


def test_made_up_sentences_have_as_many_pieces_as_are_asked_for():
    settings = BenchDecode(width=8, depth=1, family=("transformer",))
    [one] = bench_cases.subjects(settings)
    assert one.task.target.size == one.task.model.table.size == settings.vocabulary == 8_000


def test_batches_are_in_the_order_of_their_case():
    sorted_case, unsorted_case = bench_cases.cases(BenchDecode(**TINY, search=("greedy",)))
    assert bench_cases.batches(TEXTS, unsorted_case) == [["a b c", "b a"], ["c c c a", "a"]]
    assert bench_cases.batches(TEXTS, sorted_case) == [["a", "b a"], ["a b c", "c c c a"]]


def test_sentences_fill_every_batch_or_are_left_out(tmp_path):
    (tmp_path / "a.en").write_text("".join(f"line {n}\n\n" for n in range(11)))
    asked = dict(source=tmp_path / "a.en", batch=(2, 3))
    assert bench_cases.sentences(BenchDecode(**asked)) == [f"line {n}" for n in range(6)]
    assert len(bench_cases.sentences(BenchDecode(batch=(1, 4), sentences=10))) == 8
    with pytest.raises(InputError, match="11 sentences do not fill batches of 2 and 32"):
        bench_cases.sentences(BenchDecode(**asked | {"batch": (2, 32)}))


@pytest.mark.parametrize("family", ["transformer", "attention"])
def test_a_model_of_random_weights_never_ends_and_never_says_what_has_no_text(tokenizer, family):
    model = subject(tokenizer, family).task.model
    logits = model({"source": np.array([[4, 5, EOS]]), "target": np.array([[BOS, 4, 5, 6]])}).numpy()
    assert logits[..., [PAD, BOS, EOS]].max() < -90
    assert np.abs(np.delete(logits, [PAD, BOS, EOS], axis=-1)).max() < 20


class Fake:
    """A system that writes down when it is asked."""

    def __init__(self, name: str, asked: list, end: str = ""):
        self.name, self.asked, self.end = name, asked, end

    def prepare(self, texts):
        self.asked.append(f"prepare {self.name}")
        return tuple(texts)

    def __call__(self, case, given):
        self.asked.append(self.name)
        return [text + self.end for text in given]

    def read(self, case, texts, found):
        return Said(found, [len(text) for text in found])


def test_systems_take_turns_and_the_first_pass_is_not_timed():
    asked = []
    systems = {"live": Fake("live", asked), "other": Fake("other", asked, "?")}
    rows = command.compared("toy, greedy", cases()[0], systems, [["ab", "c"], ["d", "e"]], turns=2)
    assert [word for word in asked if "prepare" in word] == ["prepare live"] * 2 + ["prepare other"] * 2
    calls = [word for word in asked if "prepare" not in word]
    assert calls == ["live", "live", "other", "other"] * 2 + ["other", "other", "live", "live"]
    assert [(row["turn"], row["system"]) for row in rows] == [(1, "live"), (1, "other"), (2, "other"), (2, "live")]
    live, other = rows[0], rows[1]
    assert (live["tokens"], live["sentences"], live["same"]) == (5, 4, 1)
    assert (other["tokens"], other["sentences"], other["same"]) == (9, 4, 0)
    assert live["tokens_per_second"] == pytest.approx(5 / live["seconds"])
    assert live["sentences_per_second"] == pytest.approx(4 / live["seconds"])


def test_summary_compares_within_a_turn():
    def row(turn, system, speed):
        return {
            "turn": turn, "name": "toy, greedy", "system": system, "same": 0.5,
            "tokens_per_second": speed, "sentences_per_second": speed / 10,
        }  # fmt: skip

    speeds = [(20, 10), (3, 1), (100, 80)]
    turns = [row(i, name, n) for i, pair in enumerate(speeds) for name, n in zip(("live", "ctranslate2"), pair)]
    found = table.summary(turns)["toy, greedy"]
    assert found["live"]["by_peer"] == [2.0, 1.25, 3.0]
    assert found["live"]["tokens_per_second"] == [20, 3, 100]
    assert found["live"]["same"] == 0.5
    assert "by_peer" not in found["ctranslate2"]


def test_ids_are_counted_up_to_the_first_end():
    ids = [[4, 5, EOS, 7, EOS], [4, 5, 6, 7, 8], [EOS, PAD, PAD, PAD, PAD], [4, PAD, PAD, PAD, PAD], [PAD] * 5]
    assert compiled.lengths(np.array(ids)) == [3, 5, 1, 1, 0]


def agreed(found: bench_cases.Subject, system, case: Case) -> Said:
    """What a system says, which must be what the live model says."""
    live = systems.Live(found.task, {})
    expected = live.read(case, TEXTS, live(case, TEXTS))
    said = system.read(case, TEXTS, system(case, system.prepare(TEXTS)))
    assert said == expected
    assert said.lengths == [TINY["max_length"]] * len(TEXTS)
    return said


@pytest.mark.parametrize(("family", "kind"), [("transformer", "beam"), ("attention", "greedy")])
def test_the_compiled_loop_says_what_the_live_one_says(tokenizer, family, kind):
    found = subject(tokenizer, family)
    system = systems.Live(lineup.by_xla(found.task), {})
    agreed(found, system, cases(search=(kind,))[0])


@pytest.mark.parametrize("kind", ["greedy", "beam"])
def test_keras_hub_says_what_the_live_model_says(tokenizer, kind):
    pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    found = subject(tokenizer)
    system = compiled.Compiled(found.task, compiled.keras_hub)
    # No output ends before the last id here, so that the rules for what ended make no difference.
    agreed(found, system, cases(search=(kind,))[0])


def test_ctranslate2_says_what_the_live_model_says(tokenizer, tmp_path):
    pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
    found = subject(tokenizer)
    systems, skipped = lineup.lineup(found, BenchDecode(**TINY, system=("ctranslate2",)), tmp_path, 1)
    assert not skipped
    for case in cases():
        agreed(found, systems["ctranslate2"], case)


def pretended(folder, answer: str):
    """An interpreter that runs nothing it is given."""
    file = folder / "python"
    file.write_text(f"#!{sys.executable}\nimport json, sys\n{answer}\n", encoding="utf-8")
    file.chmod(0o700)
    return file


@pytest.mark.parametrize("name", apart.SCRIPTS)
def test_a_toolkit_is_asked_by_ids_in_a_process_of_its_own(tokenizer, tmp_path, name):
    answer = """
print(json.dumps({"asked": sys.argv[2]}), flush=True)
for line in sys.stdin: print([len(row) for row in json.loads(line)['ids']], flush=True)
"""
    settings = BenchDecode(**TINY, system=(name,), peer_python=pretended(tmp_path, answer))
    systems, skipped = lineup.lineup(subject(tokenizer), settings, tmp_path, 1)
    assert not skipped
    assert systems[name].versions == {"asked": str(apart.SCRIPTS[name])}
    task = json.loads((tmp_path / name / "task.json").read_text())
    assert len((tmp_path / name / "vocabulary").read_text().splitlines()) == tokenizer.size - 1
    assert task["max_length"] == settings.max_length
    given = systems[name].prepare(["a", "a b c"])
    assert len(given[1]) > len(given[0]) > 0
    found = systems[name].read(cases()[0], ["a", "a b c"], systems[name](cases()[0], given))
    assert found.lengths == [len(row) for row in given]


@pytest.mark.parametrize("name", apart.SCRIPTS)
@pytest.mark.parametrize(
    ("answer", "family", "expected"),
    [
        ("", "transformer", "ended without an answer"),
        (None, "transformer", "no --peer-python"),
        (None, "attention", "a Transformer of random weights"),
    ],
)
def test_a_toolkit_that_cannot_decode_is_skipped(tokenizer, tmp_path, name, answer, family, expected):
    python = None if answer is None else pretended(tmp_path, answer)
    settings = BenchDecode(**TINY, system=(name,), peer_python=python)
    _, skipped = lineup.lineup(subject(tokenizer, family), settings, tmp_path, 1)
    assert expected in skipped[name]


def test_what_cannot_take_part_is_skipped_with_a_reason(tokenizer, tmp_path, monkeypatch, capsys):
    def missing(name):
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(lineup.importlib, "import_module", missing)
    settings = BenchDecode(**TINY, system=("xla", "ctranslate2", "keras-hub"))
    systems, skipped = lineup.lineup(subject(tokenizer, "attention"), settings, tmp_path, 1)
    assert list(systems) == ["live", "xla"]
    assert list(skipped) == ["ctranslate2", "keras-hub"]
    assert "keras_hub" in skipped["keras-hub"]
    assert f"attention: keras-hub skipped: {skipped['keras-hub']}" in capsys.readouterr().out


def saved(tokenizer, monkeypatch, answers: dict[str, str], **search):
    """`Saved` over an export that only pretends."""
    exported = SimpleNamespace(
        settings={"search": search},
        scored=lambda texts, endpoint: [(answers[text], 0.0) for text in texts],
    )
    monkeypatch.setattr(systems.export, "load", lambda folder: exported)
    return systems.saved


def test_an_output_that_only_the_export_gave_is_cut_into_ids_again(tokenizer, monkeypatch, tmp_path):
    answers = {"a": "known", "b": "b c", "c": "a b c a b c a b c"}
    make = saved(tokenizer, monkeypatch, answers, width=3, length_penalty=0.6)
    settings = BenchDecode(**TINY, model=tmp_path)
    system = make(subject(tokenizer), settings, tmp_path, {"known": 2})
    case = cases()[0]
    assert system.read(case, list("abc"), system(case, list("abc"))) == Said(list(answers.values()), [2, 3, 5])


def test_an_export_with_another_beam_is_refused(tokenizer, monkeypatch, tmp_path):
    make = saved(tokenizer, monkeypatch, {}, width=4, length_penalty=0.6)
    with pytest.raises(InputError, match="width 4, length_penalty 0.6; expected width 3"):
        make(subject(tokenizer), BenchDecode(**TINY, model=tmp_path), tmp_path, {})
    make(subject(tokenizer), BenchDecode(**TINY, model=tmp_path, search=("greedy",)), tmp_path, {})


STEP = "while/body/_1/while/while/body/_459/while/while/"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (f"{STEP}embedding_3/MatMul:_MklMatMul", "logits"),
        (f"{STEP}target_embedding/MatMul:MatMul", "logits"),
        (f"{STEP}embedding_1/GatherV2:GatherV2", "rows taken: beams, tables"),
        (f"{STEP}MatMul_7:_MklBatchMatMulV2", "attention"),
        (f"{STEP}Softmax:_MklSoftmax", "attention"),
        (f"{STEP}LogSoftmax:LogSoftmax", "sums over the vocabulary, norms, the rest"),
        (f"{STEP}layer_0_feed_forward_1/widen_1/Tensordot/MatMul:_MklNativeFusedMatMul", "products of layers"),
        (f"{STEP}TopKV2_3:TopKV2", "top-k"),
        (f"{STEP}SelectV2_18:SelectV2", "writes: caches, outputs"),
        ("while/body/_1/while/while/cond/_458/while/while/All:All", "sums over the vocabulary, norms, the rest"),
        ("while/body/_1/while/GatherV2_4:GatherV2", profile._OUTSIDE),
        ("encoder_1/layer_0_1/attention_1/Softmax:_MklSoftmax", profile._OUTSIDE),
    ],
)
def test_operations_are_told_apart_by_name(name, part):
    assert profile.part_of(name) == part


def test_a_profile_is_by_the_step():
    logits, before = f"{STEP}embedding/MatMul:MatMul", "encoder/MatMul:MatMul"
    first, second = f"{STEP}TopKV2:TopKV2", f"{STEP}TopKV2_1:TopKV2"
    executor = profile.EXECUTOR
    took = Counter({logits: 6.0, first: 2.0, second: 1.0, before: 1.0, executor: 12.0})
    times = Counter({logits: 2, first: 2, second: 2, before: 1, executor: 9})
    found = profile.summed(took, times, seconds=0.008)
    assert (found["steps"], found["milliseconds"]) == (2, pytest.approx(4.0))
    assert found["parts"]["logits"] == {"milliseconds": 3.0, "share": 0.5, "operations": 1.0}
    assert found["parts"]["top-k"]["operations"] == 2.0
    between = {"milliseconds": 1.0, "share": pytest.approx(1 / 6), "operations": 0.0}
    assert found["parts"][profile._BETWEEN] == between
    with pytest.raises(RuntimeError, match="no step was found"):
        profile.summed(Counter({before: 1.0}), Counter({before: 1}), seconds=1.0)


@pytest.mark.slow
def test_command_writes_table_plot_and_figures(tmp_path, capsys):
    numbers = "--width 8 --depth 1 --vocabulary 400 --max-length 4 --beam 2 --batch 2 --sentences 4 --turns 2"
    what = "--family transformer --order sorted --system saved_model --profile"
    places = ["--output", str(tmp_path / "out"), "--json", str(tmp_path / "figures.json")]
    assert command_line.main(["bench", "decode", *numbers.split(), *what.split(), *places]) == 0
    written = (tmp_path / "out" / table.FILE).read_text()
    assert written in capsys.readouterr().out
    assert "| transformer, beam 2, 2 sorted: saved_model" in written
    assert "4 made-up sentences, random weights, 4 ids an output" in written
    assert "- Vocabulary: 400 of transformer.\n" in written
    assert str(tmp_path) not in written
    assert (tmp_path / "out" / table.PLOT).read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "figures.json").read_text())
    assert found["skipped"] == {}
    assert {(row["tokens"], row["sentences"], row["same"]) for row in found["turns"]} == {(16, 4, 1)}
    names = ["transformer, greedy, 2 sorted", "transformer, beam 2, 2 sorted"]
    assert list(found["summary"]) == list(found["profile"]) == names
    for traced in found["profile"].values():
        assert traced["steps"] == 8  # four of each of two batches
        assert {"logits", "attention", "products of layers", "top-k"} <= traced["parts"].keys()
        assert sum(part["share"] for part in traced["parts"].values()) == pytest.approx(1)
        assert traced["parts"]["logits"]["operations"] == 1


@pytest.mark.slow
def test_a_run_is_measured_with_its_own_sentences(place, tmp_path):
    source, figures = place.corpus / "valid.source", tmp_path / "figures.json"
    numbers = "--batch 1 5 --search greedy --order unsorted --turns 1 --system xla"
    words = ["--run", str(place.run), "--source", str(source), *numbers.split(), "--json", str(figures)]
    assert command_line.main(["bench", "decode", *words]) == 0
    found = json.loads(figures.read_text())
    assert list(found["summary"]) == ["toy, greedy, 1", "toy, greedy, 5 unsorted"]
    assert found["data"] == {"name": "valid.source", "sentences": 10}
    counts = {(row["tokens"], row["sentences"], row["same"]) for row in found["turns"]}
    assert len(counts) == 1  # whatever the batch and the system
    assert 10 <= counts.pop()[0] <= 10 * 12


def test_versions_are_those_of_peers_that_are_asked_for(monkeypatch):
    def version(name):
        if name != "ctranslate2":
            raise lineup.metadata.PackageNotFoundError(name)
        return "4.0"

    monkeypatch.setattr(lineup.metadata, "version", version)
    assert lineup.versions(BenchDecode()) == {"ctranslate2": "4.0"}


def test_command_line_is_told_without_folders(tmp_path):
    settings = BenchDecode(source=tmp_path / "a.en", batch=(1, 8), profile=True)
    expected = "python -m pipelines bench decode --source a.en --batch 1 8"
    assert tables.command(settings).startswith(expected)
    name, parsed = command_line.parse(expected.split()[3:])
    assert (name, parsed.batch) == ("bench decode", (1, 8))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"turns": 0}, "--turns is 0"),
        ({"beam": 0}, "--beam is 0"),
        ({"max_length": -1}, "--max-length is -1"),
        ({"length_penalty": -0.1}, "--length-penalty"),
        ({"batch": (1, 0)}, "--batch is 0"),
        ({"batch": ()}, "--batch is empty"),
        ({"width": 6}, "--width"),
        ({"run": ("runs/a",)}, "--source is missing"),
        ({"model": "saved_models/a/1"}, "--model was given without its run"),
    ],
)
def test_senseless_settings_are_refused(wrong, named):
    with pytest.raises(InputError, match=named):
        command.run(BenchDecode(**wrong))

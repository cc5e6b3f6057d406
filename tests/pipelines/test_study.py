"""The laboratory: what its sentences and tables say, and that no model is trained twice."""

import csv
import json
import math
import statistics

import numpy as np
import pytest
import tensorflow as tf

from pipelines import checks, families, runs
from pipelines.__main__ import main, parse
from pipelines.settings import Study
from pipelines.study import chance, questions, results, scores, splits, table, through_time, verdict
from pipelines.study import checks as study_checks
from pipelines.study import sizes as study_sizes
from pipelines.study import trained as study_runs
from pipelines.study.question import Expected
from pipelines.study.trained import Row
from seq2seq_keras import data
from seq2seq_keras.errors import InputError
from seq2seq_keras.recurrence import Cell

NAMES = "gradients length depth directions reversal forcing embeddings families".split()


def row(variant: str, seed: int, **figures: float) -> Row:
    return Row(variant, "2 epochs", seed, figures)


def pairs(count: int, seed: int = 0) -> data.Corpus:
    return data.reverse_pairs(count, seed)


def files(folder, count: int = 40) -> list[str]:
    """Three tables of pairs, and the options that name them."""
    for seed, name in enumerate(("train", "valid", "test")):
        corpus = pairs(count, seed)
        (folder / f"{name}.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(corpus.source, corpus.target)))
    return [f"--{name}.tsv={folder / f'{name}.tsv'}" for name in ("train", "valid", "test")]


@pytest.mark.parametrize("name", NAMES)
def test_every_question_compares_variants_it_has_in_figures_that_can_be_shown(name):
    question = questions.of(Study(name, source_vectors="vectors.txt"))
    names = {expected.better for expected in question.expected} | {expected.worse for expected in question.expected}
    assert question.expected and names <= {*question.variants, "rnn x2", "rnn x2, clipped"}
    assert {*question.columns, *(expected.figure for expected in question.expected)} - {""} <= set(table.FIGURES)
    assert len({study_runs.slug(variant) for variant in question.variants}) == len(question.variants)


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_is_a_setting_of_translate_that_works(name, tmp_path):
    _, settings = parse(["study", "length", *files(tmp_path)])
    corpora = splits.read(settings)
    (tmp_path / "vectors.txt").write_text("a 0.1 0.2\n")
    vectors = {"source_vectors": tmp_path / "vectors.txt"} if name == "embeddings" else {}
    question = questions.of(Study(name, **vectors))
    asked = splits.translation(settings, corpora, tmp_path)
    for changes in question.variants.values():
        for budget in question.budgets:
            checks.translate(splits.changed(asked, changes | budget.changes))


def test_a_budget_is_what_was_given_or_the_studys_own():
    assert [budget.name for budget in questions.of(Study("depth")).budgets] == ["20 epochs"]
    both = questions.of(Study("depth", epochs=3, minutes=0.5)).budgets
    assert [budget.name for budget in both] == ["3 epochs", "0.5 minutes"]
    assert both[0].changes == {"epochs": 3, "schedule": "cosine"}
    assert both[1].changes["schedule"] == "deadline"


def test_noise_is_the_interval_of_a_difference_by_the_pooled_spread_where_seeds_are_few():
    groups = [[1.0, 2.0, 3.0], [10.0, 14.0]]
    pooled = (2 * statistics.variance(groups[0]) + statistics.variance(groups[1])) / 3
    assert chance.noise(*groups, groups) == pytest.approx(3.18 * math.sqrt(pooled * (1 / 3 + 1 / 2)))
    assert chance.noise([1.0], [2.0], [[1.0], [2.0]]) is None


def test_three_seeds_of_two_variants_speak_for_themselves():
    calm, wild, other = [1.0, 2.0, 3.0], [10.0, 14.0, 18.0, 22.0], [0.0, 1000.0]
    shares = 1.0 / 3, statistics.variance(wild) / 4
    freedom = sum(shares) ** 2 / (shares[0] ** 2 / 2 + shares[1] ** 2 / 3)  # Welch and Satterthwaite
    assert 3 < freedom < 4
    assert chance.noise(calm, wild, [calm, wild, other]) == pytest.approx(3.18 * math.sqrt(sum(shares)))
    assert chance.noise([5.0] * 3, [5.0] * 3, [other]) == 0.0
    assert chance.noise(calm, [5.0] * 3, []) == pytest.approx(4.30 * math.sqrt(1 / 3))


@pytest.mark.parametrize(
    "attention, fixed, outcome",
    [
        ([10.0, 11.0], [30.0, 31.0], "is better than fixed context by 20.0 in word error rate (noise 2.2): as claimed"),
        ([30.0, 31.0], [10.0, 11.0], "against the claim"),
        ([10.0, 20.0], [12.0, 21.0], "within the noise"),
        ([10.0], [12.0], "as claimed (one seed, noise unknown)"),
        ([12.0], [12.0], "not as claimed (one seed, noise unknown)"),
    ],
)
def test_the_sentence_follows_the_numbers(attention, fixed, outcome):
    rows = [row("attention", seed, wer=value, lost=0.0) for seed, value in enumerate(attention)]
    for name in ("fixed context", "fixed context at every step"):
        rows += [row(name, seed, wer=value, lost=0.0) for seed, value in enumerate(fixed)]
    said = verdict.sentence(questions.of(Study("length")), rows, "wer", "2 epochs")
    assert outcome in said
    assert said.startswith("Usual claim: one fixed vector is a bottleneck")


@pytest.mark.parametrize(
    "by, noise, outcome",
    [
        (1.0, 2.0, "within the noise, as claimed"),
        (3.0, 2.0, "against the claim"),
        (-3.0, 2.0, "against the claim"),
        (0.5, None, "claimed to be alike (one seed, noise unknown)"),
    ],
)
def test_what_is_claimed_to_be_alike_must_be(by, noise, outcome):
    assert verdict.Difference(by, noise, alike=True).outcome == outcome
    expected = questions.of(Study("reversal")).expected
    assert [each.alike for each in expected] == [False, True], "attention does not need a reversed source"


def test_more_is_better_where_it_is():
    rows = [row("a", 0, bleu=30.0), row("b", 0, bleu=20.0)]
    assert verdict.difference(rows, Expected("a", "b"), "bleu").by == 10.0
    rows = [row("a", 0, wer=30.0), row("b", 0, wer=20.0)]
    assert verdict.difference(rows, Expected("a", "b"), "wer").by == -10.0


def test_scores_by_length_cover_all_sources_and_tell_what_long_ones_lose():
    sources = [letter * size for size in range(1, 9) for letter in "xyz"]
    corpora = splits.Corpora(pairs(2), pairs(2), sources, [["a"]] * 24, "spelling")
    outputs = ["a" if len(source) < 7 else "b" for source in sources]
    found = scores.judged(outputs, corpora, "13a")
    assert found["figures"]["wer"] == pytest.approx(25.0)
    assert [group["sources"] for group in found["by_length"]] == ["1 to 2", "3 to 4", "5 to 6", "7 to 8"]
    assert sum(group["rows"] for group in found["by_length"]) == 24
    # In phoneme error rate: of sources of 7 and 8 letters no sound is right.
    assert scores.lost(found["by_length"]) == 100.0


def test_what_is_lost_of_bleu_is_a_share_and_untold_near_nothing():
    assert scores.lost([{"bleu": 40.0}, {"bleu": 0.0}, {"bleu": 30.0}]) == pytest.approx(25.0)
    assert scores.lost([{"bleu": 4.0}, {"bleu": 3.0}]) == pytest.approx(25.0)
    assert scores.lost([{"bleu": 0.5}, {"bleu": 0.0}]) is None


def test_a_figure_that_some_lack_is_left_out_of_the_sentence():
    rows = [row(name, 0, bleu=3.0) for name in questions.of(Study("length")).variants]
    said = verdict.sentence(questions.of(Study("length")), rows, "bleu", "2 epochs")
    assert "in BLEU" in said and "lost" not in said.partition("After 2 epochs")[2]


def test_time_to_a_loss_is_that_to_the_loss_all_reach():
    rows = [row("a", 0)._replace(curve=[[1.0, 9.0], [2.0, 4.0]]), row("b", 0)._replace(curve=[[1.0, 3.0], [2.0, 2.0]])]
    study_runs.time_to_loss(rows)
    assert [each.figures["reached"] for each in rows] == [2.0, 1.0]


def test_variants_of_length_differ_in_nothing_but_the_context():
    _, settings = parse("study length --embedding 7 --no-tied --cell gru --depth 2".split())
    models = [splits.changed(settings, changes).model for changes in questions.of(settings).variants.values()]
    built = [families.arguments(model) for model in models]
    for name in ("width", "embedding", "tied", "depth", "dropout", "bidirectional", "reverse"):
        assert len({arguments[name] for arguments in built}) == 1, name
    assert {Cell.of(arguments["cell"]).kind for arguments in built} == {"gru"}
    own = [changes.get("model.embedding") for changes in questions.of(Study("length")).variants.values()]
    assert own == [None, 64, None]  # where the first and the last have the width of their layers


def test_the_share_of_right_words_falls_to_nothing_at_the_end_of_the_epochs():
    question = questions.of(Study("forcing", epochs=4))
    assert question.variants["scheduled sampling"]["objective.sampling_k"] == 0.25
    assert question.remarks == ("Scheduled sampling: the share of right words falls by 0.25 an epoch, to 0 after 4.",)
    (remark,) = questions.of(Study("forcing", minutes=1.0)).remarks
    assert "by 0.05 an epoch, to 0 after 20, whatever the time suffices for" in remark


def test_a_part_of_a_corpus_is_spread_over_it():
    corpus = pairs(10)
    assert splits.evenly(corpus, 5).source == corpus.source[::2]
    assert splits.evenly(corpus, 20) is corpus


def test_words_with_several_pronunciations_are_asked_once(tmp_path):
    given = files(tmp_path)
    (tmp_path / "test.tsv").write_text("Data\tD EY\ndata\tD AA\nother\tAH\n")
    _, settings = parse(["study", "length", *given, "--task", "spelling"])
    corpora = splits.read(settings)
    assert (corpora.sources, corpora.references) == (["data", "other"], [["D EY", "D AA"], ["AH"]])
    assert corpora.figure == "wer"


def test_nested_settings_are_changed_by_their_path():
    asked = splits.changed(Study("depth"), {"model.depth": 3, "lr": 0.5})
    assert (asked.model.depth, asked.lr, asked.model.width) == (3, 0.5, 64)


def test_the_command_in_a_table_gives_the_same_settings():
    line = "study depth --train.source a.en --train.target a.de --seeds 4 5 --model lstm --no-tied --tokens.size 300"
    line += " --tokens.no-shared --tokens.target-kind words"
    _, settings = parse(line.split())
    assert parse(results.command(settings).split()[3:])[1] == settings


@pytest.mark.parametrize(
    "line, said",
    [
        ("depth --seeds 1 1", "--seeds is (1, 1); expected one or more from 0 to 4294967295, each once"),
        ("depth --seeds -1", "--seeds is (-1,)"),
        ("depth --minutes 0", "--minutes is 0.0; expected more than 0"),
        ("embeddings", "embeddings needs vectors to begin with"),
        ("depth --source-vectors v.txt", "depth takes no vectors"),
        ("depth --parameters 10", "--parameters is not for depth"),
        ("families --parameters 10 --width 8", "--parameters and --width were given"),
        ("depth --depth 3", "--depth is what depth sets itself. Leave it out."),
        ("length --model transformer", "--model is what length sets itself"),
        ("length --no-bidirectional", "--bidirectional is what length sets itself"),
        ("reversal --reverse", "--reverse is what reversal sets itself"),
        ("gradients --bidirectional", "--bidirectional is what gradients sets itself"),
        ("gradients --bridge zero", "--bridge is what gradients sets itself"),
        ("forcing --model transformer", "forcing is not for --model transformer"),
        ("length --test.columns 0 -1", "--test.columns is (0, -1)"),
        ("length --train.tsv no.tsv", "no.tsv"),
    ],
)
def test_mistakes_are_named_before_the_work(line, said, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["study", *line.split()]) == 2
    error = capfd.readouterr().err
    assert said in error and "Traceback" not in error
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "flags, said",
    [
        ("--cell gru", "Transformer: --cell is not for --model transformer; expected it with one of lstm,"),
        ("--heads 2", "RNN: --heads is not for --model lstm; expected it with one of transformer,"),
        ("--width 0", "RNN: --width is 0; expected 1 or more"),
    ],
)
def test_what_one_of_the_models_cannot_be_is_named_before_any_is_built(flags, said, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(study_sizes, "equal", None)
    place = tmp_path / "study"
    assert main(["study", "families", *files(tmp_path), *flags.split(), f"--output={place}"]) == 2
    error = capfd.readouterr().err
    assert said in error and "Traceback" not in error and not place.exists()


def test_a_flag_that_is_given_as_the_study_has_it_is_no_mistake():
    for line in ("length --depth 2", "depth --model lstm --cell gru", "directions --reverse", "length --bidirectional"):
        _, settings = parse(["study", *line.split()])
        study_checks.study(settings, questions.of(settings))


def test_a_corpus_without_test_pairs_is_refused(tmp_path):
    _, settings = parse(["study", "length", *files(tmp_path)[:2]])
    with pytest.raises(InputError, match="no test pairs"):
        splits.read(settings)


def test_the_width_is_that_of_the_closest_number_of_parameters(monkeypatch):
    monkeypatch.setattr(study_sizes, "count", lambda model, *_: 3 * model.width**2 + 90 * model.width + 500)
    model = Study("families").model
    assert study_sizes.closest(model, 3 * 72**2 + 90 * 72 + 500 + 100, 40, 50) == 72
    assert study_sizes.closest(model, 3 * 8**2 + 90 * 8 + 500 - 100, 40, 50) == 8
    with pytest.raises(InputError, match="too few"):
        study_sizes.closest(model, 10, 40, 50)


@pytest.fixture
def trained(monkeypatch):
    """The folders that were trained, in order; in place of training, each becomes a finished run of made-up figures."""
    folders = []

    def train_run(settings, train, valid, begun):
        folders.append(settings.output)
        prints = {
            "train": runs.fingerprint(train.source, train.target),
            "valid": runs.fingerprint(valid.source, valid.target),
        }
        runs.write_json(settings.output / "settings.json", runs.plain(settings))
        runs.write_json(settings.output / "data.json", {"fingerprints": prints})
        figures = {"seconds": 2.0, "train_seconds": 1.5, "tokens_per_second": 50.0}
        epochs = [{**figures, "val_perplexity": 9.0 - number - settings.seed} for number in range(2)]
        report = {"epochs": epochs, "valid": {"perplexity": 8.0}, "parameters": 100, "minutes": 0.1}
        report["settings"] = runs.plain(settings)
        runs.write_json(settings.output / "report.json", report)
        return report, 0

    class Reverser:
        """Loses the last letter, but for a model with attention."""

        def __init__(self, folder):
            self.end = None if "attention" in folder.parts else -2

        def generate(self, texts):
            return [text[::-1][: self.end] for text in texts]

    monkeypatch.setattr(study_runs.translate, "train_run", train_run)
    monkeypatch.setattr(study_runs.keras.backend, "clear_session", lambda: None)
    monkeypatch.setattr(study_runs.TextToText, "load", Reverser)
    return folders


def test_a_study_writes_all_its_results(tmp_path, trained):
    place = tmp_path / "study"
    command = ["study", "length", *files(tmp_path), "--epochs=2", f"--output={place}", f"--json={tmp_path / 'r.json'}"]
    mine = place / "logs" / "mine"
    mine.mkdir(parents=True)
    assert main([*command, "--seeds", "0", "1"]) == 0
    variants = ("fixed-context", "fixed-context-at-every-step", "attention")
    expected = [f"2-epochs/{variant}/seed-{seed}" for seed in (0, 1) for variant in variants]
    assert [str(folder.relative_to(place)) for folder in trained] == expected
    text = (place / "results.md").read_text()
    assert "2 epochs, BLEU" in text and "100.0" in text and "python -m pipelines study length" in text
    assert "attention is better than fixed context by" in text and "over 2 seeds" in text and "Welch" in text
    lines = list(csv.DictReader((place / "results.csv").read_text().splitlines()))
    assert [line["variant"] for line in lines] == ["fixed context", "fixed context at every step", "attention"]
    assert [float(line["bleu"]) > 99.9 for line in lines] == [False, False, True]
    assert all(float(line["bleu"]) > 1.0 for line in lines)
    report = json.loads((place / "results.json").read_text())
    assert report == json.loads((tmp_path / "r.json").read_text())
    assert report["summary"]["2 epochs"]["attention"]["seconds"] == [6.0, 6.0, 6.0]
    assert len(report["runs"]) == 6 and len(report["verdict"]) == 1
    assert report["runs"][0]["curve"] == [[1.5, 9.0], [3.0, 8.0]]
    assert tf.io.decode_png((place / "results.png").read_bytes()).shape[2] == 4
    events = [
        event
        for path in (place / "logs" / "study").iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(path))
    ]
    assert sum(len(event.summary.value) for event in events) == 2
    assert mine.exists()


def test_no_model_is_trained_twice_nor_taken_for_another(tmp_path, trained):
    _, settings = parse(["study", "length", *files(tmp_path), "--epochs=2"])
    corpora = splits.read(settings)
    asked = splits.translation(settings, corpora, tmp_path / "run")
    assert study_runs.one(asked, corpora)[1] == 0
    assert study_runs.one(asked, corpora)[1] == 0 and len(trained) == 1
    with pytest.raises(InputError, match="--lr was 0.002 and is now 0.5"):
        study_runs.one(splits.changed(asked, {"lr": 0.5}), corpora)
    with pytest.raises(InputError, match="train changed since the run began"):
        study_runs.one(asked, corpora._replace(train=pairs(5)))


def test_seeds_that_were_trained_earlier_join_those_that_are_given(tmp_path, trained):
    _, settings = parse(["study", "length", *files(tmp_path), "--epochs=2"])
    corpora, question, place = splits.read(settings), questions.of(settings), tmp_path / "study"
    asked = splits.translation(settings, corpora, place)

    def rows(*seeds):
        return study_runs.rows(asked, question.variants, question.budgets, seeds, corpora, place)[0]

    rows(0, 1)
    unfinished = place / "2-epochs" / "attention" / "seed-7"
    unfinished.mkdir()
    (unfinished / "report.json").write_text("{}")
    assert [row.seed for row in rows(2)] == [2] * 3 + [0] * 3 + [1] * 3
    assert len(trained) == 9


def test_a_run_that_had_no_time_for_a_step_is_no_result(tmp_path, trained):
    _, settings = parse(["study", "length", *files(tmp_path), "--epochs=2"])
    corpora = splits.read(settings)
    asked = splits.translation(settings, corpora, tmp_path / "run")
    study_runs.one(asked, corpora)
    report = runs.read_json(tmp_path / "run" / "report.json")
    runs.write_json(tmp_path / "run" / "report.json", report | {"epochs": []})
    with pytest.raises(InputError, match="its time was over before the first step of training. Raise --minutes"):
        study_runs.one(asked, corpora)
    old = [{"seconds": 2.0, "val_perplexity": 9.0, "tokens_per_second": 50.0}]
    runs.write_json(tmp_path / "run" / "report.json", report | {"epochs": old})
    with pytest.raises(InputError, match="before the time of training steps was told apart"):
        study_runs.one(asked, corpora)


def test_a_finished_run_with_vectors_from_elsewhere_is_not_taken_for_this_one(tmp_path, trained):
    _, settings = parse(["study", "length", *files(tmp_path), "--epochs=2"])
    corpora = splits.read(settings)
    asked = splits.translation(settings, corpora, tmp_path / "run")
    asked = splits.changed(asked, {"source_vectors": tmp_path / "a.txt"})
    study_runs.one(asked, corpora)
    with pytest.raises(InputError, match="--source-vectors was .*a.txt and is now .*b.txt"):
        study_runs.one(splits.changed(asked, {"source_vectors": tmp_path / "b.txt"}), corpora)


def test_a_study_that_a_signal_stopped_ends_with_its_code(tmp_path, monkeypatch):
    monkeypatch.setattr(study_runs.translate, "train_run", lambda *_: ({}, 143))
    place = tmp_path / "study"
    assert main(["study", "depth", *files(tmp_path), "--epochs=1", f"--output={place}"]) == 143
    assert not (place / "results.md").exists()


@pytest.mark.slow
def test_gradients_are_measured_on_a_corpus_and_on_recall(tmp_path, monkeypatch):
    for name, value in (("STEPS", 2), ("_ROWS", 4)):
        monkeypatch.setattr(through_time, name, value)
    place = tmp_path / "study"
    sizes = "--epochs 1 --seeds 0 --width 8 --tokens.kind words --batch-tokens 64"
    command = ["study", "gradients", *files(tmp_path), *sizes.split(), f"--output={place}"]
    assert main(command) == 0
    report = json.loads((place / "results.json").read_text())
    assert report["budgets"] == [through_time.BUDGET, "1 epochs"]
    assert all(run["figures"]["factor"] > 0 for run in report["runs"]) and len(report["runs"]) == 8 + 6
    made = {path: path.stat().st_mtime_ns for path in place.rglob("*.npz")}
    assert main(command) == 0
    assert made == {path: path.stat().st_mtime_ns for path in place.rglob("*.npz")}


@pytest.mark.slow
def test_families_are_trained_at_equal_parameters_for_equal_epochs_and_time(tmp_path):
    place = tmp_path / "study"
    sizes = "--epochs 1 --minutes 0.1 --seeds 0 --parameters 200000 --tokens.kind words --batch-tokens 64"
    assert main(["study", "families", *files(tmp_path), *sizes.split(), f"--output={place}"]) == 0
    report = json.loads((place / "results.json").read_text())
    assert report["budgets"] == ["1 epochs", "0.1 minutes"] and len(report["runs"]) == 8
    for figures in report["summary"]["1 epochs"].values():
        assert figures["parameters"][0] == pytest.approx(200_000, rel=0.05)
    assert np.isfinite([run["figures"]["bleu"] for run in report["runs"]]).all()

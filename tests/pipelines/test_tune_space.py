"""What is searched: ranges as they are typed, what each family takes, and settings that every value of it makes."""

import keras_tuner
import pytest

from pipelines import checks, families
from pipelines.__main__ import parse
from pipelines.settings import Quickstart, Translate, Tune
from pipelines.tune import defaults, space, value_range
from pipelines.tune.value_range import Range
from seq2seq_keras import models
from seq2seq_keras.errors import InputError


def tune(line: str = "") -> Tune:
    return parse(["tune", *line.split()])[1]


def names(line: str) -> set[str]:
    return {each.name for each in space.of(tune(line))}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("width=64,128", Range("width", (64, 128))),
        ("dropout=0.1:0.4", Range("dropout", (), 0.1, 0.4)),
        ("lr=1e-4:1e-2:log", Range("lr", (), 1e-4, 1e-2, log=True)),
        ("batch-tokens=256:4096:log", Range("batch_tokens", (), 256, 4096, log=True, whole=True)),
        ("tied=true,false", Range("tied", (True, False))),
        ("cell=gru,lstm", Range("cell", ("gru", "lstm"))),
    ],
)
def test_a_range_is_read_as_it_is_typed(text, expected):
    assert value_range.parse(text) == expected


@pytest.mark.parametrize(
    "text, said",
    [
        ("width", "--space has 'width'; expected NAME=VALUE,VALUE"),
        ("widht=1,2", "'widht' cannot be searched; expected one of activation"),
        ("family=lstm", "'family' cannot be searched"),
        ("width=1.5,2", "--width cannot be '1.5'; expected a whole number"),
        ("cell=gru,elman", "--cell cannot be 'elman'; expected rnn, gru, lstm"),
        ("tied=yes,no", "--tied cannot be 'yes'; expected true, false"),
        ("cell=gru:lstm", "--space has 'cell=gru:lstm'; expected cell=VALUE,VALUE"),
        ("dropout=0.4:0.1", "is no range; expected LOW below HIGH"),
        ("dropout=0:0.1:log", "is no range; expected LOW below HIGH, and above 0"),
        ("width=8,8", "names a value twice"),
    ],
)
def test_a_range_that_is_none_is_named(text, said):
    with pytest.raises(InputError) as raised:
        value_range.parse(text)
    assert said in str(raised.value)


def test_what_is_given_is_not_searched():
    assert {"width", "lr", "cell", "dropout"} <= names("")
    assert not {"width", "lr", "cell"} & names("--width 64 --lr 0.001 --cell gru")
    asked = next(each for each in space.of(tune("--space width=8,16")) if each.name == "width")
    assert asked.values == (8, 16)


def test_smoothing_is_searched_where_the_objective_does_not_change_with_it():
    assert "smoothing" not in names("--objective val_loss")
    assert "smoothing" in names("--objective val_perplexity")


@pytest.mark.parametrize("family", models.FAMILIES)
@pytest.mark.parametrize("pipeline", ["quickstart", "translate"])
def test_every_value_of_every_family_makes_settings_of_translate_that_work(family, pipeline):
    settings = tune(f"--pipeline {pipeline} --model {family} --objective val_perplexity")
    ranges = space.of(settings)
    assert {"width", "dropout", "lr", "optimizer", "schedule", "smoothing"} <= {each.name for each in ranges}
    assert ("heads" in {each.name for each in ranges}) == families.takes(family, "heads")
    for each in ranges:
        for value in each.tried:
            checks.translate(defaults.trial(settings, family, {each.path: value}, defaults.folder(settings)))


def test_several_families_ask_each_only_what_it_takes():
    settings = tune("--model lstm transformer")
    ranges, both = space.of(settings), ("lstm", "transformer")
    for family in both:
        hp = keras_tuner.HyperParameters()
        hp.values = {"model": family}
        chosen, values = space.declare(hp, ranges, both)
        assert chosen == family and None not in values.values()
        assert ("model.heads" in values) == (family == "transformer")
        assert ("model.cell" in values) == (family == "lstm")
        assert ("cell" in hp.values) == (family == "lstm")


def test_a_drawn_value_is_one_of_the_space_and_short():
    hp = keras_tuner.HyperParameters()
    hp.values = {"layer_norm": 1, "lr": 0.00123456}
    assert Range("layer_norm", (False, True)).ask(hp) is True
    assert Range("lr", (), 1e-4, 1e-2, log=True).ask(hp) == 0.00123


def test_the_search_begins_at_the_pipelines_own_settings():
    asked = defaults.baseline(tune("--minutes 5"))
    assert asked.model == Quickstart.model and asked.lr == Quickstart.lr and asked.schedule == "deadline"
    assert asked.batch_tokens == Quickstart.batch_tokens and asked.score == "edits"
    asked = defaults.baseline(tune("--pipeline translate --epochs 3"))
    assert asked.model == Translate.model and asked.schedule == Translate.schedule and asked.epochs == 3


def test_a_budget_of_time_lets_time_end_the_trial():
    assert defaults.baseline(tune()).epochs == defaults.EPOCHS
    assert defaults.baseline(tune("--minutes 2")).epochs > defaults.EPOCHS
    schedules = {each.name: each.values for each in space.of(tune("--minutes 2"))}["schedule"]
    assert "deadline" in schedules and "cosine" not in schedules


@pytest.mark.parametrize(
    "line, said",
    [
        ("--width 64 --space width=8,16", "--space width=8,16 and --width were given"),
        ("--space heads=2,4", "--heads is not for --model attention"),
        ("--model transformer --space width=100,128", "--width is 100 and --heads 8"),
        ("--model transformer --space width=33,64", "--width is 33"),
    ],
)
def test_what_cannot_be_together_is_named_before_the_search(line, said):
    with pytest.raises(InputError) as raised:
        space.of(tune(line))
    assert said in str(raised.value)


def test_values_that_cannot_be_with_a_given_flag_are_left_out():
    heads = next(each for each in space.of(tune("--model transformer --width 36")) if each.name == "heads")
    assert heads.values == (2, 4)
    attention = {each.name: each.values for each in space.of(tune("--model bahdanau"))}["attention"]
    assert attention == ("additive", "general")

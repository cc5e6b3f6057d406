"""Flags of a model and of an objective: what they build, who takes them, what is refused."""

import json
import shlex
from typing import get_args

import pytest

from pipelines import checks, families, objective, quickstart, runs, settings
from pipelines.__main__ import parse
from pipelines.settings import Model, Translate
from seq2seq_keras import models
from seq2seq_keras.errors import InputError


def translate(flags: str) -> Translate:
    return parse(["translate", "--output=nowhere", *shlex.split(flags)])[1]


def test_the_command_line_names_every_builder():
    assert get_args(settings.Family) == tuple(models.FAMILIES)


def test_every_flag_is_an_argument_of_some_builder():
    taken = {name for family in models.FAMILIES for name in families.own(family)}
    flags = {name for name in vars(Model()) if any(families.takes(family, name) for family in models.FAMILIES)}
    assert flags == set(vars(Model())) - {"family"}
    assert taken <= flags


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("", {"width": 256, "depth": 3, "norm": "pre"}),
        ("--model sutskever --no-reverse", {"width": 1000, "depth": 4, "reverse": False}),
        ("--model luong --attention dot --width 20", {"attention": "dot", "width": 20, "input_feeding": True}),
        ("--model attention --coverage=true --copy", {"coverage": True, "copy": True}),
        ("--model transformer_tiny --positions rotary --memory-heads 2", {"positions": "rotary", "memory_heads": 2}),
    ],
)
def test_what_is_not_given_is_as_the_family_has_it(flags, expected):
    found = families.arguments(translate(flags).model)
    assert {name: found[name] for name in expected} == expected


def test_flags_of_cells_are_one_cell_of_the_familys_own_kind():
    cell = families.arguments(translate("--model cho --residual --layer-norm --recurrent-dropout 0.2").model)["cell"]
    assert (cell.kind, cell.residual, cell.normalize, cell.recurrent_dropout) == ("gru", True, True, 0.2)
    assert families.arguments(translate("--model cho --cell rnn").model)["cell"].kind == "rnn"


def test_quickstart_passes_every_flag_on():
    asked = parse(shlex.split("quickstart --model luong --cell gru --no-input-feeding --r-drop 2 --sampling linear"))[1]
    passed = quickstart.as_translation(asked)
    assert (passed.model.family, passed.model.cell, passed.model.input_feeding) == ("luong", "gru", False)
    assert (passed.objective.r_drop, passed.objective.sampling) == (2.0, "linear")
    assert passed.model.width == 128


REFUSED = {
    "--cell gru": "--cell is not for --model transformer; expected it with one of lstm, sutskever, cho, attention",
    "--model lstm --heads 2": "--heads is not for --model lstm; expected it with one of transformer, transformer_tiny",
    "--model bahdanau --no-input-feeding": "expected it with one of attention, luong",
    "--model lstm --recurrent-dropout 1": "--recurrent-dropout is 1.0",
    "--model attention --coverage-loss -1": "--coverage-loss is -1.0",
    "--memory-heads 3": "--heads is 4 and --memory-heads 3",
    "--width 12 --positions rotary": "heads of width 3",
    "--positions learned --max-source 600": "texts of up to 600",
    "--model lstm --bidirectional --width 7": "an even number",
    "--model cho --bridge zero": "last, mean, max, attention",
    "--model luong --depth 2 --decoder-depth 3": "Raise --depth",
    "--model attention --attention dot --coverage": "expected --attention additive",
    "--model bahdanau --attention scaled": "Add --no-bidirectional",
    "--model bahdanau --bridge copy": "Add --no-bidirectional",
    "--model attention --copy --tokens.no-shared": "--tokens.no-shared",
    "--r-drop 0": "--r-drop is 0",
    "--sampling-k 1": "Add --sampling",
    "--sampling exponential --sampling-k 2": "from 0 to 1",
    "--sampling linear --sampling-k inf": "--sampling-k is inf with --sampling linear; expected 0 or more",
    "--sampling inverse-sigmoid --sampling-k 0.5": "1 or more",
    "--sampling linear --sampling-by step": "Add it",
    "--sampling constant --sampling-floor 0.1": "expected --sampling linear",
    "--sampling linear --sampling-floor 2": "--sampling-floor is 2",
}


@pytest.mark.parametrize("flags", REFUSED)
def test_what_cannot_be_built_is_refused_by_name(flags):
    with pytest.raises(InputError) as refused:
        checks.translate(translate(flags))
    assert REFUSED[flags] in str(refused.value)


def test_objectives_are_nested_and_counted_as_asked():
    assert type(objective.loss(translate(""), 7)).__name__ == "CrossEntropy"
    made = objective.loss(translate("--sampling linear --sampling-floor 0.3 --r-drop 5 --seed 4"), 7)
    assert (made.loss.alpha, made.schedule.k, made.schedule.floor) == (5.0, 0.05, 0.3)
    assert (made.steps_per_epoch, made.seed) == (7, 4)
    free = objective.loss(translate("--sampling constant --sampling-k 0 --sampling-by step"), 7)
    assert (free.schedule.share, free.steps_per_epoch) == (0, None)


def test_the_summary_counts_by_part_and_says_what_is_held():
    small = families.build(Model("lstm", width=4, depth=1), 10, None)  # LSTMs of 4 (4 * 4 + 4 * 4 + 4) numbers
    assert families.summary(small, "lstm") == [
        "model: lstm, 328 parameters (embedding 40, encoder 144, decoder 144), float32",
        "state of the decoder: 8 numbers from step to step",
    ]
    looking = families.build(Model("transformer", width=4, depth=2, heads=2, memory_heads=1), 10, 12)
    assert families.summary(looking, "transformer")[1] == "state of the decoder: 8 numbers more with every step"


OLD = {"model": "attention", "width": 256, "depth": None, "decoder_depth": None, "heads": 4, "inner": None}
OLD |= {"cell": "lstm", "dropout": 0.3, "tied": True}


@pytest.mark.parametrize("flags", ["--model attention --dropout 0.3", "--model attention --dropout 0.3 --width 256"])
def test_settings_of_runs_that_began_when_sizes_stood_beside_the_family_are_read(tmp_path, flags):
    asked = translate(flags)
    before = runs.plain(asked)
    del before["objective"]
    (tmp_path / "settings.json").write_text(json.dumps(before | OLD))
    runs.same_settings(tmp_path, asked)
    assert runs.family(before | OLD) == runs.family(runs.plain(asked)) == "attention"
    with pytest.raises(InputError, match="--cell was None and is now gru"):
        runs.same_settings(tmp_path, translate(f"{flags} --cell gru"))
    with pytest.raises(InputError, match="--model was attention and is now luong"):
        runs.same_settings(tmp_path, translate(flags.replace("attention", "luong")))

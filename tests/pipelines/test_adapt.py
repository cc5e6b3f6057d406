"""A trained run as the beginning of another, and what of a model learns."""

import dataclasses
import json

import numpy as np
import pytest

from pipelines import adapt, runs
from pipelines.__main__ import main
from pipelines.settings import Adapt, Model, Translate, Vocabulary
from seq2seq_keras import data, tasks, training
from seq2seq_keras.errors import InputError
from seq2seq_keras.training import snapshots
from tests.pipelines.conftest import arguments


def read(path):
    return json.loads(path.read_text())


def weights(folder) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy() for weight in tasks.TextToText.load(folder / "model").model.weights}


def found_in(weights: dict[str, np.ndarray], path) -> bool:
    """Whether a file of weights or of training state has a model of these."""
    held = [array for name, array in snapshots.read(path).arrays.items() if name.startswith("model/")]
    return all(any(np.array_equal(array, one) for one in held) for array in weights.values())


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    """Pairs of another task, in the same words."""
    folder = tmp_path_factory.mktemp("domain")
    for name, count, seed in (("train", 60, 3), ("valid", 10, 4)):
        corpus = data.copy_pairs(count, seed)
        for side in ("source", "target"):
            (folder / f"{name}.{side}").write_text("\n".join(getattr(corpus, side)) + "\n")
    return folder


def command(domain, output, *more: str) -> list[str]:
    """Trains on the other task without saying which model: that is the run's."""
    made = arguments(domain, output, "--epochs", "1", "--average", "1", "--decode-rows", "0", *more)
    for flag in ("--model", "--width", "--tokens.kind"):
        del made[made.index(flag) : made.index(flag) + 2]
    return made


@pytest.fixture(scope="module")
def adapted(place, domain, tmp_path_factory):
    output, said = tmp_path_factory.mktemp("adapted") / "run", ("--lora", "2", "--ema", "0.9", "--accumulate", "2")
    asked = command(domain, output, f"--init={place.run}", *said, "--checkpoint-every", "1", "--dropout", "0.2")
    assert main(asked) == 0
    return asked, output


def test_adapters_learn_another_task_and_what_is_saved_is_an_ordinary_model(place, adapted, capfd):
    asked, output = adapted
    before, after = weights(place.run), weights(output)
    assert [array.shape for array in before.values()] == [array.shape for array in after.values()]
    for (path, one), other in zip(before.items(), after.values()):
        # energy is a column: an adapter would be larger than it.
        kept = not path.endswith("kernel") or "energy" in path
        assert np.array_equal(one, other) == kept, path
    assert (
        tasks.TextToText.load(output / "model").source.pieces
        == tasks.TextToText.load(place.run / "model").source.pieces
    )
    assert found_in(after, output / "best" / "weights.npz")  # averages; training goes on from others
    assert not found_in(after, training.files(output / "checkpoints")[-1])
    model = read(output / "settings.json")["model"]
    assert model == read(place.run / "settings.json")["model"] | {"dropout": 0.2}

    assert main(asked) == 0
    printed = capfd.readouterr().out
    assert (
        "resumed" in printed and "learns: adapters of rank 2 for" in printed and f"begins with: {place.run}" in printed
    )


def test_other_adapters_than_the_run_began_with_are_refused_by_name(adapted, capfd):
    asked, _ = adapted
    changed = [*asked]
    changed[changed.index("--lora") + 1] = "3"
    assert main([*changed, "--freeze"]) == 2
    assert "--lora was 2 and is now 3" in capfd.readouterr().err


@pytest.mark.slow
def test_frozen_parts_of_the_run_stay_and_all_others_learn(place, domain, tmp_path):
    asked = command(domain, tmp_path / "run", f"--init={place.run}", "--freeze", "encoder", "*embedding")
    assert main(asked) == 0
    before, after = weights(place.run), weights(tmp_path / "run")
    for (path, one), other in zip(before.items(), after.values()):
        assert np.array_equal(one, other) == path.startswith(("encoder/", "embedding/")), path


def test_a_name_that_no_weight_has_is_refused_before_anything_is_written(place, domain, tmp_path, capfd):
    assert main(command(domain, tmp_path / "run", f"--init={place.run}", "--freeze", "encodr")) == 2
    message = capfd.readouterr().err
    assert "no weight is called 'encodr'" in message and "encoder/stack" in message
    assert not (tmp_path / "run" / "settings.json").exists()


def begun(folder, **settings) -> Translate:
    """A run that was finished with these settings, as far as `inherited` looks."""
    (folder / "model").mkdir(parents=True)
    made = Translate(folder, **settings)
    runs.write_json(folder / "settings.json", runs.plain(made))
    return made


def test_model_vocabulary_and_vectors_are_those_of_the_run_and_dropout_may_be_given(tmp_path):
    before = begun(tmp_path / "old", model=Model("luong", width=8, dropout=0.3), tokens=Vocabulary("words"))
    usual = Translate(tmp_path / "new")
    asked = dataclasses.replace(usual, adapt=Adapt(init=tmp_path / "old"), lr=0.5)
    found = adapt.inherited(asked, usual)
    assert (found.model, found.tokens, found.lr, found.output) == (before.model, before.tokens, 0.5, usual.output)
    found = adapt.inherited(dataclasses.replace(asked, model=Model(dropout=0.0)), usual)
    assert found.model == dataclasses.replace(before.model, dropout=0.0)
    assert adapt.inherited(usual, usual) is usual


@pytest.mark.parametrize(
    "said,complaint",
    [
        ({"model": Model(width=16)}, "--width is 16 and that of the run is 8"),
        ({"model": Model("lstm")}, "--model is lstm and that of the run is luong"),
        ({"tokens": Vocabulary("bytes")}, "--tokens and --init were both given"),
        ({"source_vectors": "glove.txt"}, "vectors and --init were both given"),
    ],
)
def test_what_is_the_run_s_is_not_to_be_given(tmp_path, said, complaint):
    begun(tmp_path / "old", model=Model("luong", width=8), tokens=Vocabulary("words"))
    usual = Translate(tmp_path / "new")
    with pytest.raises(InputError, match=complaint):
        adapt.inherited(dataclasses.replace(usual, adapt=Adapt(init=tmp_path / "old"), **said), usual)


@pytest.mark.parametrize(
    "adapted,complaint",
    [
        (Adapt(accumulate=1), "--accumulate is 1; expected 2 or more"),
        (Adapt(ema=1.0), "--ema is 1.0; expected more than 0 and below 1"),
        (Adapt(lora_alpha=4.0), "--lora-alpha without --lora"),
        (Adapt(lora_on=("decoder",)), "--lora-on without --lora"),
        (Adapt(lora=0, init="runs/old"), "--lora is 0"),
        (Adapt(lora=2, lora_alpha=0.0, init="runs/old"), "--lora-alpha is 0.0"),
        (Adapt(lora=2), "--lora without --init"),
        (Adapt(lora=2, init="runs/old", freeze=("encoder",)), "--freeze with --lora"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused_by_name(tmp_path, adapted, complaint):
    with pytest.raises(InputError, match=complaint):
        adapt.check(Translate(tmp_path, adapt=adapted))


def test_two_averages_are_one_too_many(tmp_path):
    with pytest.raises(InputError, match="--ema and --average"):
        adapt.check(Translate(tmp_path, adapt=Adapt(ema=0.9), average=2))


def test_a_run_that_is_none_or_not_finished_is_refused(tmp_path):
    usual = Translate(tmp_path / "new")
    asked = dataclasses.replace(usual, adapt=Adapt(init=tmp_path / "old"))
    with pytest.raises(InputError, match="no such file"):
        adapt.inherited(asked, usual)
    (tmp_path / "old").mkdir()
    runs.write_json(tmp_path / "old" / "settings.json", {})
    with pytest.raises(InputError, match="not finished"):
        adapt.inherited(asked, usual)


def test_a_run_from_before_these_settings_resumes(tmp_path):
    settings = Translate(tmp_path)
    before = runs.plain(settings)
    del before["adapt"]
    runs.write_json(tmp_path / "settings.json", before)
    runs.same_settings(tmp_path, settings)
    with pytest.raises(InputError, match="--ema was None and is now 0.9"):
        runs.same_settings(tmp_path, dataclasses.replace(settings, adapt=Adapt(ema=0.9)))

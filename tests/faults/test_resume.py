"""Row 20: a run goes on with the settings, pairs and vocabularies it began with, or it is refused and each difference
is named."""

import re

import pytest

from pipelines import runs
from pipelines.settings import Translate
from seq2seq_keras.errors import InputError

PRINTS = {"train": "1", "valid": "", "vocabulary": "a b"}


@pytest.fixture
def begun(tmp_path):
    runs.write_json(tmp_path / "settings.json", runs.plain(Translate(output="run")))
    runs.write_json(tmp_path / "data.json", {"fingerprints": PRINTS})
    return tmp_path


CHANGES = {
    "settings": ({"lr": 0.5, "batch_tokens": 7, "seed": 9}, ["--batch-tokens was 4096 and is now 7", "--lr", "--seed"]),
    "nothing that matters": ({"epochs": 99, "minutes": 5.0}, []),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_other_settings_are_refused_by_name(begun, kind):
    changes, told = CHANGES[kind]
    if not told:
        runs.same_settings(begun, Translate(output="run", **changes))
        return
    with pytest.raises(InputError, match="the run began with other settings") as refused:
        runs.same_settings(begun, Translate(output="run", **changes))
    found = re.findall(r"--[\w-]+ was \S+ and is now \S+", str(refused.value))
    assert len(found) == len(changes) and all(part in str(refused.value) for part in told)


@pytest.mark.parametrize("name", PRINTS)
def test_other_pairs_and_vocabularies_are_refused_by_name(begun, name):
    runs.same_data(begun, PRINTS)
    with pytest.raises(InputError, match=f"{name} changed since the run began"):
        runs.same_data(begun, PRINTS | {name: "other"})

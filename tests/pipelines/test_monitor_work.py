"""Useful work counted from a model's own matrices, against the formulas; and the share of the machine's rate."""

import pytest

from pipelines import families, peak
from pipelines.bench import fit, flops
from pipelines.monitor import utilisation
from pipelines.settings import Bench, Model
from seq2seq_keras import models, training
from seq2seq_keras.models import FAMILIES

SIZES = {"width": 64, "depth": 2, "vocabulary": 500}


@pytest.mark.parametrize("family", ["lstm", "attention", "transformer"])
def test_work_of_a_pair_is_that_of_the_formula_without_products_of_activations(family):
    model = fit.build(family, Bench(width=SIZES["width"], depth=SIZES["depth"]), SIZES["vocabulary"])
    formula = flops.training(flops.Sizes(family, **SIZES), [11], [13])
    looks = {
        "lstm": 0,
        "attention": SIZES["width"] * 11 * 13,
        "transformer": SIZES["depth"] * 2 * SIZES["width"] * (11 * 11 + 13 * 14 / 2 + 11 * 13),
    }[family]
    assert utilisation.of_pair(model, 11, 13) == pytest.approx(formula - 6 * looks)
    assert 6 * looks < 0.06 * formula


@pytest.mark.parametrize("family", sorted(name for name in FAMILIES if "_" not in name))
def test_every_family_has_work_that_grows_with_both_sides(family):
    model = families.build(Model(family, width=16, depth=1), 50, None)
    work = utilisation.of_pair(model, 5, 5)
    assert work < utilisation.of_pair(model, 9, 5) and work < utilisation.of_pair(model, 5, 9)


def test_utilisation_is_useful_work_a_second_by_the_rate_of_products(monkeypatch):
    monkeypatch.setattr(peak, "measured", lambda dtype: {"float32": 1e9}[dtype])
    model, throughput = models.lstm(50, width=8, depth=1), training.Throughput()
    figure = utilisation.utilisation({"pairs": 10, "source_ids": 60, "target_ids": 40}, throughput)
    assert figure(model) == {}
    throughput.rate = 200.0  # of target tokens: 50 pairs a second
    assert figure(model)["utilisation"] == pytest.approx(50 * utilisation.of_pair(model, 6, 4) / 1e9)


def test_the_rate_of_products_is_measured_once(monkeypatch):
    asked = []

    def rate(rows, *others, **options):
        asked.append(rows)
        return 2e11

    monkeypatch.setattr(peak, "rate", rate)
    monkeypatch.setattr(peak, "measured", peak.functools.cache(peak.measured.__wrapped__))
    assert peak.measured("float32") == peak.measured("float32") == 2e11
    assert asked == [512, 1024]  # 2 * 1024 ** 3 operations take a hundredth of a second

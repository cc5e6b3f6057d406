"""The FLOP formulas against the built models' own matrices and against loops over positions."""

import itertools

import pytest

from pipelines.bench import fit, flops
from pipelines.settings import Bench

SOURCE, TARGET = 5, 7
SIZES = {"width": 8, "depth": 2, "vocabulary": 21}


def matrices(model) -> dict[str, int]:
    """Path to multiply-adds of each kernel of the model at one position. Tables are looked up, not multiplied."""
    kernels = {w.path: w.shape[0] * w.shape[1] for w in model.weights if len(w.shape) == 2}
    return {path: size for path, size in kernels.items() if not path.endswith("embeddings")}


def positions(path: str) -> int:
    """How many positions of the pair a kernel is multiplied with."""
    if "bridge" in path:
        return 1
    reads_source = path.startswith("encoder") or "source_attention_key_value" in path or "/memory/" in path
    return SOURCE if reads_source else TARGET


def linear(family: str) -> int:
    """Multiply-adds of all kernels and of the tied output. `energy` is applied to every pair of positions."""
    settings = Bench(width=SIZES["width"], depth=SIZES["depth"])
    model = fit.build(family, settings, SIZES["vocabulary"])
    total = SIZES["vocabulary"] * SIZES["width"] * TARGET
    for path, size in matrices(model).items():
        total += size * (SOURCE * TARGET if "energy" in path else positions(path))
    return total


def looks(family: str) -> int:
    """Multiply-adds of attention beside its kernels, position by position."""
    if family == "lstm":
        return 0
    pairs = itertools.product(range(TARGET), range(SOURCE))
    across = sum(SIZES["width"] for _ in pairs)  # the weighted sum; a head has its share of the width
    if family == "attention":
        return across
    within = sum(2 * SIZES["width"] for _ in itertools.product(range(SOURCE), repeat=2))
    causal = sum(2 * SIZES["width"] for q, k in itertools.product(range(TARGET), repeat=2) if k <= q)
    return SIZES["depth"] * (2 * across + within + causal)


@pytest.mark.parametrize("family", ["lstm", "attention", "transformer"])
def test_formula_counts_the_models_own_matrices(family):
    counted = flops.forward(flops.Sizes(family, **SIZES), [SOURCE], [TARGET])
    assert counted == 2 * (linear(family) + looks(family))


@pytest.mark.parametrize("family", ["lstm", "attention", "transformer"])
def test_pairs_add_up_and_training_is_three_times_forward(family):
    sizes = flops.Sizes(family, **SIZES)
    apart = flops.forward(sizes, [3], [4]) + flops.forward(sizes, [9], [2])
    assert flops.forward(sizes, [3, 9], [4, 2]) == pytest.approx(apart)
    assert flops.training(sizes, [3, 9], [4, 2]) == pytest.approx(3 * apart)

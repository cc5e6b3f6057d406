"""Which examples share a batch, and what a plan refuses."""

import numpy as np
import pytest

from seq2seq_keras.data import BatchPlan, Examples, Ragged, plan
from seq2seq_keras.errors import InputError

RANDOM = np.random.default_rng(3)
SOURCE, TARGET = RANDOM.integers(1, 30, 200), RANDOM.integers(0, 30, 200)


def indices(batches) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def test_an_epoch_is_a_pure_function_of_seed_and_number():
    one, other = BatchPlan(SOURCE, TARGET, 128, 5), BatchPlan(SOURCE, TARGET, 128, 5)
    last = indices(one.epoch(7))
    for epoch in range(3):
        one.epoch(epoch)
    assert last == indices(one.epoch(7)) == indices(other.epoch(7))


def test_epochs_and_seeds_differ_in_order_and_in_neighbours():
    plans = [BatchPlan(SOURCE // 8 + 1, TARGET // 8, 32, seed) for seed in (0, 1)]
    found = [indices(one.epoch(epoch)) for one in plans for epoch in range(3)]
    assert len({str(batches) for batches in found}) == 6
    assert len({str(sorted(map(sorted, batches))) for batches in found}) == 6


def test_the_batches_of_an_epoch_come_in_no_order_of_length():
    made = BatchPlan(SOURCE, TARGET, 128, 0)
    orders = [[int(TARGET[batch].max()) for batch in made.epoch(epoch)] for epoch in range(3)]
    assert sorted(orders[0]) not in orders
    assert orders[0] != orders[1] != orders[2]


def padding(made: BatchPlan, source, target) -> float:
    """Share of all positions, BOS's or EOS's included, that are padding."""
    positions = sum(len(batch) * (source[batch].max() + target[batch].max() + 1) for batch in made.ordered())
    return 1 - (source.sum() + target.sum() + len(target)) / positions


@pytest.mark.parametrize(
    "source, target, most",
    [
        pytest.param(np.rint(np.clip(RANDOM.gamma(10, 1.6, 9_000), 3, 60)).astype(int), None, 0.04, id="translation"),
        pytest.param(RANDOM.integers(300, 600, 2_000), RANDOM.integers(10, 30, 2_000), 0.03, id="summaries"),
        pytest.param(RANDOM.integers(5, 15, 2_000), RANDOM.integers(100, 200, 2_000), 0.03, id="stories"),
    ],
)
def test_little_is_padded_whichever_side_is_longer(source, target, most):
    if target is None:
        target = np.maximum(source + RANDOM.integers(-4, 5, len(source)), 1)
    assert padding(BatchPlan(source, target, 2_048, 0), source, target) < most


def test_long_pairs_of_different_length_change_neighbours_too():
    source, target = RANDOM.integers(300, 600, 4_000), RANDOM.integers(10, 30, 4_000)
    made = BatchPlan(source, target, 4_096, 0)
    first, second = ({tuple(sorted(batch)) for batch in indices(made.epoch(epoch))} for epoch in (0, 1))
    assert len(first & second) < len(first) / 2


def test_validation_order_is_always_the_same():
    one, other = BatchPlan(SOURCE, TARGET, 128, 0), BatchPlan(SOURCE, TARGET, 128, 1)
    assert indices(one.ordered()) == indices(other.ordered())
    assert sorted(np.concatenate(one.ordered()).tolist()) == list(range(200))


def test_a_batch_is_filled_as_long_as_the_next_example_fits():
    sizes = [len(batch) for batch in BatchPlan([4] * 10, [3] * 10, 16, 0).ordered()]
    assert sizes == [4, 4, 2]


def test_one_example_is_one_batch():
    one = BatchPlan([3], [0], 3, 0)
    assert len(one) == 1
    assert indices(one.epoch(0)) == indices(one.ordered()) == [[0]]


def test_an_example_exactly_as_long_as_the_budget_fits():
    assert len(BatchPlan([5, 5], [1, 4], 5, 0)) == 2


@pytest.mark.parametrize("source, target", [([2, 6], [2, 2]), ([2, 2], [2, 5])])
def test_an_example_over_the_budget_is_named_with_a_remedy(source, target):
    with pytest.raises(InputError, match="example 1 has 6 tokens and a batch has room for 5.*Raise the tokens"):
        BatchPlan(source, target, 5, 0)


def test_no_examples_and_a_negative_seed_are_refused():
    with pytest.raises(InputError, match="no examples"):
        BatchPlan([], [], 5, 0)
    with pytest.raises(InputError, match="seed is -1; expected 0 or more"):
        BatchPlan([1], [1], 5, -1)


def test_the_plan_of_examples_is_the_plan_of_their_lengths():
    examples = Examples(Ragged.from_rows([[5, 3], [5, 6, 3]]), Ragged.from_rows([[7], [8, 9]]))
    made = plan(examples, 8, 4)
    assert (made.tokens_per_batch, made.seed, len(made)) == (8, 4, 1)
    assert indices(made.epoch(1)) == indices(BatchPlan([2, 3], [1, 2], 8, 4).epoch(1))

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


def test_batches_share_their_target_length():
    spread = [np.ptp(TARGET[batch]) for batch in BatchPlan(SOURCE, TARGET, 256, 0).epoch(0)]
    assert max(spread) <= 5  # at random it would be near 29


def test_validation_order_is_from_short_to_long_and_always_the_same():
    one, other = BatchPlan(SOURCE, TARGET, 128, 0), BatchPlan(SOURCE, TARGET, 128, 1)
    assert indices(one.ordered()) == indices(other.ordered())
    targets = np.concatenate([TARGET[batch] for batch in one.ordered()])
    assert (np.diff(targets) >= 0).all()
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

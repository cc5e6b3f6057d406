"""Controls against plain Python, over random tables of probabilities: never violated, and the best that is allowed is
found."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_keras.context import EOS, PAD
from seq2seq_keras.decode import Beam, Greedy, generate
from seq2seq_keras.decode.controls import (
    Banned,
    MaxLength,
    MinLength,
    NoRepeat,
    Prefix,
    Prefixes,
    RepetitionPenalty,
    Shortlist,
    check,
)
from tests.units.decode.spelling import Table

SIZE, LENGTH = 7, 4
WORDS = (1, 4, 5, 6)
WIDE = len(WORDS) ** (LENGTH - 1) + SIZE
"""Holds every beginning of `LENGTH - 1` ids together with all that end beside them."""
SOURCES = np.array([[0, 5, 5, EOS], [1, 5, 5, EOS]], "int32")
COUNTS = (2, 3)
"""Ids of each source that count."""

words = st.sampled_from(WORDS)
control = st.one_of(
    st.builds(MinLength, st.integers(0, LENGTH), st.sampled_from([0.0, 0.5, 1.0])),
    st.builds(MaxLength, st.integers(1, LENGTH), st.sampled_from([None, 0.5, 1.0, 1.5])),
    st.builds(NoRepeat, st.integers(1, LENGTH)),
    st.builds(RepetitionPenalty, st.sampled_from([1.0, 1.3, 3.0])),
    st.builds(Banned, st.lists(st.lists(words, min_size=1, max_size=3), max_size=4)),
    st.builds(Banned, st.just(((4, EOS), (5, 6, EOS)))),
    st.builds(Prefix, st.lists(words, max_size=LENGTH - 1)),
    st.builds(Prefix, st.just((4, EOS))),
    st.builds(
        lambda rows: Prefixes(np.array([row + [0] * (3 - len(row)) for row in rows])),
        st.lists(st.lists(words, max_size=3), min_size=2, max_size=2),
    ),
    st.builds(Shortlist, st.lists(words, min_size=1, max_size=4)),
)
several = st.lists(control, min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**31)


def table(seed: int) -> Table:
    return Table(np.random.default_rng(seed).normal(0, 2.0, (2, LENGTH, SIZE, SIZE, SIZE)))


def obeyed(rule, ids: tuple[int, ...], row: int) -> bool:
    """Whether `ids`, with EOS or cut, are what the rule allows."""
    ended = ids[-1] == EOS
    body = ids[:-1] if ended else ids
    match rule:
        case MinLength():
            return not ended or len(body) >= max(rule.length, rule.of_source * COUNTS[row])
        case MaxLength():
            return len(body) <= min(rule.length, (rule.of_source or 99) * COUNTS[row])
        case NoRepeat(size):
            runs = [body[i : i + size] for i in range(len(body) - size + 1)]
            return len(set(runs)) == len(runs)
        case Banned(phrases):
            return not any(ids[i : i + len(p)] == p for p in phrases for i in range(len(ids)))
        case Prefix(beginning):
            return ids[: len(beginning)] == beginning[: len(ids)] and (not ended or len(ids) >= len(beginning))
        case Prefixes():
            return obeyed(Prefix([int(i) for i in rule.ids[row] if i]), ids, row)
        case Shortlist(listed):
            return set(body) <= set(listed)
    return True


def rank(model: Table, rules, ids: tuple[int, ...], row: int) -> float:
    """Log probability with what repetition costs."""
    gains = model.log_probs(row, ids)
    for rule in rules:
        if isinstance(rule, RepetitionPenalty):
            gains = [gain * (rule.factor if i in ids[:n] else 1.0) for n, (gain, i) in enumerate(zip(gains, ids))]
    return sum(gains)


def best(model: Table, rules, row: int, penalty: float) -> tuple[float, tuple[int, ...]] | None:
    """The best allowed hypothesis: one that ends, or else one that was cut."""
    ended = [(*body, EOS) for n in range(LENGTH) for body in itertools.product(WORDS, repeat=n)]
    for every in (ended, list(itertools.product(WORDS, repeat=LENGTH))):
        allowed = [ids for ids in every if all(obeyed(rule, ids, row) for rule in rules)]
        if allowed:
            return max((rank(model, rules, ids, row) / ((5 + len(ids)) / 6) ** penalty, ids) for ids in allowed)
    return None


def said(ids) -> tuple[int, ...]:
    return tuple(int(i) for i in ids if i != PAD)


def compatible(rules) -> bool:
    try:
        check(rules)
    except ValueError:
        return False
    return True


@settings(deadline=None, max_examples=60)
@given(seeds, several.filter(compatible), st.sampled_from([0.0, 1.0]))
def test_a_wide_beam_finds_the_best_that_the_controls_allow(seed, rules, penalty):
    model = table(seed)
    hypotheses = generate(model, SOURCES, Beam(WIDE, penalty, controls=rules), LENGTH)
    for row in range(2):
        expected, ids = best(model, rules, row, penalty), said(np.asarray(hypotheses.ids)[row, 0])
        if expected is None:
            assert ids == () and np.isneginf(np.asarray(hypotheses.scores)[row, 0])
        else:
            assert ids == expected[1]
            np.testing.assert_allclose(np.asarray(hypotheses.scores)[row, 0], expected[0], atol=1e-4)


@settings(deadline=None, max_examples=60)
@given(seeds, several.filter(compatible), st.integers(0, 4))
def test_no_control_is_ever_violated(seed, rules, width):
    """Width 0 is greedy search."""
    model = table(seed)
    search = Beam(width, 0.6, n_best=width, controls=rules) if width else Greedy(rules)
    hypotheses = generate(model, SOURCES, search, LENGTH)
    for row, place in itertools.product(range(2), range(search.n_best)):
        ids = said(np.asarray(hypotheses.ids)[row, place])
        if not ids:
            assert np.isneginf(np.asarray(hypotheses.scores)[row, place])
            continue
        assert all(obeyed(rule, ids, row) for rule in rules)
        true = sum(model.log_probs(row, ids))
        np.testing.assert_allclose(np.asarray(hypotheses.log_probs)[row, place], true, atol=1e-4)

"""Intervals and tests of chance, against figures from the literature and by hand."""

import numpy as np
import pytest

from knowledge.evaluation.intervals import difference, interval, mcnemar, randomisation, wilson

pytestmark = pytest.mark.unit


def test_wilson_by_hand():
    low, high = wilson(81, 263)  # Newcombe (1998), table I: .2553 to .3662
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert 0.6 < wilson(10, 10)[0] < 0.8


def test_shares_have_wilsons_interval_and_means_the_bootstraps():
    assert interval([1.0] * 5) == wilson(5, 5)
    generator = np.random.default_rng(3)
    values = generator.random(200)
    low, high = interval(list(values))
    error = 1.96 * values.std() / np.sqrt(200)
    assert low == pytest.approx(values.mean() - error, abs=0.01)
    assert high == pytest.approx(values.mean() + error, abs=0.01)
    assert interval(list(values)) == (low, high)


def test_mcnemar_is_exact():
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(1, 0) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    assert mcnemar(2, 10) == pytest.approx(2 * (1 + 12 + 66) / 4096)
    assert mcnemar(5_000, 4_000) < 1e-20


def test_randomisation_is_exact_for_few_and_near_for_many():
    assert randomisation(np.array([])) == 1.0
    assert randomisation(np.array([0.5, 0.25])) == 0.5
    assert randomisation(np.full(8, 0.3)) == pytest.approx(2 / 256)
    assert randomisation(np.full(40, 0.1)) < 0.001
    assert randomisation(np.tile([0.1, -0.1], 30)) > 0.9


def test_a_difference_is_paired():
    before, after = [1.0, 0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0, 1.0]
    found = difference(before, after)
    assert (found.before, found.after, found.better, found.worse, found.questions) == (0.6, 0.8, 2, 1, 5)
    assert found.p == 1.0
    assert not found.significant
    assert found.interval[0] < found.by < found.interval[1]


def test_nothing_changed_and_everything_did():
    same = difference([0.5, 1.0], [0.5, 1.0])
    assert (same.by, same.p, same.interval) == (0.0, 1.0, (0.0, 0.0))
    fell = difference([1.0] * 20, [0.25] * 20)
    assert fell.by == -0.75
    assert fell.significant


def test_ten_thousand_questions_take_no_time():
    generator = np.random.default_rng(1)
    values = (generator.random(10_000) < 0.9).astype(float) * 0.5
    low, high = interval(list(values))
    assert high - low < 0.01

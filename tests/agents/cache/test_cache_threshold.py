"""How the threshold follows what reviewers say."""

import pytest

from agents.cache.threshold import DEFAULT, EXACT_ONLY, PRIOR, learnt, upper_bound


@pytest.mark.parametrize(
    ("wrong", "trials", "bound"), [(0, 299, 0.00997), (0, 100, 0.02951), (3, 100, 0.07571), (5, 5, 1.0), (0, 0, 1.0)]
)
def test_the_bound_is_clopper_and_pearsons(wrong, trials, bound):
    assert upper_bound(wrong, trials) == pytest.approx(bound, abs=1e-4)


def test_before_there_are_verdicts_the_prior_holds():
    assert learnt([], 0.01) == DEFAULT
    assert upper_bound(0, dict(PRIOR)[DEFAULT]) <= 0.01


def test_a_stricter_risk_than_anything_shows_allows_only_the_same_words():
    assert learnt([], 0.0001) == EXACT_ONLY


def test_wrong_hits_raise_it():
    wrong = [(0.55, False)] * 10
    assert learnt(wrong, 0.01) > 0.55
    assert learnt([(0.97, False)] * 40, 0.01) == EXACT_ONLY


def test_right_hits_bring_it_back():
    wrong = [(0.55, False)] * 10
    assert learnt([*wrong, *[(0.55, True)] * 3000], 0.01) == DEFAULT

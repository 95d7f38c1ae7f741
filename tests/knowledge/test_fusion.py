"""How scores are put on one scale and weighed."""

import numpy as np
import pytest

from knowledge.retrieval.fusion import LEG, best, fuse, to_unit_range


def test_range_is_from_the_last_candidate_to_the_first() -> None:
    scores = np.array([5, 1, 3, 2], np.float32)

    np.testing.assert_allclose(to_unit_range(scores), [1, 0, 0.5, 0.25])
    np.testing.assert_allclose(to_unit_range(scores, 2), [1, 0, 0, 0])


@pytest.mark.parametrize(("scores", "expected"), [([2, 2], [1, 1]), ([0, 0], [0, 0]), ([7], [1]), ([], [])])
def test_scores_that_do_not_differ(scores: list[float], expected: list[float]) -> None:
    assert to_unit_range(np.array(scores, np.float32)).tolist() == expected


def test_fusing_follows_the_weight() -> None:
    lexical, dense = np.array([1, 0.5, 0], np.float32), np.array([0.2, 0.9, 0.1], np.float32)

    assert fuse(lexical, dense, 0.0).argmax() == 0
    assert fuse(lexical, dense, 1.0).argmax() == 1
    np.testing.assert_allclose(fuse(lexical, dense, 0.4), [0.6 + 0.4 * 0.125, 0.3 + 0.4, 0], atol=1e-6)


def test_best_positions() -> None:
    scores = np.random.default_rng(5).normal(size=500).astype(np.float32)

    assert set(best(scores, LEG).tolist()) == set(np.argsort(-scores)[:LEG].tolist())
    assert best(scores[:3], LEG).tolist() == [0, 1, 2]

"""Passages of many documents before many of one."""

import numpy as np
import pytest

from knowledge.retrieval.diversity import discounted

SCORES = np.array([0.5, 1.0, 0.9, 0.8, 0.3], np.float32)
DOCUMENTS = np.array([7, 5, 5, 5, 9])


@pytest.mark.parametrize(
    ("diversity", "expected"),
    [
        (0.0, [0.5, 1.0, 0.9, 0.8, 0.3]),
        (0.5, [0.5, 1.0, 0.45, 0.2, 0.3]),
        (1.0, [0.5, 1.0, 0.0, 0.0, 0.3]),
    ],
)
def test_each_passage_costs_the_next_of_its_document(diversity: float, expected: list[float]) -> None:
    np.testing.assert_allclose(discounted(SCORES, DOCUMENTS, diversity), expected, rtol=1e-6)


def test_nothing_to_discount() -> None:
    assert discounted(SCORES[:0], DOCUMENTS[:0], 0.5).tolist() == []

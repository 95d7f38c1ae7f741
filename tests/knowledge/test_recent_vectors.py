"""Vectors of the last questions are taken up again."""

import numpy as np
import pytest

from knowledge.embedding.base import get_embedder
from knowledge.embedding.recent import KEPT, RecentVectors

pytestmark = pytest.mark.unit


def test_the_oldest_is_forgotten():
    recent = RecentVectors()
    for number in range(KEPT + 1):
        recent.put(np.array([number]), np.full(2, number, np.float32))
    assert recent.get(np.array([0])) is None
    assert recent.get(np.array([1])).tolist() == [1, 1]


def test_a_question_is_embedded_once_and_its_vector_is_the_same():
    embedder = get_embedder()
    asked = embedder.encode_query("How long does the lamp shine?").vector
    other = embedder.encode_texts(["Another text entirely"])
    again = embedder.encode_texts(["How long does the lamp shine?", "Another text entirely"])
    assert np.array_equal(again[0], asked)
    assert np.allclose(again[1], other[0], atol=1e-5)

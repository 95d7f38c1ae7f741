"""Encodings of the last questions are taken up again."""

import numpy as np
import pytest

from knowledge.embedding.base import QueryEncoding, get_embedder
from knowledge.embedding.recent import KEPT, RecentQueries

pytestmark = pytest.mark.unit


def test_the_oldest_is_forgotten():
    recent = RecentQueries()
    encoding = QueryEncoding(np.ones(2, np.float32), np.ones((1, 2), np.float32), np.array([1], np.int32), 1.0)
    for number in range(KEPT + 1):
        recent.put(np.array([number]), encoding)
    assert recent.get(np.array([0])) is None
    assert recent.get(np.array([1])) is encoding


def test_a_question_is_embedded_once_and_its_vector_is_the_same():
    embedder = get_embedder()
    encoding = embedder.encode_query("How long does the lamp shine?")
    assert embedder.encode_query("How long does the lamp shine?") is encoding
    asked = encoding.vector
    other = embedder.encode_texts(["Another text entirely"])
    again = embedder.encode_texts(["How long does the lamp shine?", "Another text entirely"])
    assert np.array_equal(again[0], asked)
    assert np.allclose(again[1], other[0], atol=1e-5)

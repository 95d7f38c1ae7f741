"""The vector index over FAISS against plain arithmetic."""

import numpy as np
import pytest

from knowledge.indexes.faiss import FaissIndex

RNG = np.random.default_rng(7)
VECTORS = RNG.normal(size=(50, 8)).astype(np.float32)
IDS = np.arange(100, 150)


@pytest.fixture
def index() -> FaissIndex:
    index = FaissIndex(8)
    index.add(IDS, VECTORS)
    return index


def test_search_is_exact_and_in_order(index: FaissIndex) -> None:
    ids, scores = index.search(VECTORS[3], 5)

    products = VECTORS @ VECTORS[3]
    assert ids.tolist() == IDS[np.argsort(-products)[:5]].tolist()
    np.testing.assert_allclose(scores, np.sort(products)[::-1][:5], rtol=1e-5)


def test_removed_ids_are_gone_and_unknown_ones_ignored(index: FaissIndex) -> None:
    index.remove(np.array([103, 9999]))

    assert len(index) == 49
    assert 103 not in index.search(VECTORS[3], 50)[0]


def test_an_id_can_come_back_with_another_vector(index: FaissIndex) -> None:
    index.remove(np.array([103]))
    index.add(np.array([103]), 100 * VECTORS[:1])

    assert index.search(VECTORS[0], 1)[0].tolist() == [103]


def test_only_allowed_ids_are_found(index: FaissIndex) -> None:
    ids, _ = index.search(VECTORS[3], 10, allowed=[101, 149, 7])

    assert set(ids.tolist()) == {101, 149}
    assert index.search(VECTORS[3], 10, allowed=[])[0].tolist() == []


def test_more_than_there_are(index: FaissIndex) -> None:
    assert len(index.search(VECTORS[0], 500)[0]) == 50
    assert len(FaissIndex(8).search(VECTORS[0], 5)[0]) == 0


def test_a_copy_is_independent(index: FaissIndex) -> None:
    copy = index.copy()
    copy.remove(IDS)

    assert (len(index), len(copy)) == (50, 0)
    assert 103 in index.search(VECTORS[3], 50)[0]

"""The vector index over FAISS against plain arithmetic."""

import numpy as np
import pytest

from knowledge.indexes import kinds
from knowledge.indexes.faiss import FaissIndex
from knowledge.indexes.kinds import Kind
from knowledge.indexes.packing import pack, unpack
from knowledge.indexes.whitening import prior_of

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
    np.testing.assert_allclose(scores, np.sort(products)[::-1][:5], rtol=2e-3)


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


LARGE = {Kind.QUANTISED: 20, Kind.CELLS: 100, Kind.GRAPH: 20}  # vectors from which the tests use a kind


@pytest.fixture(params=list(LARGE))
def large(request, monkeypatch, settings) -> FaissIndex:
    """An index of 150 vectors of a kind that is meant for many more, 10 of which were added last."""
    monkeypatch.setattr(kinds, "FLAT_MOST", 20)
    monkeypatch.setattr(kinds, "QUANTISED_MOST", 40)
    monkeypatch.setattr("knowledge.indexes.faiss.LEAST", 20)
    settings.ASKWELL_INDEX_KIND = request.param
    index = FaissIndex(32)
    index.add(np.arange(140), MANY[:140])
    index.add(np.arange(140, 150), MANY[140:])
    assert index.kind is request.param
    assert index.tail.ntotal == 10
    return index


MANY = RNG.normal(size=(150, 32)).astype(np.float32)


def test_what_is_found_has_its_exact_score(large: FaissIndex) -> None:
    for wanted in (3, 77, 145):
        ids, scores = large.search(MANY[wanted], 10)

        assert ids[0] == wanted
        assert len(set(ids.tolist())) == 10
        np.testing.assert_allclose(scores, MANY[ids] @ MANY[wanted], rtol=1e-2, atol=1e-2)
        assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("allowed", [[1], list(range(0, 150, 3)), list(range(149)), [145, 146], []])
def test_filters_are_exact_and_never_find_too_few(large: FaissIndex, allowed: list[int], monkeypatch) -> None:
    for few in (0, 1000):
        monkeypatch.setattr("knowledge.indexes.faiss.FEW", few)
        ids, _ = large.search(MANY[0], 60, allowed=allowed)

        assert set(ids.tolist()) <= set(allowed)
        assert len(set(ids.tolist())) == min(60, len(allowed))


def test_all_there_is_can_be_asked_for(large: FaissIndex) -> None:
    assert sorted(large.search(MANY[0], 1000)[0].tolist()) == list(range(150))


def test_removed_ones_are_passed_over_wherever_they_are(large: FaissIndex) -> None:
    copy = large.copy()
    copy.remove(np.array([3, 145]))
    copy.add(np.array([3]), -MANY[3:4])

    assert len(copy) == 149
    assert copy.search(MANY[3], 149)[0][-1] == 3
    assert 145 not in copy.search(MANY[145], 149)[0]
    assert (large.search(MANY[3], 1)[0], large.search(MANY[145], 1)[0]) == (3, 145)


def test_it_is_trained_anew_as_it_grows(monkeypatch, settings) -> None:
    monkeypatch.setattr(kinds, "FLAT_MOST", 20)
    monkeypatch.setattr(kinds, "QUANTISED_MOST", 60)
    settings.ASKWELL_INDEX_KIND = kinds.AUTO
    index, seen = FaissIndex(32), []
    for first in range(0, 150, 5):
        index.add(np.arange(first, first + 5), MANY[first : first + 5])
        seen.append((index.kind, index.trained))

    assert list(dict.fromkeys(seen)) == [(Kind.FLAT, 0), (Kind.QUANTISED, 25), (Kind.CELLS, 75)]
    assert index.search(MANY[7], 1)[0] == 7
    assert len(index.search(MANY[7], 150)[0]) == 150


def test_an_index_can_be_kept_and_read_again(large: FaissIndex) -> None:
    large.remove(np.array([5]))

    again = unpack(*pack(large), prior_of("none", 32))

    for wanted in (3, 145):
        np.testing.assert_array_equal(again.search(MANY[wanted], 20)[0], large.search(MANY[wanted], 20)[0])
    assert again.kind is large.kind


def test_whether_flat_was_asked_for(monkeypatch, settings) -> None:
    monkeypatch.setattr(kinds, "FLAT_MOST", 20)
    settings.ASKWELL_INDEX_KIND = "flat"
    index = FaissIndex(32)
    index.add(np.arange(150), MANY)

    assert index.kind is Kind.FLAT


@pytest.mark.parametrize(
    ("wish", "count", "kind"),
    [
        ("auto", 10, "flat"),
        ("auto", 50_000, "flat"),
        ("auto", 50_001, "quantised"),
        ("auto", 1_000_000, "cells"),
        ("graph", 10, "flat"),
        ("graph", 60_000, "graph"),
        ("flat", 10**7, "flat"),
    ],
)
def test_the_kind_goes_by_size_and_by_setting(wish: str, count: int, kind: str, settings) -> None:
    settings.ASKWELL_INDEX_KIND = wish

    assert kinds.kind_for(count) == kind


def test_what_people_are_told(settings) -> None:
    said = str(kinds.report(Kind.FLAT, 2067, 6 << 20))
    settings.ASKWELL_INDEX_KIND = "graph"
    asked = str(kinds.report(Kind.GRAPH, 60_000, 1 << 30))

    assert said == "flat, exact, 2,067 passages, 6 MB: looking at every passage is fastest below 50,000"
    assert asked.endswith("60,000 passages, 1,024 MB: ASKWELL_INDEX_KIND asks for it")

"""Posting lists: the formula, growing, blocks."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from knowledge.indexes import postings as module
from knowledge.indexes.analysis import Terms
from knowledge.indexes.postings import Field, Neighbourhoods, Postings

RNG = np.random.default_rng(4)


def terms(rows: list[list[int]]) -> Terms:
    keys = np.array([key for row in rows for key in row], np.uint32)
    return Terms(keys, np.repeat(np.arange(len(rows), dtype=np.int32), [len(row) for row in rows]))


def field(rows: list[list[int]], step: int = 10**6) -> Field:
    grown = Field.empty()
    for first in range(0, len(rows), step):
        part = rows[first : first + step]
        grown = grown.grown(terms(part), len(part))
    return grown


def bm25(rows: list[list[int]], keys: list[int]) -> list[float]:
    mean = sum(map(len, rows)) / len(rows)
    scores = []
    for row in rows:
        total = 0.0
        for key in keys:
            found = sum(key in other for other in rows)
            idf = math.log(1 + (len(rows) - found + 0.5) / (found + 0.5))
            count = min(row.count(key), 255)
            total += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * len(row) / mean))
        scores.append(total)
    return scores


def test_scores_are_those_of_the_formula() -> None:
    rows = [[7, 7, 8], [8], [9, 9, 9, 9], []]

    scores, idf_sum = field(rows).scores(np.array([7, 8, 1000], np.uint32))

    assert idf_sum == pytest.approx(math.log(1 + 3.5 / 1.5) + math.log(1 + 2.5 / 2.5) + math.log(1 + 4.5 / 0.5))
    np.testing.assert_allclose(scores, bm25(rows, [7, 8, 1000]), rtol=1e-5)


@pytest.mark.parametrize("step", [1, 7, 64, 1000])
@pytest.mark.parametrize("block", [16, 1 << 16])
def test_however_it_grew_the_scores_are_the_same(step: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    rows = [RNG.integers(0, 40, RNG.integers(0, 30)).tolist() for _ in range(150)]

    scores, _ = field(rows, step).scores(np.array([3, 4, 17, 99], np.uint32))

    np.testing.assert_allclose(scores, bm25(rows, [3, 4, 17, 99]), rtol=1e-4, atol=1e-6)


def test_a_full_block_is_never_touched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 64)
    full = field([[n % 5] for n in range(64)])

    grown = full.grown(terms([[1]] * 10), 10).grown(terms([[2]] * 10), 10)

    assert grown.segments[0] is full.segments[0]
    assert [segment.size for segment in grown.segments] == [64, 20]


def test_small_steps_leave_few_segments() -> None:
    assert len(field([[n % 9, n % 7] for n in range(300)], 1).segments) <= 10


def test_growing_leaves_the_old_field_as_it_was() -> None:
    old = field([[1, 1], [2]])
    before, _ = old.scores(np.array([1], np.uint32))

    old.grown(terms([[1]]), 1)

    np.testing.assert_array_equal(old.scores(np.array([1], np.uint32))[0], before)


def test_a_term_more_often_than_a_byte_counts_is_kept() -> None:
    postings = Postings.compile(np.full(300, 5, np.uint32), np.zeros(300, np.int64), 0, 1)

    assert postings.counts.tolist() == [255]


def test_rows_may_come_in_any_order() -> None:
    grown = Field.empty().grown(Terms(np.array([5, 6, 5], np.uint32), np.array([1, 0, 0], np.int32)), 2)

    assert grown.found(np.array([5, 6, 7], np.uint32)).tolist() == [2, 1, 0]


def test_common_terms_are_left_out_of_large_fields_alone() -> None:
    key = np.array([1], np.uint32)

    assert field([[1]] * 10).scores(key, common=0.25)[0].all()
    assert not field([[1]] * 2000).scores(key, common=0.25)[0].any()
    assert field([[1]] * 2000).scores(key)[0].all()


def test_nothing_at_all() -> None:
    scores, idf_sum = Field.empty().scores(np.zeros(0, np.uint32))

    assert (len(scores), idf_sum) == (0, 0)
    assert Field.empty().grown(terms([]), 0).scores(np.array([1], np.uint32))[0].tolist() == []
    assert field([[], []]).scores(np.array([1], np.uint32))[0].tolist() == [0, 0]


@pytest.mark.parametrize("step", [7, 1000])
def test_terms_of_neighbours_count_for_a_part(step: int) -> None:
    rows = [RNG.integers(0, 30, RNG.integers(1, 25)).tolist() for _ in range(60)]
    places = Neighbourhoods(np.array([0, 5, 6, 59]), np.array([0, 4, 5, 58]), np.array([1, 7, 8, 60]), 0.3)
    keys = np.array([3, 17, 99], np.uint32)

    scores, idf_sum = field(rows, step).scores_among(keys, places)

    spans = list(zip(places.rows.tolist(), places.begins.tolist(), places.ends.tolist(), strict=True))
    lengths = [among(len, rows, span) for span in spans]
    expected = np.zeros(4)
    for key in (3, 17):
        found = sum(key in row for row in rows)
        idf = math.log(1 + (len(rows) - found + 0.5) / (found + 0.5))
        for n, span in enumerate(spans):
            count = among(lambda row, key=key: row.count(key), rows, span)
            expected[n] += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[n] / np.mean(lengths)))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)
    assert idf_sum == pytest.approx(field(rows).scores(keys)[1])


def among(measure: Callable[[list[int]], int], rows: list[list[int]], span: tuple[int, int, int]) -> float:
    row, begin, end = span
    own, together = measure(rows[row]), sum(map(measure, rows[begin:end]))
    return float(own + 0.3 * (together - own))


def test_rows_without_neighbours_score_as_they_do_alone() -> None:
    rows = [[7, 7, 8], [8], [9, 9, 9, 9], [7]]
    alone = Neighbourhoods(np.arange(4), np.arange(4), np.arange(1, 5), 0.3)

    among_none, _ = field(rows).scores_among(np.array([7, 8], np.uint32), alone)

    np.testing.assert_allclose(among_none, field(rows).scores(np.array([7, 8], np.uint32))[0], rtol=1e-5)

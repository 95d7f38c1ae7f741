"""BM25 over two fields, in one piece or grown."""

import math

import numpy as np
import pytest

from knowledge.indexes.analysis import Terms
from knowledge.indexes.lexical import Field, LexicalIndex, Postings

TEXTS = [
    "The battery lasts twelve hours.",
    "Returns are free within thirty days. Free returns!",
    "Battery, battery, battery: charge the battery.",
    "",
]


def field(rows: list[list[int]]) -> Field:
    keys = np.array([key for row in rows for key in row], np.uint32)
    owners = np.repeat(np.arange(len(rows), dtype=np.int32), [len(row) for row in rows])
    return Field.empty().grown(Terms(keys, owners), len(rows))


def test_scores_are_those_of_the_formula() -> None:
    grown = field([[7, 7, 8], [8], [9, 9, 9, 9]])

    scores, idf_sum = grown.scores(np.array([7, 8, 1000], np.uint32))

    idf_7, idf_8, idf_unknown = math.log(1 + 2.5 / 1.5), math.log(1 + 1.5 / 2.5), math.log(1 + 3.5 / 0.5)
    assert idf_sum == pytest.approx(idf_7 + idf_8 + idf_unknown, rel=1e-5)
    mean = 8 / 3
    expected = idf_7 * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / mean)) + idf_8 * 2.2 / (
        1 + 1.2 * (0.25 + 0.75 * 3 / mean)
    )
    assert scores[0] == pytest.approx(expected, rel=1e-5)
    assert scores[2] == 0


def test_growing_in_steps_is_the_same_as_at_once() -> None:
    rng = np.random.default_rng(1)
    texts = [" ".join(f"w{n}" for n in rng.integers(0, 60, 12)) for _ in range(120)]
    whole = LexicalIndex.empty("en").grown(texts)
    steps = LexicalIndex.empty("en")
    for first in range(0, 120, 7):
        steps = steps.grown(texts[first : first + 7])

    for query in ("w1 w2", "w59", "w33 w4 w5 unknown"):
        one, other = whole.scores(query), steps.scores(query)
        np.testing.assert_allclose(one.combined, other.combined, rtol=1e-4)
        assert one.idf_sum == pytest.approx(other.idf_sum, rel=1e-5)
    assert len(steps.words.segments) <= 4


def test_growing_leaves_the_old_index_as_it_was() -> None:
    old = LexicalIndex.empty("en").grown(TEXTS[:2])
    before = old.scores("battery").combined

    old.grown(["battery " * 9])

    np.testing.assert_array_equal(old.scores("battery").combined, before)


def test_words_and_letters_both_count() -> None:
    index = LexicalIndex.empty("en").grown(TEXTS)

    assert index.scores("battery").combined.argmax() == 2
    assert index.scores("returning").combined.argmax() == 1
    misspelt = index.scores("batery")
    assert misspelt.words.max() == 0
    assert misspelt.combined.argmax() in (0, 2)
    assert misspelt.combined.max() == pytest.approx(0.5)


@pytest.mark.parametrize("query", ["", "?!", "🙂"])
def test_a_query_without_words_finds_nothing(query: str) -> None:
    scores = LexicalIndex.empty("en").grown(TEXTS).scores(query)

    assert scores.combined.tolist() == [0, 0, 0, 0]
    assert scores.idf_sum == 0


def test_an_empty_index_answers() -> None:
    assert LexicalIndex.empty("en").scores("anything").combined.shape == (0,)


def test_a_term_more_often_than_a_byte_counts_is_kept() -> None:
    postings = Postings.compile(Terms(np.full(300, 5, np.uint32), np.zeros(300, np.int32)))

    assert postings.counts.tolist() == [255]


@pytest.mark.parametrize(
    ("query", "share"),
    [
        ("battery hours", 0),
        ("fridges", 1),
        ("bettery", 0),  # a slip
        ("dats", 1),  # too short to tell from "days"
        ("hour't 2019 zoo", 0),  # what a contraction leaves, a number and a short word
        ("", 0),
    ],
)
def test_share_of_unknown_words(query: str, share: float) -> None:
    assert LexicalIndex.empty("en").grown(TEXTS).unknown_share(query) == share


def test_unknown_words_weigh_by_rarity() -> None:
    index = LexicalIndex.empty("en").grown(TEXTS)

    assert index.unknown_share("battery fridges") > 0.5 > index.unknown_share("thirty days twelve fridges")


def test_many_unknown_words_are_not_all_looked_up_as_slips() -> None:
    index = LexicalIndex.empty("en").grown(TEXTS)

    assert index.unknown_share("xxxxx yyyyy bettery") == 1

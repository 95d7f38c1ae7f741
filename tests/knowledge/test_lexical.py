"""BM25 over two fields, in one piece or grown."""

import numpy as np
import pytest

from knowledge.indexes.lexical import AmongNeighbours, LexicalIndex
from knowledge.indexes.postings import Neighbourhoods

TEXTS = [
    "The battery lasts twelve hours.",
    "Returns are free within thirty days. Free returns!",
    "Battery, battery, battery: charge the battery.",
    "",
]


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
    assert misspelt.combined.max() == pytest.approx(0.6)


@pytest.mark.parametrize("query", ["", "?!", "🙂"])
def test_a_query_without_words_finds_nothing(query: str) -> None:
    scores = LexicalIndex.empty("en").grown(TEXTS).scores(query)

    assert scores.combined.tolist() == [0, 0, 0, 0]
    assert scores.idf_sum == 0


def test_an_empty_index_answers() -> None:
    assert LexicalIndex.empty("en").scores("anything").combined.shape == (0,)


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


def test_letters_of_words_that_only_ask_do_not_count() -> None:
    index = LexicalIndex.empty("de").grown(["Der Welschriesling ist ein Wein.", "Der Akku hält zwölf Stunden."])

    assert index.scores("welcher").combined.max() == 0
    assert index.scores("Welcher Akku").combined.argmax() == 1
    assert index.scores("welsch").combined.argmax() == 0


def test_words_that_ask_count_where_texts_have_them() -> None:
    index = LexicalIndex.empty("en").grown(["How your order is delivered.", "When your order is delivered."])

    assert index.scores("When is it delivered?").combined.argmax() == 1
    assert index.scores("How is it delivered?").combined.argmax() == 0


def test_a_row_among_neighbours_is_found_by_what_they_say() -> None:
    texts = ["The kettle X1 has a steel body.", "It holds two litres.", "The lamp is bright.", "It holds no water."]
    index = LexicalIndex.empty("en").grown(texts)
    rows = np.array([1, 3])

    among = AmongNeighbours(index, Neighbourhoods(rows, rows - 1, rows + 1, 0.3)).scores(
        "How much does the kettle hold?"
    )

    assert index.scores("kettle").words[1] == 0
    assert among.words[0] > among.words[1]
    assert among.combined[0] > among.combined[1]

"""The measures without a model tell plainly good answers from plainly bad ones."""

import pytest

from agents.evaluation.words import average_precision, measures_by_words, statements
from tests.agents.evaluation.examples import EXAMPLES, passages


@pytest.fixture(scope="module")
def shown():
    return passages()


def measured(shown, example, kind, names, expected=None, **options):
    question, wanted, _, answers = example
    given = [shown[name] for name in names]
    return measures_by_words(question, answers[kind], wanted if expected is None else expected, given, **options)


def order(shown, first):
    return [first, *(name for name in shown if name != first)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_good_answers_are_faithful_and_bad_ones_are_not(shown, example):
    names = order(shown, example[2])[:2]
    assert measured(shown, example, "good", names)["faithfulness"] == 1.0
    assert measured(shown, example, "wrong", names)["faithfulness"] == 0.0
    assert measured(shown, example, "invented", names)["faithfulness"] == 0.0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_answers_to_the_point_are_more_relevant_than_others(shown, example):
    names = order(shown, example[2])
    good = measured(shown, example, "good", names)["answer_relevance"]
    assert good > measured(shown, example, "off", names)["answer_relevance"] + 0.2
    assert good > measured(shown, example, "invented", names)["answer_relevance"]
    assert measured(shown, example, "good", names, known=False)["answer_relevance"] == 0.0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_the_context_is_judged_by_what_is_expected(shown, example):
    names = order(shown, example[2])
    first, last = (measured(shown, example, "good", order) for order in (names, names[::-1]))
    without = measured(shown, example, "good", names[1:])
    assert first["context_precision"] == 1.0 > last["context_precision"] == 0.25
    assert first["context_recall"] == last["context_recall"] == 1.0
    assert without["context_precision"] == without["context_recall"] == 0.0


def test_without_an_expected_answer_the_answer_takes_its_place(shown):
    found = measured(shown, EXAMPLES[0], "good", order(shown, "battery"), expected="")
    assert "context_recall" not in found
    assert found["context_precision"] == 1.0


def test_what_cannot_be_told_is_left_out(shown):
    assert measures_by_words("How?", "", "", list(shown.values())) == {"answer_relevance": 0.0}
    assert measures_by_words("How?", "The battery lasts.", "", [])["faithfulness"] == 0.0


def test_average_precision_looks_at_places():
    assert average_precision([True, False, True]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([False, False]) == 0.0


def test_short_texts_are_statements_as_a_whole():
    assert statements("12 hours") == ["12 hours"]
    assert statements("Hello! How are you?") == ["Hello! How are you?"]
    assert statements("It is **sent** today. [1] Is it?") == ["It is sent today."]
    assert statements("…") == []

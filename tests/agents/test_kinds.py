"""Answers from tables, code, pictures and lists of questions, without a model."""

import pytest

from agents.extraction.answer import compose
from agents.extraction.wording import row_in_words
from agents.llm.base import Evidence
from knowledge.models import ChunkKind

pytestmark = pytest.mark.unit


@pytest.fixture
def answer(make_passage, make_result):
    """The answer to a question from one passage of a kind."""

    def answer(question, text, kind, found_by="", **values):
        from dataclasses import replace

        passage = replace(make_passage(text, **values), kind=kind.value, found_by=found_by)
        return "".join(compose(Evidence(question, "en", make_result(passage, query=question), weak=False)))

    return answer


def test_a_row_of_a_long_table_is_told_with_its_columns(answer):
    rows = "| Basic | 10 € | 5 GB |\n| Pro | 20 € | 50 GB |\n| Max | 30 € | 500 GB |"
    said = answer(
        "What does the Pro plan cost per month?", rows, ChunkKind.TABLE, "Our plans:\nPlan | Price per month | Storage"
    )

    assert said == "Pro - Price per month: 20 €; Storage: 50 GB. [1]"


def test_the_first_row_of_such_a_part_is_a_row(answer):
    said = answer(
        "How much is Basic?", "| Basic | 10 € | 5 GB |\n| Pro | 20 € | 50 GB |", ChunkKind.TABLE, "Plan | Price | Size"
    )

    assert said.startswith("Basic - Price: 10 €; Size: 5 GB.")


def test_of_many_columns_those_are_told_that_are_asked_for():
    names = ["Plan", "Price", "Seats", "Storage", "Support", "Projects"]

    assert row_in_words("| Pro | 20 | 5 | 50 | mail | 9 |", names, frozenset({"seat"})) == "Pro - Seats: 5"
    assert row_in_words("| Pro | 20 | 5 | 50 | mail | 9 |", names).count(";") == 4


def test_a_part_of_a_row_is_told_with_the_row_s_own_name():
    assert row_in_words("| 5 | 50 GB |", ["Pro", "Seats", "Storage"]) == "Pro - Seats: 5; Storage: 50 GB"


def test_the_answer_is_quoted_and_not_the_question(answer):
    said = answer(
        "Can I return it?", "Q: Can I return it?\nA: Yes, within 30 days.", ChunkKind.ANSWER, "Can I return it?"
    )

    assert said == "Yes, within 30 days. [1]"


def test_code_is_quoted_as_code(answer):
    said = answer("get user name", "```py\ndef getUserName():\n    return 1\n```", ChunkKind.CODE, heading=["Users"])

    assert said == "Users: [1]\n\n```py\ndef getUserName():\n    return 1\n```\n"


def test_code_that_began_before_the_passage_is_code_too(answer):
    said = answer(
        "get user name",
        "def getUserName():\n    return 1\n```",
        ChunkKind.CODE,
        context="```py\ndef getUserName():\n    return 1\n```",
    )

    assert said.endswith("```\ndef getUserName():\n    return 1\n```\n")


@pytest.mark.parametrize(
    ("text", "found_by", "said"),
    [
        (
            "![A red lamp](a.png)\nFigure 1: The lamp blinks",
            "It is at the back.",
            "A red lamp. Figure 1: The lamp blinks. [1]",
        ),
        ("![](a.png)", "Picture: A red lamp.\nIt is at the back.", "A red lamp. [1]"),
    ],
)
def test_of_a_picture_its_words_are_told(answer, text, found_by, said):
    assert answer("Which lamp?", text, ChunkKind.IMAGE, found_by) == said

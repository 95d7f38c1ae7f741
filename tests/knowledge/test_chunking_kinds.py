"""Tables, code, pictures and answers as passages, and what each is found by."""

import re

import pytest

from knowledge.chunking import chunk_document
from knowledge.chunking.answers import question_of
from knowledge.chunking.pictures import reference_of, said_by
from knowledge.chunking.tables import caption_of, header_of
from knowledge.models import ChunkKind
from knowledge.readers.base import ReadDocument

pytestmark = pytest.mark.unit


def pieces(text: str) -> int:
    return len(re.findall(r"\w{1,5}|[^\w\s]", text))


def chunks(markdown: str, limit: int = 60):
    return chunk_document(ReadDocument("t", markdown), pieces, max_pieces=limit)


def plans(rows: int, before: str = "") -> str:
    head = ["| Plan | Price per month | Storage |", "| --- | --- | --- |"]
    return "\n".join([before, *head, *(f"| Pro {n} | {n}0 € | {n} GB |" for n in range(rows))]).strip()


def test_a_table_that_fits_stays_with_its_text():
    (chunk,) = chunks(plans(2, "Choose one.\n"), 100)

    assert (chunk.kind, chunk.found_by) == (ChunkKind.TABLE, "")


def test_every_part_of_a_long_table_is_found_by_caption_and_header():
    caption, first, *others = chunks(plans(40, "Our plans:\n"))

    assert caption.text == "Our plans:"
    assert first.text.startswith("| Plan | Price per month")
    assert first.found_by == "Our plans:"
    assert len(others) > 5
    assert {chunk.found_by for chunk in others} == {"Our plans:\nPlan | Price per month | Storage"}
    assert {chunk.kind for chunk in (first, *others)} == {ChunkKind.TABLE}
    assert all(line.startswith("|") and line.endswith("|") for chunk in others for line in chunk.text.split("\n"))


def test_what_is_embedded_fits_whatever_a_passage_is_found_by():
    answer = "# How do I return an article that I bought?\n\n" + "Pack it and send it back. " * 40

    for chunk in chunks(f"{plans(40, 'Our plans:')}\n\n{answer}"):
        assert pieces(chunk.found_by) + pieces(chunk.text) <= 60


def test_a_wide_row_is_cut_between_cells_that_keep_their_names_and_the_row_s_own():
    columns = [f"column {n}" for n in range(30)]
    row = " | ".join(f"value {n}" for n in range(30))
    table = f"| Name | {' | '.join(columns)} |\n|{' --- |' * 31}\n| Pro | {row} |"

    parts = [chunk for chunk in chunks(table) if "value" in chunk.text]

    assert len(parts) > 3
    for chunk in parts:
        numbers = re.findall(r"value (\d+)", chunk.text)
        assert re.findall(r"column (\d+)", chunk.found_by) == numbers
        assert chunk.found_by.startswith(("Name | column 0", "Pro | "))


def test_a_hundred_thousand_rows_take_their_time_and_end():
    found = chunks(plans(100_000), 220)

    assert found[-1].text.endswith("| Pro 99999 | 999990 € | 99999 GB |")
    assert found[-1].found_by == "Plan | Price per month | Storage"


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (["| Plan | Price |", "| --- | ---: |"], ["Plan", "Price"]),
        (["| Plan | 2023 | 2024 |", "|---|---|---|"], ["Plan", "2023", "2024"]),
        (["| Pro | 20 € |", "| --- | --- |"], []),
        (["| Pro | $1,200.50 |", "| --- | --- |"], []),
        (["|  |  |", "| --- | --- |"], []),
        (["| Plan | Price |", "| Pro | 20 |"], []),
        (["| Plan | Price |"], []),
        ([r"| a \| b | c |", "|---|---|"], ["a | b", "c"]),
    ],
)
def test_the_first_row_names_columns_unless_it_holds_figures(rows, names):
    assert header_of(rows) == names


@pytest.mark.parametrize(
    ("text", "is_caption"),
    [
        ("Table 2. Plans and prices", True),
        ("Tabelle 3: Preise", True),
        ("These are the plans:", True),
        ("Plans of 2026", True),
        ("Choose the plan that fits you.", False),
        ("x " * 200 + ":", False),
        ("", False),
    ],
)
def test_captions(text, is_caption):
    assert bool(caption_of(text)) == is_caption


def test_the_answer_below_a_question_is_found_by_it():
    first, second = chunks("# FAQ\n\n## 2. Can I return it?\n\nYes. Within 30 days.\n\n## Shipping\n\nIt is free.")

    assert (first.kind, first.found_by) == (ChunkKind.ANSWER, "Can I return it?")
    assert (second.kind, second.found_by) == (ChunkKind.PROSE, "")


def test_all_parts_of_a_long_answer_are_found_by_the_question():
    found = chunks("# How long does it take?\n\n" + "It takes five days. " * 60)

    assert len(found) > 3
    assert {chunk.found_by for chunk in found} == {"How long does it take?"}


@pytest.mark.parametrize(
    "text",
    [
        "Q: Can I return it?\nA: Yes.\nQ: How long?\nA: 30 days.",
        "**Q:** Can I return it?\n\n**A:** Yes.\n\n**Q:** How long?\n\n**A:** 30 days.",
        "Question 1: Can I return it?\nAnswer: Yes.\n\nQuestion 2: How long?\nAnswer: 30 days.",
        "Frage: Can I return it?\nAntwort: Yes.\n\nFrage: How long?\nAntwort: 30 days.",
        "- Q: Can I return it? A: Yes.\n- Q: How long? A: 30 days.",
        "**Can I return it?**\n\nYes.\n\n**How long?**\n\n30 days.",
        "Can I return it?\n\nYes.\n\nHow long?\n\n30 days.",
    ],
)
def test_questions_and_answers_are_kept_together(text):
    found = chunks(text)

    assert [(chunk.kind, chunk.found_by) for chunk in found] == [
        (ChunkKind.ANSWER, "Can I return it?"),
        (ChunkKind.ANSWER, "How long?"),
    ]
    assert "Yes" in found[0].text
    assert "30 days" in found[1].text


@pytest.mark.parametrize(
    "text",
    [
        "Why does this matter?\n\nBecause it does.\n\nMore text.",
        "a) first\nb) second",
        "We asked: is it good? It is. And is it cheap? No.",
        "Q: a letter",
    ],
)
def test_other_text_is_no_list_of_questions(text):
    assert {chunk.kind for chunk in chunks(text)} == {ChunkKind.PROSE}


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("**Q1:** What is it?", "What is it?"),
        ("2.1 What is it?", "What is it?"),
        ("What is it?", "What is it?"),
        ("Frage: Was ist das?", "Was ist das?"),
    ],
)
def test_the_question_without_label_and_number(text, question):
    assert question_of(text) == question


def test_a_picture_is_found_by_its_words_and_what_stands_beside_it():
    before, picture, after = chunks(
        "See the back. The lamp is red.\n\n![A red lamp](word/media/1.png)\nFigure 1: The lamp\n\nIt blinks. Then wait."
    )

    assert (before.kind, after.kind) == (ChunkKind.PROSE, ChunkKind.PROSE)
    assert (picture.kind, picture.found_by) == (ChunkKind.IMAGE, "The lamp is red.\nIt blinks.")
    assert said_by(picture.text) == "A red lamp\nFigure 1: The lamp"
    assert reference_of(picture.text) == "word/media/1.png"
    assert picture.says_something


def test_a_picture_without_words_says_nothing_yet():
    _, picture = chunks("Text.\n\n![](word/media/1.png)")

    assert picture.kind == ChunkKind.IMAGE
    assert not picture.says_something


def test_code_is_whole_where_it_fits_and_says_that_it_is_code():
    code = "```py\n" + "\n\n".join(f"call_{n}()" for n in range(4)) + "\n```"
    found = chunks(f"{'word ' * 55}\n\n{code}\n\n{'word ' * 55}")

    assert [(chunk.kind, chunk.text) for chunk in found if "call" in chunk.text] == [(ChunkKind.CODE, code)]

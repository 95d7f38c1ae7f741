"""Questions with answers in files of several kinds, and headers of several rows."""

import io
import json

import openpyxl
import pytest

from knowledge.chunking import chunk_document
from knowledge.models import ChunkKind
from knowledge.readers.base import ReadError, read

pytestmark = pytest.mark.unit


def markdown(data: str | bytes, filename: str) -> str:
    return read(data.encode() if isinstance(data, str) else data, filename).markdown


@pytest.mark.parametrize(
    "header", ["Question;Answer;Topic", "frage;antwort;Topic", "PREGUNTA:;Respuesta;Topic", "Q;A;Topic"]
)
def test_a_sheet_of_questions_is_read_as_questions(header):
    assert markdown(f"{header}\nHow long?;30 days;returns\nWho pays?;We do;\n", "faq.csv") == (
        "### How long?\n\n30 days\n\nTopic: returns\n\n### Who pays?\n\nWe do"
    )


def test_a_sheet_of_other_columns_stays_a_table():
    assert markdown("Question;Votes\nHow long?;3\nWho?;4\n", "votes.csv").startswith("| Question | Votes |")


def test_records_of_questions_are_read_as_questions():
    lines = [
        json.dumps({"question": "How long?", "answer": "# 30 days"}),
        json.dumps({"frage": "Wer?", "antwort": "Wir"}),
    ]
    document = read("\n".join(lines).encode(), "faq.jsonl")

    assert document.markdown == "### How long?\n\n\\# 30 days\n\n### Wer?\n\nWir"
    found = chunk_document(document, len)
    assert [(chunk.kind, chunk.found_by) for chunk in found] == [
        (ChunkKind.ANSWER, "How long?"),
        (ChunkKind.ANSWER, "Wer?"),
    ]


@pytest.mark.parametrize("record", [{"question": "How long?"}, {"question": "How?", "answer": 3}, {"answer": "x"}])
def test_a_record_without_an_answer_names_its_line(record):
    with pytest.raises(ReadError, match='Line 1 has no "text"'):
        read(json.dumps(record).encode(), "faq.jsonl")


def test_questions_of_definition_lists_and_details_stand_by_themselves():
    html = (
        "<dl><dt>May I?</dt><dd>Yes.</dd><dt>Mass</dt><dd>5 kg</dd></dl><details><summary>How?</summary>So.</details>"
    )

    assert markdown(html, "a.html") == "May I?\n\nYes.\n\nMass: 5 kg\n\nHow?\n\nSo."


def test_a_header_of_two_rows_becomes_one():
    head = "<tr><th rowspan=2>Plan</th><th colspan=2>Price</th></tr><tr><th>monthly</th><th>yearly</th></tr>"

    assert markdown(f"<table>{head}<tr><td>Pro</td><td>20</td><td>200</td></tr></table>", "a.html") == (
        "| Plan | Price monthly | Price yearly |\n| --- | --- | --- |\n| Pro | 20 | 200 |"
    )


def test_cells_merged_over_rows_are_repeated_in_a_workbook():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (("Plan", "Month", "Price"), ("Pro", "May", 20), (None, "June", 21), ("Max", "May", 30)):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    file = io.BytesIO()
    book.save(file)

    assert "| Pro | June | 21 |" in markdown(file.getvalue(), "plans.xlsx")

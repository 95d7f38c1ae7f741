"""The demo's manifest, documents and questions agree with each other."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest

DEMO = Path(__file__).parents[2] / "project" / "demo"
MANIFEST = json.loads((DEMO / "manifest.json").read_text(encoding="utf-8"))
TENANTS = {tenant["slug"]: tenant for tenant in MANIFEST["tenants"]}
TECHPRO_FILES = {document["id"]: document["file"] for document in TENANTS["techpro"]["documents"]}
KEYS = {"id", "file", "title", "category", "language", "audience", "source_url", "valid_from"}


def lines_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / name).read_text(encoding="utf-8").splitlines()]


QUESTIONS = lines_of("questions.jsonl")
FOLLOW_UPS = lines_of("followups.jsonl")


@cache
def text_of(document: str) -> str:
    """The plain text of one of TechPro's documents, with every run of white space as one space."""
    path = DEMO / "documents" / "techpro" / TECHPRO_FILES[document]
    if path.suffix == ".pdf":
        with pypdfium2.PdfDocument(path) as pdf:
            text = " ".join(page.get_textpage().get_text_range() for page in pdf)
    elif path.suffix == ".docx":
        word = docx.Document(str(path))
        cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
        text = " ".join([*(paragraph.text for paragraph in word.paragraphs), *cells])
    else:
        text = path.read_text(encoding="utf-8")
        text = unescape(re.sub(r"<[^>]+>", " ", text)) if path.suffix == ".html" else text
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("slug", TENANTS)
def test_manifest_names_exactly_the_files_that_are_there(slug: str) -> None:
    documents = TENANTS[slug]["documents"]
    files = [document["file"] for document in documents]
    assert sorted(files) == sorted(path.name for path in (DEMO / "documents" / slug).iterdir())
    assert len({document["id"] for document in documents}) == len(documents)
    assert len({document["source_url"] for document in documents}) == len(documents)


@pytest.mark.parametrize("slug", TENANTS)
def test_every_document_is_described_and_valid_already(slug: str) -> None:
    for document in TENANTS[slug]["documents"]:
        assert set(document) == KEYS
        assert document["category"] in {"manual", "faq", "policy", "guide"}
        assert document["source_url"].startswith("https://")
        assert date.fromisoformat(document["valid_from"]) <= date(2025, 10, 1)


def test_techpro_has_24_documents_in_four_formats() -> None:
    suffixes = Counter(Path(file).suffix for file in TECHPRO_FILES.values())
    assert suffixes == {".md": 10, ".html": 5, ".docx": 5, ".pdf": 4}


def test_documents_are_long_enough_to_be_real() -> None:
    words = {document: len(text_of(document).split()) for document in TECHPRO_FILES}
    assert min(words.values()) >= 600
    assert 25_000 <= sum(words.values()) <= 34_000


@pytest.mark.parametrize("slug", TENANTS)
def test_four_suggestions_begin_a_chat(slug: str) -> None:
    suggestions = TENANTS[slug]["suggestions"]
    assert len({suggestion["question"] for suggestion in suggestions}) == 4
    assert all(suggestion["title"] and suggestion["detail"] for suggestion in suggestions)


def test_there_are_120_different_questions_and_10_follow_ups() -> None:
    assert len({question["id"] for question in QUESTIONS}) == 120
    assert len({question["text"] for question in QUESTIONS}) == 120
    assert len({pair["second"] for pair in FOLLOW_UPS}) == 10


@pytest.mark.parametrize("question", [*QUESTIONS, *FOLLOW_UPS], ids=lambda question: question["id"])
def test_every_named_document_contains_an_answer(question: dict[str, Any]) -> None:
    silent = [name for name in question["documents"] if not any(text in text_of(name) for text in question["answer"])]
    assert silent == []


def test_every_answer_string_is_found_somewhere() -> None:
    for question in [*QUESTIONS, *FOLLOW_UPS]:
        for text in question["answer"]:
            assert any(text in text_of(name) for name in question["documents"]), (question["id"], text)


def test_every_document_answers_a_question() -> None:
    asked = {name for question in QUESTIONS for name in question["documents"]}
    assert asked == set(TECHPRO_FILES)


def test_the_second_tenant_shares_no_product_with_the_first() -> None:
    for document in TENANTS["northwind-tools"]["documents"]:
        text = (DEMO / "documents" / "northwind-tools" / document["file"]).read_text(encoding="utf-8")
        assert not re.search(r"TechPro|laptop|battery|USB", text, re.IGNORECASE)

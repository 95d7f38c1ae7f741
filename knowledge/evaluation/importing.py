"""Questions from files, and back into files: JSON Lines, CSV, and the pair of queries and judgements of the command."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.evaluation.errors import EvaluationError
from knowledge.evaluation.expectations import Expected, expectations
from knowledge.evaluation.files import json_lines, judgements_of, queries_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from knowledge.models import EvaluationCase

MAX_BYTES = 50_000_000
LONGEST_QUESTION, LONGEST_ANSWER = 100_000, 20_000  # characters
SEVERAL = ";"  # between documents in one cell of a table
COLUMNS = ("question", "documents", "quote", "answer", "note")


@dataclass(frozen=True, slots=True)
class NewCase:
    """A question with what it should find, each thing once, and what a good answer says."""

    question: str
    expected: tuple[Expected, ...] = ()
    answer: str = ""
    note: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any], at: str) -> NewCase:
        """From an object of {question, documents or passages or expected, answer, note}; `text` will do for `question`.

        Raises:
            EvaluationError: it is something else; begins with `at`.
        """
        question = row.get("question", row.get("text", ""))
        if not isinstance(question, str) or not (question := _clean(question)):
            raise EvaluationError(f"{at}: question is missing.")
        answer, note = (_joined(row.get(name) or "", name, at) for name in ("answer", "note"))
        if len(question) > LONGEST_QUESTION or len(answer) > LONGEST_ANSWER or len(note) > LONGEST_ANSWER:
            raise EvaluationError(f"{at}: the question, the answer or the note is too long.")
        wanted = [thing for name in ("documents", "passages", "expected") for thing in _listed(row.get(name))]
        return cls(question, tuple(expectations(wanted, at)), answer, note)


def read_file(data: bytes, name: str) -> list[NewCase]:
    """The questions of a file, by its ending: .csv, else JSON Lines.

    Raises:
        EvaluationError: a line cannot be used, named by its number; or the file holds no question.
    """
    text = _decoded(data, name)
    cases = list(_from_csv(text, name) if name.lower().endswith((".csv", ".tsv")) else _from_json_lines(text, name))
    if not cases:
        raise EvaluationError(f"{name} holds no questions.")
    return cases


def read_pair(queries: bytes, queries_name: str, judgements: bytes, judgements_name: str) -> list[NewCase]:
    """The questions of the command's two files: {id, text} and {query, document, relevance}, both JSON Lines.

    Queries without a relevant document are left out, as the command does.

    Raises:
        EvaluationError: a line cannot be used, named by its number; or the ids of the files do not agree.
    """
    texts = queries_of(_decoded(queries, queries_name), queries_name)
    judged = judgements_of(_decoded(judgements, judgements_name), judgements_name)
    cases = []
    for query, text in texts.items():
        wanted = [
            {"document": document, "relevance": relevance}
            for document, relevance in judged.get(query, {}).items()
            if relevance > 0
        ]
        if wanted:
            cases.append(NewCase.of({"question": text, "documents": wanted}, f"{queries_name}, id {query}"))
    if not cases:
        raise EvaluationError("None of the queries has a relevant document: check that the ids in both files agree.")
    return cases


def as_json_lines(cases: Sequence[EvaluationCase]) -> str:
    """Questions as `read_file` takes them."""
    return "".join(json.dumps(_as_row(case), ensure_ascii=False) + "\n" for case in cases)


def _as_row(case: EvaluationCase) -> dict[str, Any]:
    row: dict[str, Any] = {"question": case.question, "expected": case.expected}
    optional = {"answer": case.expected_answer, "note": case.note}
    return row | {name: value for name, value in optional.items() if value}


def _from_json_lines(text: str, name: str) -> Iterator[NewCase]:
    for at, row in json_lines(text, name):
        yield NewCase.of(row, at)


def _from_csv(text: str, name: str) -> Iterator[NewCase]:
    """Rows under a head of `COLUMNS`, in any order; several documents in one cell are parted by semicolons."""
    delimiter = "\t" if name.lower().endswith(".tsv") else _delimiter(text)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        head = [(column or "").strip().lower() for column in rows.fieldnames or []]
        if "question" not in head:
            raise EvaluationError(f"{name}, line 1: name the columns: {', '.join(COLUMNS)}. “question” is missing.")
        rows.fieldnames = head
        for row in rows:
            at = f"{name}, line {rows.line_num}"
            if any(value for key, value in row.items() if key and isinstance(value, str)):
                yield NewCase.of(_cells(row, at), at)
    except csv.Error as error:
        raise EvaluationError(f"{name}, line {rows.line_num}: {error}.") from error


def _cells(row: Mapping[str, Any], at: str) -> dict[str, Any]:
    """A row of a table as an object: a quote belongs to the one document beside it."""
    if None in row:
        raise EvaluationError(f"{at}: there are more cells than columns; put texts with commas in quotation marks.")
    documents = [part.strip() for part in (row.get("documents") or row.get("document") or "").split(SEVERAL)]
    documents, quote = [document for document in documents if document], (row.get("quote") or "").strip()
    if quote and len(documents) != 1:
        raise EvaluationError(f"{at}: a quote needs exactly one document beside it.")
    wanted = [{"document": document, "quote": quote} for document in documents]
    texts = {name: row.get(name) or "" for name in ("question", "answer", "note")}
    return {**texts, "expected": wanted}


def _delimiter(text: str) -> str:
    """A comma, or the semicolon that spreadsheets write where the comma parts decimals."""
    head = text.partition("\n")[0]
    return ";" if head.count(";") > head.count(",") else ","


def _listed(value: object) -> list[Any]:
    """A list as it is, one thing as a list of it, nothing as an empty one."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _joined(value: object, name: str, at: str) -> str:
    """A text; of several the first line each: files list the strings that a good answer holds."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return _clean("\n".join(value))
    if not isinstance(value, str):
        raise EvaluationError(f"{at}: {name} must be a text.")
    return _clean(value)


def _clean(text: str) -> str:
    """What the database can keep: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode().strip()


def _decoded(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise EvaluationError(f"{name} has more than {MAX_BYTES // 1_000_000} MB.")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EvaluationError(f"{name}, line {line}: this is not text in UTF-8.") from error

"""Questions with their answers in the columns of a table or the fields of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge.readers.markup import blocks, heading, literal, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_QUESTION = frozenset(
    "question questions q frage fragen pregunta preguntas pergunta domanda vraag fråga spørgsmål pytanie вопрос 问题 質問 질문".split()  # noqa: E501, SIM905 - words read best as words
)
_ANSWER = frozenset(
    "answer answers a antwort antworten respuesta respuestas réponse réponses reponse resposta risposta antwoord svar odpowiedź ответ 回答 답변".split()  # noqa: E501, SIM905 - words read best as words
)
QUESTION_LEVEL = 3  # of the heading that a question becomes; a sheet's name stands above it


def question_columns(header: Sequence[str]) -> tuple[int, int] | None:
    """Return the columns of questions and answers by their names, None where there is no such pair."""
    names = [one_line(name).strip(":?").casefold() for name in header]
    question = next((column for column, name in enumerate(names) if name in _QUESTION), None)
    answer = next((column for column, name in enumerate(names) if name in _ANSWER), None)
    return None if question is None or answer is None else (question, answer)


def answers(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of questions as Markdown, each a heading over its answer and what other columns say of it.

    "" for a table that is no such table. A row without a question goes on with the answer before it.
    """
    columns = question_columns(rows[0]) if rows else None
    if columns is None:
        return ""
    question, answer = columns
    parts: list[str] = []
    for row in rows[1:]:
        cells = [*row, *[""] * (len(rows[0]) - len(row))]
        parts += [heading(QUESTION_LEVEL, cells[question]), literal(cells[answer].strip())]
        others = [number for number in range(len(rows[0])) if number not in columns and cells[number].strip()]
        parts += ["\n".join(literal(f"{one_line(rows[0][n])}: {one_line(cells[n])}") for n in others)]
    return blocks(parts)


def answer_in(record: Mapping[str, object]) -> tuple[str, str] | None:
    """Return question and answer of a record that has such fields, both texts with something in them."""
    columns = question_columns(list(record))
    if columns is None:
        return None
    values = list(record.values())
    question, answer = values[columns[0]], values[columns[1]]
    if isinstance(question, str) and isinstance(answer, str) and question.strip() and answer.strip():
        return one_line(question), answer
    return None

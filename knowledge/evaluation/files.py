"""Queries and judgements in files, as the command takes them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from knowledge.evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from knowledge.evaluation.measures import Judgements


def read_queries(path: Path) -> dict[str, str]:
    """Query texts by id, from JSON Lines of {id, text}.

    Raises:
        EvaluationError: a line is something else.
    """
    return queries_of(_text(path), str(path))


def read_judgements(path: Path) -> Judgements:
    """Relevance by query and document, from JSON Lines of {query, document, relevance}; without `relevance`, 1.

    Raises:
        EvaluationError: a line is something else.
    """
    return judgements_of(_text(path), str(path))


def queries_of(text: str, name: str) -> dict[str, str]:
    """`read_queries` of a text; `name` is what complaints call it."""
    return {value_of(row, "id", at): value_of(row, "text", at) for at, row in json_lines(text, name)}


def judgements_of(text: str, name: str) -> Judgements:
    """`read_judgements` of a text; `name` is what complaints call it."""
    judgements: Judgements = {}
    for at, row in json_lines(text, name):
        relevance = relevance_of(row.get("relevance", 1), at)
        judgements.setdefault(value_of(row, "query", at), {})[value_of(row, "document", at)] = relevance
    return judgements


def json_lines(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object with where it stands, such as "cases.jsonl, line 3"; raises EvaluationError for anything else."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise EvaluationError(f"{name}, line {number}: this is not JSON.") from error
        if not isinstance(row, dict):
            raise EvaluationError(f"{name}, line {number}: write one object a line.")
        yield f"{name}, line {number}", row


def value_of(row: dict[str, Any], name: str, at: str) -> str:
    """A text or a whole number of a row, as text; raises EvaluationError where there is none."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise EvaluationError(f"{at}: {name} is missing.")
    return str(value)


def relevance_of(value: object, at: str) -> float:
    """A relevance; raises EvaluationError for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EvaluationError(f"{at}: relevance must be a number.")
    return float(value)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error

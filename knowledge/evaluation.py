"""How good retrieval is: rankings of documents against judgements, with the measures of trec_eval."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.retrieval.search import search

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

DEPTH = 10  # documents that are looked at
DEEPER = 50  # passages asked for when the first ones are of too few documents

Judgements = dict[str, dict[str, float]]
"""Query id to document id to relevance; a document without one is not relevant."""


class EvaluationError(ValueError):
    """A file of queries or judgements cannot be used; the text says which line and why."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Means over the queries that have a relevant document.

    Attributes:
        metrics: "recall@1", "recall@5", "recall@10", "precision@5", "mrr@10", "ndcg@10", each from 0 to 1.
        latency_ms: "p50" and "p95" of one search.
        queries: how many were asked.
    """

    metrics: dict[str, float]
    latency_ms: dict[str, float]
    queries: int


def evaluate(tenant_id: int, queries: Mapping[str, str], judgements: Judgements) -> Evaluation:
    """Ask a tenant's documents every query that has a relevant one, one after the other; opens its own scopes.

    Args:
        tenant_id: whose documents.
        queries: text by query id.
        judgements: what each should find.

    Raises:
        EvaluationError: none of the queries has a relevant document.
    """
    scored, milliseconds = [], []
    for query, text in queries.items():
        relevant = {document: value for document, value in judgements.get(query, {}).items() if value > 0}
        if relevant:
            ranking, duration = ranked_documents(tenant_id, text)
            scored.append(measures(ranking, relevant))
            milliseconds.append(duration)
    if not scored:
        raise EvaluationError("None of the queries has a relevant document: check that the ids in both files agree.")
    metrics = {name: float(np.mean([each[name] for each in scored])) for name in scored[0]}
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return Evaluation(metrics, {"p50": float(p50), "p95": float(p95)}, len(scored))


def ranked_documents(tenant_id: int, query: str) -> tuple[list[str], float]:
    """The ids of the first documents that a search finds, in order, and how many milliseconds the search took."""
    result = search(tenant_id, query, k=DEPTH)
    documents = list(dict.fromkeys(passage.document for passage in result.passages))
    if len(documents) < DEPTH == len(result.passages):
        deeper = search(tenant_id, query, k=DEEPER)
        documents = list(dict.fromkeys(passage.document for passage in deeper.passages))[:DEPTH]
    return documents, result.ms


def measures(ranking: Sequence[str], relevant: Mapping[str, float]) -> dict[str, float]:
    """All measures of one ranking; `relevant` maps the ids of the relevant documents, at least one, to their gains."""
    return {
        "recall@1": recall(ranking, relevant, 1),
        "recall@5": recall(ranking, relevant, 5),
        "recall@10": recall(ranking, relevant, 10),
        "precision@5": precision(ranking, relevant, 5),
        "mrr@10": reciprocal_rank(ranking, relevant, 10),
        "ndcg@10": ndcg(ranking, relevant, 10),
    }


def recall(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """The share of the relevant documents among the first `k`."""
    return len(relevant.keys() & set(ranking[:k])) / len(relevant)


def precision(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """The share of the first `k` places that hold a relevant document; an empty place holds none."""
    return len(relevant.keys() & set(ranking[:k])) / k


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """One over the place of the first relevant document; 0 if it is not among the first `k`."""
    return next((1 / place for place, document in enumerate(ranking[:k], 1) if document in relevant), 0.0)


def ndcg(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Discounted cumulative gain of the first `k`, over that of the best order (Järvelin and Kekäläinen, 2002)."""
    gains = [relevant.get(document, 0.0) for document in ranking[:k]]
    ideal = sorted(relevant.values(), reverse=True)[:k]
    return _discounted(gains) / _discounted(ideal)


def _discounted(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def read_queries(path: Path) -> dict[str, str]:
    """Query texts by id, from JSON Lines of {id, text}.

    Raises:
        EvaluationError: a line is something else.
    """
    return {_value(row, "id", at): _value(row, "text", at) for at, row in _rows(path)}


def read_judgements(path: Path) -> Judgements:
    """Relevance by query and document, from JSON Lines of {query, document, relevance}; without `relevance`, 1.

    Raises:
        EvaluationError: a line is something else.
    """
    judgements: Judgements = {}
    for at, row in _rows(path):
        relevance = row.get("relevance", 1)
        if isinstance(relevance, bool) or not isinstance(relevance, int | float) or not math.isfinite(relevance):
            raise EvaluationError(f"{at}: relevance must be a number.")
        judgements.setdefault(_value(row, "query", at), {})[_value(row, "document", at)] = float(relevance)
    return judgements


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise EvaluationError(f"{path}, line {number}: this is not JSON.") from error
        if not isinstance(row, dict):
            raise EvaluationError(f"{path}, line {number}: write one object a line.")
        yield f"{path}, line {number}", row


def _value(row: dict[str, Any], name: str, at: str) -> str:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise EvaluationError(f"{at}: {name} is missing.")
    return str(value)

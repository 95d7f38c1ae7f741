"""What a search finds, as the measures look at it, and the evaluation of queries against judgements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from knowledge.evaluation.errors import EvaluationError
from knowledge.evaluation.measures import measures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knowledge.evaluation.measures import Judgements
    from knowledge.retrieval.passages import Passage
    from knowledge.retrieval.trial import Trial

DEPTH = 10  # places that are looked at
DEEPER = 50  # passages asked for when the first ones are of too few documents


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


@dataclass(frozen=True, slots=True)
class Ranking:
    """The passages found, best first, and how many milliseconds the search took."""

    passages: tuple[Passage, ...]
    ms: float

    @property
    def documents(self) -> list[str]:
        """The ids of the first documents, each once."""
        return list(dict.fromkeys(passage.document for passage in self.passages))[:DEPTH]


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
    return Evaluation(metrics, latency(milliseconds), len(scored))


def ranked_documents(tenant_id: int, query: str) -> tuple[list[str], float]:
    """The ids of the first documents that a search finds, in order, and how many milliseconds the search took."""
    ranking = find(tenant_id, query)
    return ranking.documents, ranking.ms


def find(tenant_id: int, query: str, trial: Trial | None = None) -> Ranking:
    """The passages of the first `DEPTH` documents, or more of them; opens its own scope.

    Raises:
        EmbedderError: the query could not be embedded.
    """
    from knowledge.retrieval.search import search  # loads libraries that a process without searches has no use for

    result = search(tenant_id, query, k=DEPTH, trial=trial)
    passages = result.passages
    if len({passage.document for passage in passages}) < DEPTH == len(passages):
        passages = search(tenant_id, query, k=DEEPER, trial=trial).passages
    return Ranking(tuple(passages), result.ms)


def latency(milliseconds: Sequence[float]) -> dict[str, float]:
    """The median and the 95th percentile of some durations, at least one."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {"p50": float(p50), "p95": float(p95)}

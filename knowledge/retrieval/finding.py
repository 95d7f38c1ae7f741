"""One question looked up over the tenant's replica, or over the nearest chunks that PostgreSQL names without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.indexes.pgvector import CANDIDATES, nearest_snapshot
from knowledge.indexes.replica import replicas
from knowledge.queries import knowledge_version, live_documents
from knowledge.retrieval.passages import Passage, best_passages
from knowledge.retrieval.ranking import rank
from knowledge.retrieval.weights import CHOSEN, Weights

if TYPE_CHECKING:
    from collections.abc import Collection

    from knowledge.embedding.base import QueryEncoding
    from knowledge.indexes.snapshot import Snapshot

FAISS, PGVECTOR = "faiss", "pgvector"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question as it is looked up.

    Attributes:
        k: passages wanted.
        documents: ids of the only ones that count; None: all.
    """

    text: str
    encoding: QueryEncoding
    k: int
    documents: Collection[int] | None = None
    weights: Weights = CHOSEN


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one question found; `version` is the tenant's knowledge version at the time."""

    passages: tuple[Passage, ...]
    answerability: float
    index: str
    documents: int
    version: int


def find(tenant_id: int, snapshot: Snapshot | None, asked: Asked) -> Found:
    """Look a question up; needs the tenant's scope.

    Args:
        tenant_id: whose scope it is.
        snapshot: the replica, which may be behind; None where there is none.
        asked: the question.
    """
    if snapshot is not None:
        found, version = _from_replica(snapshot, asked)
        if version > snapshot.version:
            snapshot = replicas.refresh(tenant_id, snapshot)
            found = _from_replica(snapshot, asked)[0] if snapshot is not None else None
        if found is not None:
            return found
    snapshot = nearest_snapshot(asked.encoding.vector, asked.documents, k=max(CANDIDATES, asked.k))
    ranking = rank(snapshot, asked.text, asked.encoding, weights=asked.weights)
    best = best_passages(snapshot, ranking, asked.encoding, asked.k, asked.weights)
    version = best.version or knowledge_version()
    return Found(best.passages, ranking.answerability, PGVECTOR, live_documents().count(), version)


def _from_replica(snapshot: Snapshot, asked: Asked) -> tuple[Found | None, int]:
    """What the replica finds, and the knowledge version; None when too little of its ranking may still be shown."""
    ranking = rank(snapshot, asked.text, asked.encoding, asked.documents, asked.weights)
    best = best_passages(snapshot, ranking, asked.encoding, asked.k, asked.weights)
    version = best.version or knowledge_version()
    if len(best.passages) < min(asked.k, len(ranking.rows)):
        return None, version
    return Found(best.passages, ranking.answerability, FAISS, snapshot.document_count, version), version

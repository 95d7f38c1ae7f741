"""A tenant's question in, its ranked passages out.

Ranking happens in memory, over a replica or over the nearest chunks that PostgreSQL names. What it finds is then
fetched by id, under the tenant's policy and only where it may still be shown: a stale replica can miss a passage, never
leak or resurrect one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from knowledge.embedding.serving import serving_embedder
from knowledge.indexes.pgvector import CANDIDATES, nearest_snapshot
from knowledge.indexes.replica import replicas
from knowledge.queries import knowledge_version, live_documents
from knowledge.retrieval.passages import Passage, best_passages
from knowledge.retrieval.ranking import rank
from knowledge.retrieval.weights import CHOSEN, Weights
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from knowledge.embedding.base import QueryEncoding
    from knowledge.indexes.snapshot import Snapshot

__all__ = ["Filters", "Passage", "SearchResult", "search"]

MAX_QUERY = 2_000  # characters that are looked at
FAISS, PGVECTOR = "faiss", "pgvector"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents to search; an empty string means all."""

    language: str = ""
    category: str = ""
    audience: str = ""

    def documents(self) -> list[int] | None:
        """The ids of the live documents that match, None for all of them; needs a tenant scope."""
        wanted = {name: value for name in ("language", "category", "audience") if (value := getattr(self, name))}
        return list(live_documents().filter(**wanted).values_list("pk", flat=True)) if wanted else None


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes:
        passages: best first.
        answerability: how likely they hold an answer at all: the best sentence's raw cosine plus half the share of the
            query's words (by idf) that the best passage has, less .3 of the share that no passage has. About .56
            separates a corpus' own subject from others.
        index: what served it, "faiss" or "pgvector".
        ms: how long it took.
        documents: live documents that were searched.
    """

    query: str
    passages: tuple[Passage, ...]
    answerability: float
    index: str
    ms: float
    documents: int
    encoding: QueryEncoding = field(repr=False)


class _Query(NamedTuple):
    text: str
    encoding: QueryEncoding
    k: int
    filters: Filters
    weights: Weights


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    passages: tuple[Passage, ...]
    answerability: float
    index: str
    documents: int


def search(
    tenant_id: int, query: str, *, k: int = 10, filters: Filters | None = None, weights: Weights | None = None
) -> SearchResult:
    """The `k` passages of a tenant's live documents that answer `query` best (fewer only where there are fewer).

    Opens its own short scope; nothing slow happens inside. Blocks: call it from a thread, not from the event loop.

    Raises:
        EmbedderError: the query could not be embedded.
    """
    started = time.perf_counter()
    text = query[:MAX_QUERY].encode(errors="replace").decode()  # a lone surrogate is no character
    asked = _Query(text, serving_embedder(tenant_id).encode_query(text), k, filters or Filters(), weights or CHOSEN)
    snapshot = replicas.get(tenant_id)
    with tenant_scope(tenant_id):
        found = _find(tenant_id, snapshot, asked)
    milliseconds = (time.perf_counter() - started) * 1000
    return SearchResult(
        query, found.passages, found.answerability, found.index, milliseconds, found.documents, asked.encoding
    )


def _find(tenant_id: int, snapshot: Snapshot | None, asked: _Query) -> _Found:
    documents = asked.filters.documents()
    if snapshot is not None:
        found, version = _from_replica(snapshot, asked, documents)
        if version > snapshot.version:
            snapshot = replicas.refresh(tenant_id, snapshot)
            found = _from_replica(snapshot, asked, documents)[0] if snapshot is not None else None
        if found is not None:
            return found
    snapshot = nearest_snapshot(asked.encoding.vector, documents, k=max(CANDIDATES, asked.k))
    ranking = rank(snapshot, asked.text, asked.encoding, weights=asked.weights)
    best = best_passages(snapshot, ranking, asked.encoding, asked.k, asked.weights)
    return _Found(best.passages, ranking.answerability, PGVECTOR, live_documents().count())


def _from_replica(snapshot: Snapshot, asked: _Query, documents: list[int] | None) -> tuple[_Found | None, int]:
    """What the replica finds, and the knowledge version; None when too little of its ranking may still be shown."""
    ranking = rank(snapshot, asked.text, asked.encoding, documents, asked.weights)
    best = best_passages(snapshot, ranking, asked.encoding, asked.k, asked.weights)
    version = best.version or knowledge_version()
    if len(best.passages) < min(asked.k, len(ranking.rows)):
        return None, version
    return _Found(best.passages, ranking.answerability, FAISS, snapshot.document_count), version

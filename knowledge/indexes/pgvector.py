"""Candidates from PostgreSQL itself: an exact scan of the tenant's paragraph vectors, for when there is no replica.

Exact on purpose: under a tenant's filter an approximate index returns fewer rows than were asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import regex
from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models.functions import MD5
from pgvector.django import CosineDistance

from knowledge.embedding.base import get_embedder
from knowledge.embedding.serving import named_embedder, serving_embedder
from knowledge.indexes.rows import NO_MODEL, empty_snapshot, read_rows
from knowledge.models import KnowledgeChange
from knowledge.queries import retrievable_chunks
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from django.db.models import QuerySet

    from knowledge.embedding.base import Embedder
    from knowledge.indexes.base import Floats
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.models import Chunk

CANDIDATES = 100
COPIES = 8  # times as many rows are looked at where those before were copies of each other
CONFIG = "simple"  # of PostgreSQL's full-text search: words as they are
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")


def nearest_snapshot(
    vector: Floats, documents: Collection[int] | None = None, *, k: int = CANDIDATES, model: str = "", latest: int = 0
) -> Snapshot:
    """A snapshot of the `k` chunks nearest to `vector`, to be ranked like a whole one; needs the tenant's scope.

    `vector` and the vectors it is compared with are of `model`; empty: of the one that serves.
    The nearest in the `latest` documents to change are among them in any case: what is new is asked for, perhaps by a
    word that vectors know nothing of.
    """
    embedder = named_embedder(current_tenant_id(), model) if model else serving_embedder(current_tenant_id())
    chunks = nearest_chunks(vector, documents, k=k, model=embedder.name)
    if latest and documents is None:
        changed = KnowledgeChange.objects.order_by("-version", "-document_id").values_list("document_id", flat=True)
        chunks += nearest_chunks(vector, list(changed[:latest]), k=k, model=embedder.name)
    return snapshot_of(list(dict.fromkeys(chunks)), embedder.name, embedder)


def nearest_chunks(vector: Floats, documents: Collection[int] | None, *, k: int, model: str) -> list[int]:
    """The ids of the `k` chunks nearest to `vector`; likewise."""
    chunks = _among(documents).filter(vectors__model=model)
    ordered = chunks.order_by(CosineDistance("vectors__paragraph", vector), "pk").values_list("pk", MD5("text"))
    return _distinct(ordered, k)


def worded_snapshot(query: str, documents: Collection[int] | None = None, *, k: int = CANDIDATES) -> Snapshot:
    """A snapshot of the `k` chunks that have most of a query's words, for when it has no vector; likewise."""
    words = " | ".join(f"'{word}'" for word in dict.fromkeys(WORD.findall(query.lower())))
    query_words = SearchQuery(words or "''", search_type="raw", config=CONFIG)
    place = SearchRank(SearchVector("document__title", "text", config=CONFIG), query_words)
    best = list(_among(documents).order_by(place.desc(), "pk").values_list("pk", flat=True)[:k])
    return snapshot_of(best, NO_MODEL, get_embedder())


def _among(documents: Collection[int] | None) -> QuerySet[Chunk]:
    chunks = retrievable_chunks()
    return chunks if documents is None else chunks.filter(document__in=documents)


def _distinct(ordered: QuerySet[Chunk, tuple[int, str]], k: int) -> list[int]:
    """The first `k` of chunks with different texts: of copies only one is shown, and thousands may come first."""
    looked_at = k
    while True:
        rows = list(ordered[:looked_at])
        first: dict[str, int] = {}
        for chunk, digest in rows:
            first.setdefault(digest, chunk)
        if len(first) >= k or len(rows) < looked_at:
            return list(first.values())[:k]
        looked_at *= COPIES


def snapshot_of(chunks: Sequence[int], model: str, embedder: Embedder) -> Snapshot:
    """A snapshot of these chunks, as far as they can be found; needs the tenant's scope."""
    rows = read_rows(retrievable_chunks().filter(pk__in=chunks), model)
    return empty_snapshot(rows, indexed=False, embedder=embedder).grown(rows)

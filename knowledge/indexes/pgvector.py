"""Candidates from PostgreSQL itself: an exact scan of the tenant's paragraph vectors, for when there is no replica.

Exact on purpose: under a tenant's filter an approximate index returns fewer rows than were asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgvector.django import CosineDistance

from knowledge.embedding.serving import serving_embedder
from knowledge.indexes.replica import empty_snapshot, read_rows
from knowledge.queries import retrievable_chunks
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from knowledge.indexes.base import Floats
    from knowledge.indexes.snapshot import Snapshot

CANDIDATES = 100


def nearest_snapshot(vector: Floats, documents: Collection[int] | None = None, *, k: int = CANDIDATES) -> Snapshot:
    """A snapshot of the `k` chunks nearest to `vector`, to be ranked like a whole one; needs the tenant's scope."""
    chunks = retrievable_chunks().filter(vectors__model=serving_embedder(current_tenant_id()).name)
    if documents is not None:
        chunks = chunks.filter(document__in=documents)
    nearest = list(chunks.order_by(CosineDistance("vectors__paragraph", vector)).values_list("pk", flat=True)[:k])
    rows = read_rows(retrievable_chunks().filter(pk__in=nearest))
    return empty_snapshot(rows, indexed=False).grown(rows)

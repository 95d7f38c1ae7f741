"""Candidates from PostgreSQL itself: an exact scan of the tenant's paragraph vectors, for when there is no replica.

Exact on purpose: under a tenant's filter an approximate index returns fewer rows than were asked for.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import regex
from django.db.models import Case, TextField, Value, When
from django.db.models.functions import MD5, Concat
from pgvector.django import CosineDistance

from knowledge.embedding.base import get_embedder
from knowledge.embedding.serving import named_embedder, serving_embedder
from knowledge.indexes.rows import NO_MODEL, empty_snapshot, read_rows
from knowledge.models import ChunkVectors, KnowledgeChange
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
MARGIN = 4  # times as many vectors are looked at as chunks are wanted: some may not be shown
COPIES = 8  # times as many again where those before were copies of each other, or gone
FEW = 200  # documents of which all vectors are looked at, and no others
AT_ONCE = 5_000  # chunks that are looked up in one statement
MOST_WORDS, LONGEST = 4, 40  # words of a query that texts are looked through for, and letters of each
# Two letters each where there are no spaces between words.
WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{1,2}|[\p{L}\p{M}\p{N}]+")


def nearest_snapshot(  # noqa: PLR0913 (all that is compared)
    vector: Floats,
    documents: Collection[int] | None = None,
    *,
    k: int = CANDIDATES,
    model: str = "",
    latest: int = 0,
    query: str = "",
) -> Snapshot:
    """A snapshot of the `k` chunks nearest to `vector`, to be ranked like a whole one; needs the tenant's scope.

    `vector` and the vectors it is compared with are of `model`; empty: of the one that serves.
    Of the `latest` documents to change, those nearest and those with the words of `query` are among them in any case:
    what is new is asked for, perhaps by a word that vectors know nothing of.
    """
    embedder = named_embedder(current_tenant_id(), model) if model else serving_embedder(current_tenant_id())
    chunks = nearest_chunks(vector, documents, k=k, model=embedder.name)
    if latest and documents is None:
        changed = KnowledgeChange.objects.order_by("-version", "-document_id").values_list("document_id", flat=True)
        new = list(changed[:latest])
        chunks += nearest_chunks(vector, new, k=k, model=embedder.name) + worded_chunks(query, new, k=k)
    return snapshot_of(list(dict.fromkeys(chunks)), embedder.name, embedder)


def nearest_chunks(vector: Floats, documents: Collection[int] | None, *, k: int, model: str) -> list[int]:
    """The ids of the `k` chunks nearest to `vector`, of copies one; likewise.

    Vectors are looked at before what they are of, since only few of the nearest may not be shown: to join all chunks
    with their documents took ten times as long.
    """
    vectors = ChunkVectors.objects.filter(model=model)
    if documents is not None and len(documents) <= FEW:
        vectors = vectors.filter(chunk__document__in=documents)
    ordered = vectors.order_by(CosineDistance("paragraph", vector), "chunk_id").values_list("chunk_id", flat=True)
    first: dict[str, int] = {}
    seen, looked_at = 0, MARGIN * k
    while True:
        nearest = list(ordered[:looked_at])
        for chunk, digest in _digests(nearest[seen:], documents):
            first.setdefault(digest, chunk)
        if len(first) >= k or len(nearest) < looked_at:
            return list(first.values())[:k]
        seen, looked_at = looked_at, looked_at * COPIES


def _digests(chunks: Sequence[int], documents: Collection[int] | None) -> list[tuple[int, str]]:
    """Those of these chunks that may be shown, in their order, with a hash of their texts."""
    digests: dict[int, str] = {}
    for begin in range(0, len(chunks), AT_ONCE):
        some = _among(documents).filter(pk__in=chunks[begin : begin + AT_ONCE]).order_by()
        digests.update(some.values_list("pk", MD5("text")))
    return [(chunk, digests[chunk]) for chunk in chunks if chunk in digests]


def worded_snapshot(query: str, documents: Collection[int] | None = None, *, k: int = CANDIDATES) -> Snapshot:
    """A snapshot of the `k` chunks that have most of a query's words, for when it has no vector; likewise."""
    return snapshot_of(worded_chunks(query, documents, k=k), NO_MODEL, get_embedder())


def worded_chunks(query: str, documents: Collection[int] | None = None, *, k: int) -> list[int]:
    """The ids of the `k` chunks that have most of a query's longest words; likewise.

    No index helps: row-level security leaves one to leakproof operators only, and those of full text are not. So the
    words are few, and texts are looked through as they are, which takes a fifth of what cutting them into words does.
    """
    words = sorted({word[:LONGEST] for word in WORD.findall(query.lower())}, key=lambda word: (-len(word), word))
    chunks = _among(documents).alias(said=Concat("document__title", Value(" "), "text", output_field=TextField()))
    few = words[:MOST_WORDS]
    has = [Case(When(said__iregex=word, then=1), default=0) for word in few]
    # Most texts have none of them: one look at each is enough.
    most = [Case(When(said__iregex="|".join(few), then=reduce(add, has)), default=0).desc()] if few else []
    return list(chunks.order_by(*most, "pk").values_list("pk", flat=True)[:k])


def _among(documents: Collection[int] | None) -> QuerySet[Chunk]:
    chunks = retrievable_chunks()
    return chunks if documents is None else chunks.filter(document__in=documents)


def snapshot_of(chunks: Sequence[int], model: str, embedder: Embedder) -> Snapshot:
    """A snapshot of these chunks, as far as they can be found; needs the tenant's scope."""
    rows = read_rows(retrievable_chunks().filter(pk__in=chunks), model)
    return empty_snapshot(rows, indexed=False, embedder=embedder).grown(rows)

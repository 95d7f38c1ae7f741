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
from knowledge.indexes.replica import replicas
from knowledge.retrieval.filters import Filters
from knowledge.retrieval.finding import Asked, Found, find
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.policy import SearchPolicy, policies
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from knowledge.embedding.base import QueryEncoding
    from knowledge.retrieval.weights import Weights

__all__ = ["Filters", "Passage", "SearchResult", "search"]

MAX_QUERY = 2_000  # characters that are looked at


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


class _Request(NamedTuple):
    text: str
    k: int
    filters: Filters
    weights: Weights | None


class _Outcome(NamedTuple):
    found: Found
    encoding: QueryEncoding


def search(
    tenant_id: int, query: str, *, k: int = 10, filters: Filters | None = None, weights: Weights | None = None
) -> SearchResult:
    """The `k` passages of a tenant's live documents that answer `query` best (fewer only where there are fewer).

    Opens its own short scopes; nothing slow happens inside. Blocks: call it from a thread, not from the event loop.

    Raises:
        EmbedderError: the query could not be embedded.
    """
    started = time.perf_counter()
    text = query[:MAX_QUERY].encode(errors="replace").decode()  # a lone surrogate is no character
    request = _Request(text, k, filters or Filters(), weights)
    policy = policies.get(tenant_id)
    outcome = _carry_out(tenant_id, request, policy)
    if outcome.found.version > policy.version:  # what was set may have changed with it
        outcome = _carry_out(tenant_id, request, policies.load(tenant_id))
    found, milliseconds = outcome.found, (time.perf_counter() - started) * 1000
    return SearchResult(
        query, found.passages, found.answerability, found.index, milliseconds, found.documents, outcome.encoding
    )


def _carry_out(tenant_id: int, request: _Request, policy: SearchPolicy) -> _Outcome:
    encoding = serving_embedder(tenant_id).encode_query(request.text)
    snapshot = replicas.get(tenant_id)
    with tenant_scope(tenant_id):
        asked = Asked(
            request.text, encoding, request.k, policy.documents(request.filters), request.weights or policy.weights
        )
        found = find(tenant_id, snapshot, asked)
    return _Outcome(found, encoding)

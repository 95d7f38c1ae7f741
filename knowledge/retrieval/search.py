"""A tenant's question in, its ranked passages out.

Ranking happens in memory, over a replica or over the nearest chunks that PostgreSQL names. What it finds is then
fetched by id, under the tenant's policy and only where it may still be shown: a stale replica can miss a passage, never
leak or resurrect one.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from knowledge.models import Reranker
from knowledge.retrieval import parts
from knowledge.retrieval.filters import Filters
from knowledge.retrieval.finding import Asked, Found
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.policy import SearchPolicy, policies
from knowledge.retrieval.server_rerank import DEPTH, RerankError, RerankServer, reordered
from knowledge.retrieval.source import Source, source_of
from knowledge.retrieval.spelling import correct
from knowledge.retrieval.synonyms import in_known_words
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from knowledge.embedding.base import QueryEncoding
    from knowledge.retrieval.curated import Curated
    from knowledge.retrieval.server_rerank import Rerank
    from knowledge.retrieval.trial import Trial
    from knowledge.retrieval.weights import Weights

__all__ = ["Filters", "Passage", "SearchResult", "search"]

MAX_QUERY = 8_000  # characters that are looked at
log = logging.getLogger(__name__)
CURATED = "curated"  # the score that says how well a curated answer's wording fits


class Part(NamedTuple):
    """One of several things that a question asks for; `answerability` is that of what was found for it alone."""

    text: str
    encoding: QueryEncoding
    answerability: float


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes:
        passages: best first.
        answerability: how likely they hold an answer at all: the best sentence's raw cosine plus half the share of the
            query's words (by idf) that the best passage has, less .3 of the share that no passage has. About .56
            separates a corpus' own subject from others.
        index: what served it, "faiss" or "pgvector"; "words" where there were no vectors to compare, and words alone
            had to do; "trial" where nothing that serves did.
        ms: how long it took.
        documents: live documents that were searched.
        corrected: the query as it was understood, where its spelling was put right; else empty.
        parts: what a question that asks for several things was looked up as, beside the whole of it.
        curated: the answer that a curator wrote for this question; its passages come first.
        note: why a reranker that is set up had no say; empty where it had, or there is none.
    """

    query: str
    passages: tuple[Passage, ...]
    answerability: float
    index: str
    ms: float
    documents: int
    encoding: QueryEncoding = field(repr=False)
    corrected: str = ""
    parts: tuple[Part, ...] = ()
    curated: Curated | None = None
    note: str = ""


class _Request(NamedTuple):
    text: str
    k: int
    filters: Filters
    weights: Weights | None
    trial: Trial | None
    model: Rerank | None


class _Outcome(NamedTuple):
    found: Found
    corrected: str
    parts: tuple[Part, ...]
    curated: Curated | None
    note: str


def search(  # noqa: PLR0913 (all but two are optional)
    tenant_id: int,
    query: str,
    *,
    k: int = 10,
    filters: Filters | None = None,
    weights: Weights | None = None,
    trial: Trial | None = None,
    model: Rerank | None = None,
) -> SearchResult:
    """The `k` passages of a tenant's live documents that answer `query` best (fewer only where there are fewer).

    Opens its own short scopes; nothing slow happens inside. Blocks: call it from a thread, not from the event loop.
    Where the embedding model cannot be used the words of the query must do. A trial asks what would be found after a
    change; its first search makes a snapshot, which takes a while. `model` is asked to put the best passages in order
    where the tenant wants its chat model to.

    Raises:
        EmbedderError: the model of a trial cannot be used.
    """
    started = time.perf_counter()
    text = query[:MAX_QUERY].encode(errors="replace").decode()  # a lone surrogate is no character
    request = _Request(text, k, filters or Filters(), weights, trial, model)
    policy = policies.get(tenant_id)
    outcome = _carry_out(tenant_id, request, policy)
    if outcome.found.version > policy.version:  # what was set, the embedding model too, may have changed with it
        outcome = _carry_out(tenant_id, request, policies.load(tenant_id))
    found = outcome.found
    return SearchResult(
        query,
        found.passages,
        found.answerability,
        found.index,
        (time.perf_counter() - started) * 1000,
        found.documents,
        found.encoding,
        outcome.corrected,
        outcome.parts,
        outcome.curated,
        outcome.note,
    )


def _carry_out(tenant_id: int, request: _Request, policy: SearchPolicy) -> _Outcome:
    """The pipeline: put right, cut into parts, look up each, merge, rerank, and put a curator's answer first."""
    source = source_of(tenant_id, request.trial)
    text = _spelt(source, request.text) if policy.settings.spelling else request.text
    if text != request.text and (now := source.up_to_date()) is not source:
        source, text = now, _spelt(now, request.text)  # a word that has just come is no slip of an older one
    asked = [_ask(source, policy, request, part) for part in (text, *parts.split(text))]
    vector = asked[0].encoding.vector if asked[0].encoding else None
    curated = policy.curated.match(text, source.language, vector, asked[0].model)
    with tenant_scope(tenant_id):
        allowed = policy.documents(request.filters)
        found = [source.find(replace(each, documents=allowed)) for each in asked]
        chosen: tuple[Passage, ...] = ()
        if curated and (allowed is None or curated.document in allowed):
            chosen = source.find(replace(asked[0], documents=[curated.document])).passages
    merged, note = _reranked(text, _merged(found, asked[0].k), policy, request)
    if curated and chosen:
        merged = _with_first(merged, chosen, curated, request.k)
    return _Outcome(
        merged,
        corrected=text if text != request.text else "",
        parts=tuple(
            Part(each.text, one.encoding, one.answerability) for each, one in zip(asked[1:], found[1:], strict=True)
        ),
        curated=curated if chosen else None,
        note=note,
    )


def _spelt(source: Source, text: str) -> str:
    """The question with its typing errors put right, where there is a vocabulary to know them by."""
    if source.snapshot is None or source.embedder is None:
        return text
    return correct(text, source.snapshot.lexical, source.embedder, source.snapshot.pieces_per_word).text


def _ask(source: Source, policy: SearchPolicy, request: _Request, text: str) -> Asked:
    """A question ready to be looked up; its vectors are of words that the documents have, where synonyms know them."""
    meant = text
    if source.snapshot is not None:
        meant = in_known_words(source.snapshot.lexical, text, policy.synonyms.expansions(text, source.language))
    trial = request.trial.weights if request.trial else None
    encoding = source.encode(meant)
    return Asked(
        text,
        encoding,
        max(request.k, DEPTH) if request.k and _reranker(policy, request) else request.k,
        weights=request.weights or trial or policy.weights,
        model=source.embedder.name if source.embedder else "",
        synonyms=policy.synonyms,
        need=source.need(meant),
        nearest=source.nearest(encoding),
    )


def _merged(found: list[Found], k: int) -> Found:
    """What the whole question and its parts found, in turn.

    It is as answerable as the whole, or as the least answerable of its parts: each holds only some of its words.
    """
    whole, *rest = found
    if not rest:
        return whole
    passages, score = [], 1.0
    for passage in parts.merge([each.passages for each in found], k):
        score = min(score, passage.score)  # they fall, as in every result
        passages.append(replace(passage, score=score))
    answerability = max(whole.answerability, min(each.answerability for each in rest))
    version = max(each.version for each in found)
    return replace(whole, passages=tuple(passages), answerability=answerability, version=version)


def _reranker(policy: SearchPolicy, request: _Request) -> Callable[[], Rerank] | None:
    """Who puts the best passages in order once more, as the tenant has set it."""
    wanted = policy.settings.reranker
    if wanted == Reranker.SERVER and policy.settings.rerank_url:
        return partial(RerankServer.of, policy.settings)
    model = request.model if wanted == Reranker.MODEL else None
    return (lambda: model) if model else None


def _reranked(text: str, found: Found, policy: SearchPolicy, request: _Request) -> tuple[Found, str]:
    """The passages as the tenant's reranker has them, or as they were and why; slow, so outside of any scope."""
    passages, note, make = found.passages, "", _reranker(policy, request)
    if make and passages:
        try:
            order = reordered(text, passages, make())
            passages = tuple(replace(p, score=new, scores={**p.scores, "rerank": raw}) for p, new, raw in order)
        except RerankError as error:
            note = f"The built-in order was kept: {error}"
            log.warning("%s", note)
    return replace(found, passages=passages[: request.k]), note


def _with_first(found: Found, chosen: tuple[Passage, ...], curated: Curated, k: int) -> Found:
    """What was found behind the passages of a curated answer."""
    marked = [replace(p, score=1.0, scores={**p.scores, CURATED: curated.similarity}) for p in chosen]
    others = [passage for passage in found.passages if passage.document_id != curated.document]
    answerability = max(found.answerability, 1.0)  # a curator said that this is the answer
    return replace(found, passages=tuple([*marked, *others][:k]), answerability=answerability)

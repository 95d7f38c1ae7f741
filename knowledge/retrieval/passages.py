"""From a ranking to passages: fetch by id what may be shown, look at the best of it closely, keep the first k."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db.models import F
from django.db.models.functions import Substr

from knowledge.embedding.base import TOKEN_WIDTH
from knowledge.models import Chunk
from knowledge.queries import retrievable_chunks
from knowledge.retrieval import fusion, rerank

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from knowledge.embedding.base import Floats, QueryEncoding
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.retrieval.ranking import Ranking


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A chunk that was found.

    Attributes:
        chunk, document_id: database ids; `document` is the id given at ingestion.
        start, end: the chunk's span in the document's text.
        score: 0 to 1, falling; comparable within one result only.
        scores: what it is made of: "lexical", "dense", "fused" and "interaction", and the raw "cosine".
        sentences: spans inside `text`.
        tokens: int8 [t, 64]; token_ids int32 [t]; token_sentences int16 [t]; t = 0 where the embedder has no tokens.
        sentence_vectors: float32 [n, d], unit length, one per sentence (one in all for a text that has none).
        context: the section around the chunk.
    """

    chunk: int
    document: str
    document_id: int
    title: str
    url: str
    heading_path: tuple[str, ...]
    page: int | None
    text: str
    start: int
    end: int
    score: float
    scores: dict[str, float]
    sentences: tuple[tuple[int, int], ...]
    tokens: NDArray[np.int8]
    token_ids: NDArray[np.int32]
    token_sentences: NDArray[np.int16]
    sentence_vectors: Floats
    context: str


class _Stored(NamedTuple):
    """A chunk's row; the names are those of the columns' order in `_COLUMNS`."""

    chunk: int
    document_id: int
    document: str
    title: str
    url: str
    heading_path: list[str]
    page: int | None
    text: str
    start: int
    end: int
    sentences: list[list[int]]
    tokens: bytes
    token_ids: bytes
    token_sentences: bytes

    def token_vectors(self) -> rerank.TokenVectors:
        tokens = np.frombuffer(self.tokens, np.int8).reshape(-1, TOKEN_WIDTH)
        return rerank.TokenVectors(tokens, np.frombuffer(self.token_sentences, np.int16))


_COLUMNS = (
    "pk",
    "document_id",
    "document__external_id",
    "document__title",
    "document__source_url",
    "heading_path",
    "page",
    "text",
    "start",
    "end",
    "sentences",
    "vectors__tokens",
    "vectors__token_ids",
    "vectors__token_sentences",
)


class _Place(NamedTuple):
    """A chunk that may be shown: its place in the ranking and its row."""

    rank: int
    stored: _Stored


def best_passages(snapshot: Snapshot, ranking: Ranking, encoding: QueryEncoding, k: int) -> tuple[Passage, ...]:
    """The best `k` passages of a ranking that may be shown now; needs the tenant's scope."""
    places = _available(snapshot.chunks[ranking.rows].tolist(), k)
    interactions = _interactions(snapshot, encoding, places[: rerank.DEPTH])
    scores = _final_scores(ranking.fused[[place.rank for place in places]], interactions, snapshot.pieces_per_word)
    order = np.argsort(-scores, kind="stable")[:k].tolist()
    contexts = _contexts([places[n].stored.chunk for n in order])
    found = []
    for n in order:
        rank, stored = places[n]
        parts = {name: float(getattr(ranking, name)[rank]) for name in ("lexical", "dense", "fused", "cosine")}
        if n < len(interactions):
            parts["interaction"] = float(interactions[n])
        vectors = snapshot.sentence_vectors(int(ranking.rows[rank]))
        found.append(_passage(stored, float(scores[n]), parts, vectors, contexts.get(stored.chunk, "")))
    return tuple(found)


def _available(chunks: Sequence[int], k: int) -> list[_Place]:
    """The first of `chunks` that may be shown, in order: enough for the rerank and for `k`, if there are so many."""
    places: list[_Place] = []
    step = max(k, rerank.DEPTH)
    for first in range(0, len(chunks), step):
        rows = retrievable_chunks().filter(pk__in=chunks[first : first + step]).values_list(*_COLUMNS)
        found = {row[0]: _Stored(*row) for row in rows}
        ranks = range(first, min(first + step, len(chunks)))
        places += [_Place(rank, found[chunks[rank]]) for rank in ranks if chunks[rank] in found]
        if len(places) >= k:
            break
    return places


def _interactions(snapshot: Snapshot, encoding: QueryEncoding, places: Iterable[_Place]) -> Floats:
    weights = snapshot.token_weights(encoding.token_ids)
    return rerank.interaction(encoding.tokens, weights, [place.stored.token_vectors() for place in places])


def _final_scores(fused: Floats, interactions: Floats, pieces_per_word: float) -> Floats:
    """The mixed score of those that were looked at closely; the others follow below them in the order of `fused`."""
    depth = len(interactions)
    weight = fusion.rerank_weight(pieces_per_word) if interactions.any() else 0.0
    head = rerank.mix(fused[:depth], interactions, weight)
    return np.concatenate([head, fused[depth:] * head.min(initial=1.0)])


def _contexts(chunks: Sequence[int]) -> dict[int, str]:
    parent = Substr("version__markdown", F("parent_start") + 1, F("parent_end") - F("parent_start"))
    return dict(Chunk.objects.filter(pk__in=chunks).values_list("pk", parent))


def _passage(stored: _Stored, score: float, scores: dict[str, float], vectors: Floats, context: str) -> Passage:
    values: dict[str, Any] = stored._asdict()
    values["heading_path"] = tuple(stored.heading_path)
    values["sentences"] = tuple((begin, end) for begin, end in stored.sentences)
    values["tokens"], values["token_sentences"] = stored.token_vectors()
    values["token_ids"] = np.frombuffer(stored.token_ids, np.int32)
    return Passage(**values, score=score, scores=scores, sentence_vectors=vectors, context=context)

"""From a ranking to passages: fetch what may be shown, look at the best of it closely, keep the first k."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.indexes.buffers import unpack_numbers
from knowledge.models import ChunkKind
from knowledge.retrieval import rerank
from knowledge.retrieval.diversity import discounted
from knowledge.retrieval.rows import Shown, fetch_contexts, fetch_rows, token_vectors
from knowledge.retrieval.weights import CHOSEN, Weights, fineness

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from knowledge.embedding.base import Floats, QueryEncoding
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.retrieval.ranking import Ranking
    from knowledge.retrieval.rerank import TokenVectors
    from knowledge.retrieval.rows import ChunkRow


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
        kind: one of `knowledge.models.ChunkKind`.
        model: the embedder that its vectors are of.
        found_by: what it is found by beside its text: a table's header, a question, a picture's caption.
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
    kind: str = ChunkKind.PROSE.value
    found_by: str = ""
    model: str = ""

    @property
    def full_text(self) -> str:
        """The text below what it is to be read with, where it does not say that itself."""
        return self.text if self.found_by in self.text else f"{self.found_by}\n{self.text}"


class _Place(NamedTuple):
    """A chunk that may be shown: its place in the ranking and its row."""

    rank: int
    row: ChunkRow


class Best(NamedTuple):
    """The best passages of a ranking, and the knowledge version at the time (0 if there was nothing to fetch)."""

    passages: tuple[Passage, ...]
    version: int


def best_passages(  # noqa: PLR0913 (a trial names its drafts)
    snapshot: Snapshot,
    ranking: Ranking,
    encoding: QueryEncoding,
    k: int,
    weights: Weights = CHOSEN,
    *,
    drafts: Collection[int] = (),
) -> Best:
    """The best `k` passages of a ranking that may be shown now, or of `drafts`; needs the tenant's scope."""
    shown = Shown(snapshot.model, tuple(drafts))
    if weights.diversity:  # before the few are chosen that are fetched
        ranking = _diverse(snapshot, ranking, weights.diversity)
    places, version = _available(snapshot.chunks[ranking.rows].tolist(), shown, k)
    tokens = token_vectors([place.row for place in places])
    query_weights = snapshot.token_weights(encoding.token_ids)
    interactions = rerank.interaction(encoding.tokens, query_weights, tokens[: rerank.DEPTH])
    share = weights.rerank_share(fineness(snapshot.pieces_per_word, encoding.pieces_per_word))
    scores = _final_scores(ranking.fused[[place.rank for place in places]], interactions, share)
    if weights.diversity:
        scores = discounted(scores, np.array([place.row.document_id for place in places]), weights.diversity)
    order = np.argsort(-scores, kind="stable")[:k].tolist()
    contexts = fetch_contexts([places[n].row for n in order], shown)
    found = []
    for n in order:
        rank, row = places[n]
        parts = {name: float(getattr(ranking, name)[rank]) for name in ("lexical", "dense", "fused", "cosine")}
        if n < len(interactions):
            parts["interaction"] = float(interactions[n])
        vectors = snapshot.sentence_vectors(int(ranking.rows[rank]))[: max(len(row.sentences), 1)]
        found.append(_passage(row, float(scores[n]), parts, tokens[n], vectors, contexts[row.chunk], snapshot.model))
    return Best(tuple(found), version)


def _diverse(snapshot: Snapshot, ranking: Ranking, diversity: float) -> Ranking:
    """The ranking in the order in which its documents take turns; the scores are as before."""
    order = np.argsort(-discounted(ranking.fused, snapshot.documents[ranking.rows], diversity), kind="stable")
    return ranking.ordered(order)


def _available(chunks: Sequence[int], shown: Shown, k: int) -> tuple[list[_Place], int]:
    """The first of `chunks` that may be shown, in order: enough for the rerank and for `k`, if there are so many."""
    places: list[_Place] = []
    version, step = 0, max(k, rerank.DEPTH)
    for first in range(0, len(chunks), step):
        rows, now = fetch_rows(chunks[first : first + step], shown)
        ranks = range(first, min(first + step, len(chunks)))
        places += [_Place(rank, rows[chunks[rank]]) for rank in ranks if chunks[rank] in rows]
        version = max(version, now)
        if len(places) >= k:
            break
    return places, version


def _final_scores(fused: Floats, interactions: Floats, share: float) -> Floats:
    """The mixed score of those that were looked at closely; the others follow below them in the order of `fused`."""
    depth = len(interactions)
    head = rerank.mix(fused[:depth], interactions, share if interactions.any() else 0.0)
    return np.concatenate([head, fused[depth:] * head.min(initial=1.0)])


def _passage(  # noqa: PLR0913, PLR0917 (the parts of a passage)
    row: ChunkRow,
    score: float,
    scores: dict[str, float],
    tokens: TokenVectors,
    vectors: Floats,
    context: str,
    model: str,
) -> Passage:
    return Passage(
        chunk=row.chunk,
        document=row.document,
        document_id=row.document_id,
        title=row.title,
        url=row.url,
        heading_path=tuple(row.heading_path),
        page=row.page,
        text=row.text,
        start=row.start,
        end=row.end,
        score=score,
        scores=scores,
        sentences=tuple((begin, end) for begin, end in row.sentences),
        tokens=tokens.tokens,
        token_ids=unpack_numbers(row.token_ids),
        token_sentences=tokens.sentences,
        sentence_vectors=vectors,
        context=context,
        kind=row.kind,
        found_by=row.found_by,
        model=model,
    )

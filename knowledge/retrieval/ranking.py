"""The order of a snapshot's chunks for one query: lexical and dense candidates, fused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.indexes.lexical import AmongNeighbours
from knowledge.indexes.postings import Neighbourhoods
from knowledge.retrieval import fusion
from knowledge.retrieval.synonyms import expanded_scores, in_known_words
from knowledge.retrieval.weights import CHOSEN, Weights, fineness, neighbours_share

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from knowledge.embedding.base import QueryEncoding
    from knowledge.indexes.base import Floats
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.retrieval.synonyms import Expansion

LEXICAL_EVIDENCE = 0.5  # weight of the lexical share in the answerability
WORDS_ALONE = 1.1  # weight of the lexical share without vectors: 95 % of SQuAD kept, 97 % of foreign questions refused
UNKNOWN_WORDS = 0.3  # weight of the share of words that the corpus lacks: "fridges" where none are sold


class Ranking(NamedTuple):
    """Candidates, best first; all arrays are of the same length.

    Attributes:
        rows: int64, of the snapshot; no two with the same text.
        fused, lexical, dense, cosine: float32; the final order is that of `fused`.
        answerability: the best sentence's cosine and how much of the query's words the best passage has, less what
            the corpus does not know of them; in [0, ~1.5].
    """

    rows: NDArray[np.int64]
    fused: Floats
    lexical: Floats
    dense: Floats
    cosine: Floats
    answerability: float

    def ordered(self, order: NDArray[np.int64]) -> Ranking:
        """In another order, or some of it."""
        return Ranking(
            self.rows[order],
            self.fused[order],
            self.lexical[order],
            self.dense[order],
            self.cosine[order],
            self.answerability,
        )


def rank(  # noqa: PLR0913 (all that an order depends on)
    snapshot: Snapshot,
    query: str,
    encoding: QueryEncoding,
    documents: Collection[int] | None = None,
    weights: Weights = CHOSEN,
    *,
    expansions: Sequence[Expansion] = (),
    k: int = 0,
) -> Ranking:
    """Rank the chunks of `snapshot`, or those of `documents` only (ids), for a query and its synonyms.

    At least `k` of them, if there are so many different ones.
    """
    scores = expanded_scores(snapshot.lexical, query, expansions)
    found = searchable(snapshot, documents)
    lexical = np.where(found, scores.combined, 0)
    rows = _candidates(snapshot, lexical, encoding.vector, found, max(fusion.LEG, k))
    cosine, dense = snapshot.sentence_scores(rows, encoding.vector)
    pieces = fineness(snapshot.pieces_per_word, encoding.pieces_per_word)
    lexical = lexical[rows]
    places = _neighbourhoods(snapshot, rows, neighbours_share(pieces))
    if places.share and (places.ends - places.begins > 1).any():
        lexical = expanded_scores(AmongNeighbours(snapshot.lexical, places), query, expansions).combined
    fused = fusion.fuse(lexical, dense, weights.dense_share(pieces))
    order = np.argsort(-fused, kind="stable")
    order = order[one_of_each(snapshot.fingerprints[rows[order]])]
    words = float(scores.words[rows].max(initial=0)) / scores.idf_sum if scores.idf_sum else 0.0
    unknown = snapshot.lexical.unknown_share(in_known_words(snapshot.lexical, query, expansions))
    evidence = WORDS_ALONE * words
    if encoding.vector.any():
        evidence = float(cosine.max(initial=0)) + LEXICAL_EVIDENCE * words
    answerability = max(evidence - UNKNOWN_WORDS * unknown, 0.0)
    return Ranking(rows, fused, lexical, dense, cosine, answerability).ordered(order)


def searchable(snapshot: Snapshot, documents: Collection[int] | None) -> NDArray[np.bool_]:
    """Which rows of a snapshot may be found: the live ones, or those of `documents` only; bool [rows]."""
    if documents is None:
        return snapshot.live
    return snapshot.live & np.isin(snapshot.documents, np.fromiter(documents, np.int64, len(documents)))


def _neighbourhoods(snapshot: Snapshot, rows: NDArray[np.int64], share: float) -> Neighbourhoods:
    """Each row with the one before and the one after it, where these are of the same document."""

    def belong(others: NDArray[np.int64]) -> NDArray[np.bool_]:
        known = np.clip(others, 0, len(snapshot.live) - 1)
        same = snapshot.documents[known] == snapshot.documents[rows]
        belonging: NDArray[np.bool_] = same & snapshot.live[known] & (known == others)
        return belonging

    return Neighbourhoods(rows, rows - belong(rows - 1), rows + 1 + belong(rows + 1), share)


def one_of_each(fingerprints: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions of texts that no text before them is a copy of, ascending."""
    _, firsts = np.unique(fingerprints, return_index=True)
    return np.sort(firsts)


def _candidates(
    snapshot: Snapshot, lexical: Floats, query: Floats, found: NDArray[np.bool_], depth: int
) -> NDArray[np.int64]:
    """The rows that either way of searching puts among its best `depth`."""
    if snapshot.paragraphs is None:
        return np.flatnonzero(found)
    rows = _nearest(snapshot, lexical, query, None if found is snapshot.live else np.flatnonzero(found), depth)
    if len(rows) < depth or 2 * len(np.unique(snapshot.fingerprints[rows])) >= len(rows):
        return rows
    # Copies crowd out what differs from them: each text counts once.
    allowed = np.flatnonzero(found)
    allowed = allowed[one_of_each(snapshot.fingerprints[allowed])]
    single = np.zeros_like(lexical)
    single[allowed] = lexical[allowed]
    return _nearest(snapshot, single, query, allowed, depth)


def _nearest(
    snapshot: Snapshot, lexical: Floats, query: Floats, allowed: NDArray[np.int64] | None, depth: int
) -> NDArray[np.int64]:
    by_words = fusion.best(lexical, depth)
    by_words = by_words[lexical[by_words] > 0]
    if snapshot.paragraphs is None:
        return by_words
    by_vector, _ = snapshot.paragraphs.search(snapshot.whitening.direction(query), depth, allowed)
    return np.union1d(by_words, by_vector)

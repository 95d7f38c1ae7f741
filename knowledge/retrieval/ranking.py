"""The order of a snapshot's chunks for one query: lexical and dense candidates, fused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.retrieval import fusion
from knowledge.retrieval.synonyms import expanded_scores, in_known_words
from knowledge.retrieval.weights import CHOSEN, Weights

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from knowledge.embedding.base import QueryEncoding
    from knowledge.indexes.base import Floats
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.retrieval.synonyms import Expansion

LEXICAL_EVIDENCE = 0.5  # weight of the lexical share in the answerability
WORDS_ALONE = 1.2  # weight of the lexical share where there are no vectors to compare
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


def rank(  # noqa: PLR0913 (all that an order depends on)
    snapshot: Snapshot,
    query: str,
    encoding: QueryEncoding,
    documents: Collection[int] | None = None,
    weights: Weights = CHOSEN,
    *,
    expansions: Sequence[Expansion] = (),
) -> Ranking:
    """Rank the chunks of `snapshot`, or those of `documents` only (ids), for a query and its synonyms."""
    scores = expanded_scores(snapshot.lexical, query, expansions)
    found = snapshot.live
    if documents is not None:
        found = found & np.isin(snapshot.documents, np.fromiter(documents, np.int64, len(documents)))
    lexical = np.where(found, scores.combined, 0)
    rows = _candidates(snapshot, lexical, encoding.vector, None if documents is None else np.flatnonzero(found))
    cosine, dense = snapshot.sentence_scores(rows, encoding.vector)
    fused = fusion.fuse(lexical[rows], dense, weights.dense_share(snapshot.pieces_per_word))
    order = np.argsort(-fused, kind="stable")
    _, firsts = np.unique(snapshot.fingerprints[rows[order]], return_index=True)
    order = order[np.sort(firsts)]
    words = float(scores.words[rows].max(initial=0)) / scores.idf_sum if scores.idf_sum else 0.0
    unknown = snapshot.lexical.unknown_share(in_known_words(snapshot.lexical, query, expansions))
    if encoding.vector.any():
        evidence = float(cosine.max(initial=0)) + LEXICAL_EVIDENCE * words
    else:
        evidence = WORDS_ALONE * words
    answerability = max(evidence - UNKNOWN_WORDS * unknown, 0.0)
    return Ranking(rows[order], fused[order], lexical[rows][order], dense[order], cosine[order], answerability)


def _candidates(
    snapshot: Snapshot, lexical: Floats, query: Floats, allowed: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """The rows that either way of searching puts among its best."""
    if snapshot.paragraphs is None:
        return np.flatnonzero(snapshot.live) if allowed is None else allowed
    by_words = fusion.best(lexical, fusion.LEG)
    by_vector, _ = snapshot.paragraphs.search(snapshot.whitening.direction(query), fusion.LEG, allowed)
    return np.union1d(by_words[lexical[by_words] > 0], by_vector)

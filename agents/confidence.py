"""How far an answer can be trusted: whether there was evidence at all, and one number for reviewers.

Nothing here is learnt; the weights are a first, documented estimate that orders answers for review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

ANSWERABLE = 0.56
"""Raw best sentence cosine + .5 * BM25 share of the question's idf - .3 * the share that the documents do not know, as
`SearchResult.answerability` gives it.

Measured: of 1,000 SQuAD questions asked of banking articles 96.2 % lie below, of 1,500 BANKING77 questions 95.3 %
above; of 238 German XQuAD questions asked of their own articles 94 % lie above.
"""
CERTAIN = 1.1
"""The answerability from which evidence is as good as it gets."""

EVIDENCE_WEIGHT = 0.5
MARGIN_WEIGHT = 0.15
SUPPORT_WEIGHT = 0.35
FULL_MARGIN = 0.3
"""Score distance between the first and the second passage from which the first is unrivalled (scores are 0..1)."""


def is_answerable(result: SearchResult) -> bool:
    """Return whether the passages are near enough to the question to answer from them."""
    return bool(result.passages) and result.answerability >= ANSWERABLE


def confidence(result: SearchResult, support: float) -> float:
    """Return 0..1 from the evidence's strength, the first passage's lead and how well the citations support the text.

    Args:
        result: what was found; an unanswerable question has no confidence.
        support: share of the statements' words that the quoted sentences hold, 0..1 (0 without citations).
    """
    if not is_answerable(result):
        return 0.0
    evidence = min((result.answerability - ANSWERABLE) / (CERTAIN - ANSWERABLE), 1.0)
    scores = [passage.score for passage in result.passages[:2]]
    lead = scores[0] - scores[1] if len(scores) > 1 else FULL_MARGIN
    margin = min(max(lead, 0.0) / FULL_MARGIN, 1.0)
    return round(EVIDENCE_WEIGHT * evidence + MARGIN_WEIGHT * margin + SUPPORT_WEIGHT * support, 3)

"""How far an answer can be trusted: whether there was evidence at all, and one calibrated number.

The number is the chance that the answer is right, as far as the questions of `benchmarks.confidence` tell, whose --fit
prints the coefficients.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

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
FULL_MARGIN = 0.3
"""Score distance between the first and the second passage from which the first is unrivalled (scores are 0..1)."""
RECORD_CONFIDENCE = 0.9
"""Of an answer from the shop's own records: what they say is so, how it is put may not be."""

FEATURES = ("evidence", "margin", "support", "grounding")
WEIGHTS = (3.86, 0.99, 3.17, 8.9)
BIAS = -14.2
SCORES = (0.0, 0.071, 0.282, 0.5, 0.694, 0.845, 0.899, 0.929, 0.938, 1.0)
CHANCES = (0.02, 0.043, 0.17, 0.717, 0.769, 0.86, 0.868, 0.943, 0.963, 0.98)
"""What the logistic score comes to in truth, straight between: isotonic regression on the same answers."""
CUT_SHORT, STAND_IN = 0.6, 0.95
"""What is left of the number for an answer that broke off, and for one of a stand-in; judged, not measured."""


def is_answerable(result: SearchResult) -> bool:
    """Return whether the passages are near enough to the question to answer from them."""
    return bool(result.passages) and result.answerability >= ANSWERABLE


def confidence(
    result: SearchResult, support: float, *, grounding: float = 1.0, finish: str = "stop", degraded: bool = False
) -> float:
    """Return the chance, 0..1, that an answer is right.

    Args:
        result: what was found; an unanswerable question has no confidence.
        support: share of the statements' words that the quoted sentences hold, 0..1 (0 without citations).
        grounding: share of the sentences that a cited passage supports.
        finish: how the answer ended; "unknown" has no confidence.
        degraded: a stand-in wrote it.
    """
    if not is_answerable(result) or finish == "unknown":
        return 0.0
    total = BIAS + sum(w * f for w, f in zip(WEIGHTS, features(result, support, grounding), strict=True))
    chance = float(np.interp(1 / (1 + math.exp(-total)), SCORES, CHANCES))
    chance *= (1.0 if finish == "stop" else CUT_SHORT) * (STAND_IN if degraded else 1.0)
    return round(chance, 3)


def features(result: SearchResult, support: float, grounding: float) -> tuple[float, float, float, float]:
    """Return the `FEATURES`, each 0..1: how good the evidence is, how far the first passage leads, and the text."""
    evidence = min(max((result.answerability - ANSWERABLE) / (CERTAIN - ANSWERABLE), 0.0), 1.0)
    scores = [passage.score for passage in result.passages[:2]]
    lead = scores[0] - scores[1] if len(scores) > 1 else FULL_MARGIN
    return evidence, min(max(lead, 0.0) / FULL_MARGIN, 1.0), support, grounding

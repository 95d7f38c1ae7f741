"""From which likeness on a tenant's questions share an answer, learnt from what reviewers said of earlier hits.

The bound is Clopper and Pearson's (Biometrika 26, 1934), one-sided at 95 %: exact, and never too small.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SURENESS = 0.95
DEFAULT = 0.5
"""The threshold of a tenant without verdicts."""
PRIOR = ((0.5, 566), (0.6, 520), (0.7, 395), (0.8, 241), (0.9, 84))
"""(likeness, right hits at or above it) on the development half of the pairs, where no hit was wrong.

Written by `python -m benchmarks.cache --fit`.
"""
EXACT_ONLY = 1.0
"""The threshold at which only the same words are a hit."""
VERDICTS = 3000
"""Latest verdicts of a tenant that are looked at."""


def learnt(verdicts: Sequence[tuple[float, bool]], risk: float) -> float:
    """Return the lowest threshold at which the bound on the share of wrong hits stays under `risk`.

    Args:
        verdicts: (likeness, whether it was right) of hits that a reviewer judged; the same words not among them.
        risk: share of hits that may be wrong.
    """
    places = sorted({DEFAULT, *(place for place, _ in PRIOR), *(likeness for likeness, _ in verdicts)})
    for place in places:
        if place < DEFAULT:
            continue
        # A hair above a wrong hit, so that the same pair of questions does not meet again.
        above = [right for likeness, right in verdicts if likeness >= place]
        if upper_bound(above.count(False), len(above)) <= risk:
            return place
        trials = len(above) + _prior(place)
        if upper_bound(above.count(False), trials) <= risk:
            return place
    return EXACT_ONLY


def _prior(place: float) -> int:
    return next((count for likeness, count in PRIOR if likeness >= place), 0)


@lru_cache(maxsize=4096)
def upper_bound(wrong: int, trials: int) -> float:
    """Return the share that the true one stays under with 95 % sureness, having seen `wrong` of `trials`."""
    if wrong >= trials:
        return 1.0
    low, high = wrong / trials, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _at_most(wrong, trials, middle) > 1 - SURENESS:
            low = middle
        else:
            high = middle
    return high


def _at_most(count: int, trials: int, share: float) -> float:
    """Return how likely at most `count` of `trials` are, each with this share."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    return sum(
        exp(lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1) + k * log(share) + (trials - k) * log1p(-share))
        for k in range(count + 1)
    )

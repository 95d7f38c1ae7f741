"""How much a question is like one that was answered: 0 where anything keeps them apart, else nearly their cosine.

The gates do most of the work. Measured on labelled pairs, the cosine alone lets a third of the near misses through
before it finds a tenth of the paraphrases; see benchmarks/cache.py.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from agents.cache.comparison import contradiction, leftovers
from agents.cache.features import read_features

if TYPE_CHECKING:
    from agents.cache.features import Features
    from knowledge.embedding.base import Floats

LEFT_OUT = 0.15
"""What a question loses for a concept that only one of the two names and that may be left out."""
MOST_LEFT_OUT = 1
COUNTED = frozenset({"COST", "COUNT", "AMOUNT"})
NOT_WITH_AMOUNTS = frozenset({"-need", "-include"})
"""Concepts without which a question for an amount is another one: the points one needs are not those one gets."""
SAME = 0.9999
"""The most that questions in other words can reach; 1 is for the same words."""


def left_out(asked: Features, kept: Features) -> int | None:
    """Return how many concepts only one of the two questions names, None where they are different questions."""
    if contradiction(asked, kept):
        return None
    more, less = leftovers(asked, kept)
    if more and less:  # one thing in the place of another
        return None
    rest = more or less
    if len(rest) > MOST_LEFT_OUT or any(not name.startswith("-") for name in rest):
        return None
    if rest & NOT_WITH_AMOUNTS and (asked.asks | kept.asks) & COUNTED:
        return None
    return len(rest)


def likeness(left: int, asked: Floats, kept: Floats) -> float:
    """Return 0 to 1 from the number of concepts left out and both questions' vectors (unit length)."""
    cosine = float(asked @ kept)
    return max(0.0, min(cosine - LEFT_OUT * left, SAME))


def less_alike(one: str, other: str, language: str) -> float | None:
    """Return what two questions lose of their cosine, None where they are different questions or cannot be read.

    `language` is that of both, where they do not tell themselves.
    """
    asked, kept = _features(one, language), _features(other, language)
    left = left_out(asked, kept) if asked and kept else None
    return None if left is None else LEFT_OUT * left


@lru_cache(maxsize=4096)
def _features(question: str, language: str) -> Features | None:
    return read_features(question, language)

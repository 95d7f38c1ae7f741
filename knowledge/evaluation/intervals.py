"""How sure a mean over questions is, and whether two means differ by more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Z = 1.959964  # the normal deviate of 95 %
RESAMPLES = 2_000
FLIPS = 10_000
SEED = 20_050_501  # the same questions and answers have the same interval
AT_ONCE = 2_000_000  # numbers drawn at once: what they take of memory
CHANCE = 0.05
"""A p-value from which on a difference may be chance."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs of the same questions, by one measure.

    Attributes:
        before, after: means over the questions that both have.
        interval: of 95 %, of `after - before`.
        p: how often chance alone would make a difference as large, 0 to 1.
        better, worse: how many questions rose and fell.
        questions: how many both have.
    """

    before: float
    after: float
    interval: tuple[float, float]
    p: float
    better: int
    worse: int
    questions: int

    @property
    def by(self) -> float:
        """What the mean rose by."""
        return self.after - self.before

    @property
    def significant(self) -> bool:
        """Whether it is more than chance."""
        return self.p < CHANCE


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % confidence interval of a mean of values from 0 to 1, at least one.

    Where every value is 0 or 1, that of a share by Wilson's score (1927), which is right for few questions and for
    shares near 0 and 1; else the percentile bootstrap (Efron and Tibshirani, 1993, chapter 13).
    """
    found = np.asarray(values, np.float64)
    if np.isin(found, (0.0, 1.0)).all():
        return wilson(int(found.sum()), len(found))
    low, high = np.percentile(_resampled_means(found), [2.5, 97.5])
    return float(low), float(high)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share of `hits` among `trials`, at least one (Wilson, 1927)."""
    share, spread = hits / trials, Z * Z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """Compare two runs question by question; both have the same questions in the same order, at least one.

    The interval is a paired bootstrap. The p-value is that of McNemar's exact test (1947) where every question is found
    or not, else of Fisher's randomisation test, which Smucker, Allan and Carterette (2007) recommend for rankings.
    """
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    change = second - first
    better, worse = int((change > 0).sum()), int((change < 0).sum())
    binary = bool(np.isin(first, (0.0, 1.0)).all() and np.isin(second, (0.0, 1.0)).all())
    low, high = np.percentile(_resampled_means(change), [2.5, 97.5]) if better or worse else (0.0, 0.0)
    p = mcnemar(better, worse) if binary else randomisation(change[change != 0])
    ends = (float(low), float(high))
    return Difference(float(first.mean()), float(second.mean()), ends, p, better, worse, len(change))


def mcnemar(gained: int, lost: int) -> float:
    """How often a fair coin would split this unevenly or more, on both sides (McNemar, 1947; exact)."""
    if gained == lost:
        return 1.0
    trials, ways, tail = gained + lost, 1, 1
    for hits in range(1, min(gained, lost) + 1):
        ways = ways * (trials - hits + 1) // hits
        tail += ways
    share: float = 2 * tail / 2**trials
    return min(1.0, share)


def randomisation(changes: Values) -> float:
    """How often changes of random sign would have as large a sum: exact for few, of 10,000 draws for more."""
    observed, count = abs(float(changes.sum())) - 1e-9, len(changes)
    if not count:
        return 1.0
    if 2**count <= FLIPS:
        signs = 1.0 - 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
        return int(np.count_nonzero(np.abs(signs @ changes) >= observed)) / len(signs)
    generator, extreme = np.random.default_rng(SEED), 0
    for rows in _blocks(FLIPS, count):
        signs = 1.0 - 2.0 * generator.integers(0, 2, (rows, count))
        extreme += int((np.abs(signs @ changes) >= observed).sum())
    return (extreme + 1) / (FLIPS + 1)


def _resampled_means(values: Values) -> Values:
    """Means of `RESAMPLES` samples, drawn from the values with replacement."""
    generator, count = np.random.default_rng(SEED), len(values)
    blocks = [values[generator.integers(0, count, (rows, count))].mean(axis=1) for rows in _blocks(RESAMPLES, count)]
    means: Values = np.concatenate(blocks)
    return means


def _blocks(rows: int, columns: int) -> list[int]:
    """`rows` in parts of which each, times `columns`, is not above `AT_ONCE`."""
    size = max(1, AT_ONCE // columns)
    return [min(size, rows - first) for first in range(0, rows, size)]

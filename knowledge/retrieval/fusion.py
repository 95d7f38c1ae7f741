"""How the ways of searching are weighed against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats

LEG = 100  # candidates of each way of searching; a score below the last of them counts as nothing


def best(scores: Floats, k: int) -> NDArray[np.int64]:
    """The positions of the `k` highest scores, in no order."""
    if k >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(scores, len(scores) - k)[len(scores) - k :]


def to_unit_range(scores: Floats, keep: int | None = None) -> Floats:
    """Scores from 0 (the lowest, or the `keep`-th best and below) to 1; where none differs, 1 for those above 0."""
    if not len(scores):
        return scores
    low = scores.min() if keep is None or keep >= len(scores) else np.partition(scores, len(scores) - keep)[-keep]
    width = scores.max() - low
    return np.clip((scores - low) / width, 0, 1) if width > 0 else (scores > 0).astype(np.float32)


def fuse(lexical: Floats, dense: Floats, weight: float) -> Floats:
    """The min-max weighted sum of two legs over the same candidates (CombSUM; Fox and Shaw, 1994)."""
    return (1 - weight) * to_unit_range(lexical, LEG) + weight * to_unit_range(dense, LEG)

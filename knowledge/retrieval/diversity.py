"""Passages of many documents before many passages of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats


def discounted(scores: Floats, documents: NDArray[np.int64], diversity: float) -> Floats:
    """Scores of which each passage of a document has cost the next one of it a share of `diversity`.

    With .5 the best passage of a document keeps its score, the second half of it, the third a quarter; with 1 a
    document has one place until all have one. (Diversification by a discount of what is covered: Carbonell and
    Goldstein, SIGIR 1998, with the document standing for what a passage says.)

    Args:
        scores: float32 [n], not negative.
        documents: int64 [n].
        diversity: 0 (nothing changes) to 1.
    """
    order = np.lexsort((-scores, documents))
    first = np.flatnonzero(np.diff(documents[order], prepend=-1))
    place = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    result = scores.copy()
    result[order] *= np.float32(1 - diversity) ** place
    return result

"""What a vector index is, whichever engine is behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Collection

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


class VectorIndex(Protocol):
    """Vectors under whole-number ids, found by inner product (the cosine, for unit vectors)."""

    def add(self, ids: Ids, vectors: Floats) -> None:
        """Store `vectors` [n, d] under `ids` [n]; an id must not be stored yet."""

    def remove(self, ids: Ids) -> None:
        """Forget these ids; unknown ones are ignored."""

    def search(self, vector: Floats, k: int, allowed: Collection[int] | None = None) -> tuple[Ids, Floats]:
        """The at most `k` best ids and their scores, best first; with `allowed`, only among those ids."""

    def __len__(self) -> int:
        """How many vectors are stored."""

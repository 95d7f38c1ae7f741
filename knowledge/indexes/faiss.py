"""The vector index over FAISS: flat, so exact; faster than any approximate index below 100,000 vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from knowledge.indexes.base import Floats, Ids

faiss.omp_set_num_threads(1)  # a search takes less than a millisecond: waking other threads costs more


class FaissIndex:
    """Flat inner product. Searching from several threads is safe, changing it while they do is not: change a copy."""

    def __init__(self, dimensions: int) -> None:
        # The stubs know the C++ signatures only, not the ones for arrays.
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimensions))

    def __len__(self) -> int:
        """How many vectors are stored."""
        return int(self._index.ntotal)

    def copy(self) -> FaissIndex:
        """An index of its own with the same vectors."""
        other = FaissIndex.__new__(FaissIndex)
        other._index = faiss.clone_index(self._index)  # noqa: SLF001 (of this class)
        return other

    def add(self, ids: Ids, vectors: Floats) -> None:
        """Store `vectors` [n, d] under `ids` [n]; an id must not be stored yet."""
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64))

    def remove(self, ids: Ids) -> None:
        """Forget these ids; unknown ones are ignored."""
        if len(ids):
            self._index.remove_ids(np.asarray(ids, np.int64))

    def search(self, vector: Floats, k: int, allowed: Collection[int] | None = None) -> tuple[Ids, Floats]:
        """The at most `k` best ids and their inner products, best first; with `allowed`, only among those ids."""
        k = min(k, len(self) if allowed is None else len(allowed))
        if k <= 0 or not len(self):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        params = None
        if allowed is not None:
            chosen = np.fromiter(allowed, np.int64, len(allowed))
            params = faiss.SearchParameters(sel=faiss.IDSelectorBatch(chosen))  # type: ignore[call-arg]  # as above
        scores, ids = self._index.search(np.asarray(vector, np.float32)[None], k, params=params)
        found = ids[0] >= 0  # FAISS fills up with -1
        return ids[0][found], scores[0][found]

"""Vectors of the last questions: what a turn searches for it also sorts by intent, and embedding costs 5 ms."""

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

KEPT = 256  # questions


class RecentVectors:
    """The vectors of the last `KEPT` questions by their pieces; for any number of threads."""

    def __init__(self) -> None:
        self._vectors: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, ids: NDArray[np.int64], vector: NDArray[np.float32]) -> None:
        """Keeps a vector, which nobody may change any more; the oldest is forgotten."""
        with self._lock:
            self._vectors[ids.tobytes()] = vector
            while len(self._vectors) > KEPT:
                self._vectors.popitem(last=False)

    def get(self, ids: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The vector of these pieces; None when it is not kept."""
        with self._lock:
            return self._vectors.get(ids.tobytes())

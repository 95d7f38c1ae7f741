"""Encodings of the last questions: what a turn looks up it also searches for and sorts; each costs 5 ms."""

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding.base import QueryEncoding

KEPT = 256  # questions


class RecentQueries:
    """The encodings of the last `KEPT` questions by their pieces; for any number of threads."""

    def __init__(self) -> None:
        self._encodings: OrderedDict[bytes, QueryEncoding] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, ids: NDArray[np.int64], encoding: QueryEncoding) -> None:
        """Keeps an encoding, which nobody may change any more; the oldest is forgotten."""
        with self._lock:
            self._encodings[ids.tobytes()] = encoding
            while len(self._encodings) > KEPT:
                self._encodings.popitem(last=False)

    def get(self, ids: NDArray[np.int64]) -> QueryEncoding | None:
        """The encoding of these pieces; None when it is not kept."""
        with self._lock:
            return self._encodings.get(ids.tobytes())

"""Vectors of many chunks: in batches of similar length, several at a time, and of the same chunk only once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from knowledge.embedding.passages import encode_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from knowledge.embedding.base import Embedder, PassageEncoding
    from knowledge.embedding.passages import Embedded

SLICE = 32  # chunks in one call of the embedder
KEPT = 256  # chunks whose vectors are remembered: about 6 MB


class RecentPassages:
    """The vectors that an embedder has made last, by chunk: the same text is often added again, and under many ids."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[Embedded, PassageEncoding] = OrderedDict()

    def get(self, chunk: Embedded) -> PassageEncoding | None:
        """The chunk's vectors, if it was among the last."""
        with self._lock:
            if chunk in self._kept:
                self._kept.move_to_end(chunk)
            return self._kept.get(chunk)

    def put(self, chunk: Embedded, encoding: PassageEncoding) -> None:
        """Keep a chunk's vectors until others push them out."""
        with self._lock:
            self._kept[chunk] = encoding
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)


class _Recent:
    """What each embedder of this process has made last; forgotten together with the embedder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_embedder: WeakKeyDictionary[Embedder, RecentPassages] = WeakKeyDictionary()

    def of(self, embedder: Embedder) -> RecentPassages:
        with self._lock:
            return self._by_embedder.setdefault(embedder, RecentPassages())


_recent = _Recent()


class Encoding:
    """Chunks on their way to vectors: begun when it is made, while the caller does something else."""

    def __init__(self, chunks: Sequence[Embedded], embedder: Embedder, pool: Executor) -> None:
        """Begin; nothing is waited for."""
        places: dict[Embedded, list[int]] = {}
        for number, chunk in enumerate(chunks):
            places.setdefault(chunk, []).append(number)
        self._known = _recent.of(embedder)
        found = {chunk: encoding for chunk in places if (encoding := self._known.get(chunk)) is not None}
        self._found = {n: encoding for chunk, encoding in found.items() for n in places[chunk]}
        # The longest first: the last batch, for which all but one thread wait, is then a quick one.
        order = sorted(places.keys() - found.keys(), key=lambda chunk: -len(chunk.text))
        batches = [order[first : first + SLICE] for first in range(0, len(order), SLICE)]
        self._size = len(chunks)
        self._batches = [[(chunk, places[chunk]) for chunk in batch] for batch in batches]
        self._futures = [pool.submit(encode_chunks, batch, embedder) for batch in batches]

    def finish(self, progress: Callable[[Sequence[int]], None] = lambda _: None) -> list[PassageEncoding]:
        """Wait for all vectors; they come in the order of the chunks.

        `progress` is told, in this thread, which chunks each batch that is done was for.

        Raises:
            EmbedderError: the embedder failed; what has not begun is given up.
        """
        found = dict(self._found)
        progress(list(found))
        try:
            for batch, future in zip(self._batches, self._futures, strict=True):
                for (chunk, places), encoding in zip(batch, future.result(), strict=True):
                    self._known.put(chunk, encoding)
                    found.update(dict.fromkeys(places, encoding))
                progress([place for _, places in batch for place in places])
        finally:
            self.cancel()
        return [found[number] for number in range(self._size)]

    def cancel(self) -> None:
        """Give up what has not begun; harmless when nothing is left."""
        for future in self._futures:
            future.cancel()

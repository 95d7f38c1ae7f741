"""The vector index over FAISS: flat and exact for most tenants, guesses that are checked exactly for large ones.

What was added last is searched one by one, beside an index of what was there before, into which it goes when there is
enough of it: a small change to a large index is a small one, whichever kind it is. What was removed is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.indexes import kinds
from knowledge.indexes.kinds import Kind, faiss
from knowledge.indexes.parts import taken

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats, Ids

GUESSES, LEAST = 5, 500  # checked exactly for each that is asked for, and in all: of the best 10, .999 are among them
RETRAIN = 4  # growth after which an index that guesses is trained anew
SAMPLE = kinds.CELLS * kinds.SAMPLE_PER_CELL  # vectors that it is trained with
FEW = 20_000  # allowed vectors that are looked at one by one
AT_ONCE = 1 << 14  # vectors that are read or added at once

faiss.omp_set_num_threads(1)  # a search takes a millisecond or few: waking other threads costs more


@dataclass(slots=True, eq=False)
class FaissIndex:
    """Inner products. Searching from several threads is safe, changing it while they do is not: change a copy.

    Attributes:
        dimensions: d.
        ids: int64 [n], in the order in which they were added.
        alive: bool [n]; removed ones are not.
        exact: float16 [m, d] in parts, the vectors of the first m.
        guessing: finds the likely best of the first m; None where m = 0.
        trained: how many vectors there were when it was trained.
        tail: the vectors of the others, in half precision.
    """

    dimensions: int
    ids: Ids = field(default_factory=lambda: np.zeros(0, np.int64))
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    exact: tuple[NDArray[np.float16], ...] = ()
    guessing: Any = None  # the stubs know the C++ signatures only, not the ones for arrays
    trained: int = 0
    tail: Any = None

    def __post_init__(self) -> None:
        if self.tail is None:
            self.tail = kinds.flat(self.dimensions)

    def __len__(self) -> int:
        """How many vectors can be found."""
        return int(np.count_nonzero(self.alive))

    @property
    def kind(self) -> Kind:
        """How most of it is searched."""
        return kinds.kind_of(self.guessing)

    def copy(self) -> FaissIndex:
        """An index of its own with the same vectors; they share what is never changed."""
        return replace(self, alive=self.alive.copy(), tail=faiss.clone_index(self.tail))

    def add(self, ids: Ids, vectors: Floats) -> None:
        """Store `vectors` [n, d] under `ids` [n]; an id must not be stored yet."""
        self.ids = np.concatenate([self.ids, np.asarray(ids, np.int64)])
        self.alive = np.concatenate([self.alive, np.ones(len(ids), bool)])
        for first in range(0, len(ids), AT_ONCE):
            self.tail.add(np.ascontiguousarray(vectors[first : first + AT_ONCE], np.float32))
        if self.tail.ntotal > kinds.FLAT_MOST and kinds.kind_for(len(self.ids)) is not Kind.FLAT:
            self._settle()

    def remove(self, ids: Ids) -> None:
        """Forget these ids; unknown ones are ignored."""
        self.alive &= ~np.isin(self.ids, ids)

    def search(self, vector: Floats, k: int, allowed: Collection[int] | None = None) -> tuple[Ids, Floats]:
        """The at most `k` best ids and their inner products, best first; with `allowed`, only among those ids."""
        usable = self.alive
        if allowed is not None:
            usable = usable & np.isin(self.ids, np.fromiter(allowed, np.int64, len(allowed)))
        k = min(k, int(np.count_nonzero(usable)))
        if k <= 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        settled = len(self.ids) - int(self.tail.ntotal)
        query = np.ascontiguousarray(vector, np.float32)
        guesses = self._guesses(query, k, usable[:settled], filtered=allowed is not None)
        scores, places = _nearest(self.tail, query, k, usable[settled:], faiss.SearchParameters)
        places = np.concatenate([guesses, places + settled])
        scores = np.concatenate([self._scores(guesses, query), scores])
        best = np.argsort(-scores, kind="stable")[:k]
        return self.ids[places[best]], scores[best]

    def _guesses(self, query: Floats, k: int, usable: NDArray[np.bool_], *, filtered: bool) -> Ids:
        """Places among which the `k` best usable ones are likely to be; never fewer than there are."""
        count = int(np.count_nonzero(usable))
        if count <= max(k, FEW if filtered else 0):
            return np.flatnonzero(usable)
        depth = min(max(GUESSES * k, LEAST), count)
        for everywhere in (filtered, True):

            def asked(sel: Any = None, *, everywhere: bool = everywhere) -> Any:
                return kinds.parameters(self.kind, depth, sel, everywhere=everywhere)

            _, places = _nearest(self.guessing, query, depth, usable, asked)
            if len(places) >= k:
                return places
        return np.flatnonzero(usable)

    def _scores(self, places: Ids, query: Floats) -> Floats:
        spans = [places[first : first + AT_ONCE] for first in range(0, len(places), AT_ONCE)]
        parts = [taken(self.exact, span).astype(np.float32) @ query for span in spans]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def _settle(self) -> None:
        """Move the tail to the vectors before it; train anew where the kind is another one or there are many more."""
        codes = faiss.vector_to_array(self.tail.codes).view(np.float16).reshape(-1, self.dimensions)
        self.exact = (*self.exact, codes)
        count = len(self.ids)
        kind, added = kinds.kind_for(count), self.exact
        if kind is self.kind and count <= RETRAIN * self.trained:
            self.guessing, added = faiss.clone_index(self.guessing), (codes,)
        else:
            sample = np.linspace(0, count - 1, min(count, SAMPLE)).astype(np.int64)
            self.guessing, self.trained = kinds.trained(kind, taken(self.exact, sample).astype(np.float32)), count
        for part in added:
            for first in range(0, len(part), AT_ONCE):
                self.guessing.add(part[first : first + AT_ONCE].astype(np.float32))
        self.tail = kinds.flat(self.dimensions)


def _nearest(index: Any, query: Floats, k: int, usable: NDArray[np.bool_], parameters: Any) -> tuple[Floats, Ids]:
    """The scores and places of the `k` best usable vectors of an index, best first."""
    count = int(np.count_nonzero(usable))
    if not count:
        return np.zeros(0, np.float32), np.zeros(0, np.int64)
    selector = None
    if count < len(usable):
        selector = faiss.IDSelectorBitmap(np.packbits(usable, bitorder="little"))
    scores, places = index.search(query[None], min(k, count), params=parameters(sel=selector))
    found = places[0] >= 0  # FAISS fills up with -1
    return scores[0][found], places[0][found]

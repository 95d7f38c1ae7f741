"""BM25 (Robertson and Zaragoza, 2009) over posting lists in memory: two bytes for an occurrence, one more for repeats.

Most terms occur once in a passage. What such an occurrence adds to a row's score is the term's weight times a factor of
the row alone, so that weights are summed first and multiplied once; only repeated terms are looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge.indexes.analysis import Keys, Terms

Floats = NDArray[np.float32]
Offsets = NDArray[np.uint32]

K1, B = 1.2, 0.75
BLOCK = 1 << 16  # rows that one set of posting lists covers: their numbers take two bytes, their scores stay in a cache
MOST = 255  # occurrences of a term in one text beyond which BM25 gains nothing
AT_ONCE = 128  # terms whose counts are held for each of some rows: a query may have thousands
LARGE = 1_000  # rows from which a term may be called common

# One occurrence as a number that sorts by term, repeated ones before single ones, and row: 32, 1, 16 and 8 bits.
_TERM, _SINGLE, _ROW, _COUNT = (np.uint64(bits) for bits in (32, 24, 8, 0xFF))
_ROWS = np.uint64(BLOCK - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which of up to 65,536 neighbouring rows each term occurs in. Immutable.

    Attributes:
        first: the first of those rows.
        size: how many rows there are.
        terms: uint32 [t], ascending.
        starts: uint32 [t + 1], where the rows of a term begin and end; those it is repeated in come first.
        repeats: uint32 [t + 1], where their counts begin and end.
        rows: uint16 [p], from `first`.
        counts: uint8 [r], occurrences in a row, 2 and more.
    """

    first: int
    size: int
    terms: Keys
    starts: Offsets
    repeats: Offsets
    rows: NDArray[np.uint16]
    counts: NDArray[np.uint8]

    @classmethod
    def compile(cls, keys: Keys, rows: NDArray[np.int64], first: int, size: int) -> Postings:
        """Posting lists of occurrences of terms in rows numbered from 0; sorting 64-bit numbers does the work."""
        both = np.sort(keys.astype(np.uint64) << _TERM | rows.astype(np.uint64))
        begin = np.flatnonzero(np.diff(both, prepend=~both[:1]))
        counts = np.minimum(np.diff(begin, append=len(both)), MOST).astype(np.uint64)
        both = both[begin]
        return cls._grouped(_packed(both >> _TERM, both & _ROWS, counts), first, size)

    def joined(self, other: Postings) -> Postings:
        """With the postings of the rows that follow."""
        both = np.concatenate([self._occurrences(0), other._occurrences(other.first - self.first)])
        return self._grouped(both, self.first, self.size + other.size)

    @classmethod
    def _grouped(cls, occurrences: NDArray[np.uint64], first: int, size: int) -> Postings:
        occurrences.sort()
        keys = (occurrences >> _TERM).astype(np.uint32)
        counts = (occurrences & _COUNT).astype(np.uint8)
        starts = np.append(np.flatnonzero(np.diff(keys, prepend=~keys[:1])), len(keys)).astype(np.uint32)
        repeated = counts > 1
        repeats = np.concatenate([[0], np.cumsum(repeated)])[starts].astype(np.uint32)
        rows = (occurrences >> _ROW).astype(np.uint16)
        return cls(first, size, keys[starts[:-1]], starts, repeats, rows, counts[repeated])

    def _occurrences(self, shift: int) -> NDArray[np.uint64]:
        lengths, repeated = np.diff(self.starts), np.diff(self.repeats)
        counts = np.ones(len(self.rows), np.uint64)
        counts[_spans(self.starts[:-1], repeated)] = self.counts
        return _packed(np.repeat(self.terms, lengths).astype(np.uint64), self.rows + np.uint64(shift), counts)

    def __len__(self) -> int:
        """How many postings there are."""
        return len(self.rows)

    def places(self, keys: Keys) -> NDArray[np.int64]:
        """The position of each key among the terms, -1 for an unknown one."""
        if not len(self.terms):
            return np.full(len(keys), -1)
        places = np.minimum(np.searchsorted(self.terms, keys), len(self.terms) - 1)
        return np.where(self.terms[places] == keys, places, -1)

    def found(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """In how many rows the terms at these places occur."""
        if not len(self.terms):
            return np.zeros(len(places), np.int64)
        found = self.starts[places + 1].astype(np.int64) - self.starts[places]
        return np.where(places < 0, 0, found)

    def scores(self, places: NDArray[np.int64], weights: Floats, norms: Floats) -> Floats:
        """BM25, without its constant factor, of every row for the terms at these places.

        Args:
            places: of the terms that are asked for; unknown ones (-1) add nothing.
            weights: float32 [len(places)], their inverse document frequencies.
            norms: float32 [size], what lengths make of a single occurrence.
        """
        weights, places = weights[places >= 0], places[places >= 0]
        hits = self._taken(self.rows, self.starts[places], self.starts[places + 1])
        lengths = self.starts[places + 1] - self.starts[places]
        singles = np.bincount(hits, np.repeat(weights, lengths), minlength=self.size).astype(np.float32) / (1 + norms)
        lengths = self.repeats[places + 1] - self.repeats[places]
        hits = self._taken(self.rows, self.starts[places], self.starts[places] + lengths)
        counts = self._taken(self.counts, self.repeats[places], self.repeats[places + 1]).astype(np.float32)
        more = counts / (counts + norms[hits]) - 1 / (1 + norms[hits])
        repeats = np.bincount(hits, np.repeat(weights, lengths) * more, minlength=self.size)
        return singles + repeats.astype(np.float32)

    def counts_in(self, places: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
        """How often the terms at these places occur in each of some rows, float32 [len(rows), len(places)].

        Args:
            places: of terms; unknown ones (-1) occur nowhere.
            rows: ascending, without repeats, from `first`; others than this has are skipped.
        """
        counts = np.zeros((len(rows), len(places)), np.float32)
        here = np.flatnonzero((rows >= self.first) & (rows < self.first + self.size))
        columns = np.full(self.size, -1, np.int32)
        columns[rows[here] - self.first] = here
        terms = np.flatnonzero(places >= 0)
        places = places[terms]
        begins, ends = self.starts[places], self.starts[places + 1]
        at, column, _ = self._hits(columns, begins, ends)
        counts[column, terms[at]] = 1
        repeats, more = self.repeats[places], self.repeats[places + 1]
        at, column, hits = self._hits(columns, begins, begins + (more - repeats))
        counts[column, terms[at]] = self._taken(self.counts, repeats, more)[hits]
        return counts

    def _hits(
        self, columns: NDArray[np.int32], begins: Offsets, ends: Offsets
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Where posting lists meet rows that have a column: the list's number, the column, and the place in all."""
        column = columns[self._taken(self.rows, begins, ends)]
        hits = np.flatnonzero(column >= 0)
        return np.searchsorted(np.cumsum(ends - begins), hits, side="right"), column[hits], hits

    @staticmethod
    def _taken(values: NDArray[np.integer], begins: Offsets, ends: Offsets) -> NDArray[np.integer]:
        parts = [values[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        return np.concatenate(parts) if parts else values[:0]


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """Some rows and those beside them that belong to the same document.

    Attributes:
        rows: int64 [n], ascending, each once.
        begins, ends: int64 [n]; the neighbourhood of a row is `begins` up to but without `ends`, itself included.
        share: what a term of a neighbour counts for, from 0 to 1.
    """

    rows: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    share: float

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """All rows of them, ascending, each once."""
        return np.unique(_spans(self.begins, self.ends - self.begins))

    def sums(self, values: Floats) -> Floats:
        """What each row has and, for a part, its neighbours, of values of `members` along the first axis."""
        own, first, last = (np.searchsorted(self.members, rows) for rows in (self.rows, self.begins, self.ends - 1))
        running, share = np.cumsum(values, axis=0), np.float32(self.share)
        together = running[last] - running[first] + values[first]
        summed: Floats = (1 - share) * values[own] + share * together
        return summed


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of all rows. Immutable; growing it makes another that shares the old postings.

    Attributes:
        segments: posting lists of one row after the other. Within a block each is at least twice as long as the next;
            a full one is never touched again, so that a small change to a large corpus is a small one.
        lengths: float32 [rows], terms in each row.
    """

    segments: tuple[Postings, ...]
    lengths: Floats

    @classmethod
    def empty(cls) -> Field:
        """A field of no rows."""
        return cls((), np.zeros(0, np.float32))

    def grown(self, terms: Terms, rows: int) -> Field:
        """With `rows` more rows that hold `terms` (numbered from 0)."""
        segments = list(self.segments)
        for part in _blocks(terms, len(self.lengths), rows):
            segments.append(part)
            while len(segments) > 1 and _belong_together(*segments[-2:]):
                segments[-2:] = [segments[-2].joined(segments[-1])]
        lengths = np.bincount(terms.rows, minlength=rows).astype(np.float32)
        return Field(tuple(segments), np.concatenate([self.lengths, lengths]))

    def scores(self, keys: Keys, *, common: float = 1.0) -> tuple[Floats, float]:
        """BM25 of every row for the distinct `keys`, and the sum of the keys' inverse document frequencies.

        Keys that occur in more than the share `common` of many rows are left out.
        """
        places = [segment.places(keys) for segment in self.segments]
        idf, asked = self._asked(self._found(places, len(keys)), common)
        total, norms = np.zeros(len(self.lengths), np.float32), _norms(self.lengths)
        for segment, at in zip(self.segments, places, strict=True):
            span = slice(segment.first, segment.first + segment.size)
            total[span] = segment.scores(at[asked], (K1 + 1) * idf[asked], norms[span])
        return total, float(idf.sum())

    def scores_among(self, keys: Keys, places: Neighbourhoods, *, common: float = 1.0) -> tuple[Floats, float]:
        """The same of some rows only, in which the terms of their neighbours count, too, but less.

        (BM25F, Robertson, Zaragoza and Taylor, CIKM 2004, with a text's neighbours as another field of it.)
        """
        at = [segment.places(keys) for segment in self.segments]
        idf, asked = self._asked(self._found(at, len(keys)), common)
        members, total = places.members, np.zeros(len(places.rows), np.float32)
        norms = _norms(places.sums(self.lengths[members]))[:, None]
        for some in np.array_split(np.flatnonzero(asked), asked.sum() // AT_ONCE + 1):
            counts = np.zeros((len(members), len(some)), np.float32)
            for segment, terms in zip(self.segments, at, strict=True):
                counts += segment.counts_in(terms[some], members)
            counts = places.sums(counts)
            total += (counts / (counts + norms)) @ ((K1 + 1) * idf[some])
        return total, float(idf.sum())

    def _asked(self, found: NDArray[np.int64], common: float) -> tuple[Floats, NDArray[np.bool_]]:
        """The idf of terms that were found in so many rows, and which of them are not too common to be asked for."""
        rows = len(self.lengths)
        return self._idf(found), found <= common * rows if rows >= LARGE else np.ones(len(found), bool)

    def found(self, keys: Keys) -> NDArray[np.int64]:
        """In how many rows each of `keys` occurs."""
        return self._found([segment.places(keys) for segment in self.segments], len(keys))

    def idf(self, keys: Keys) -> Floats:
        """Inverse document frequencies of `keys`, float32."""
        return self._idf(self.found(keys))

    def _found(self, places: list[NDArray[np.int64]], keys: int) -> NDArray[np.int64]:
        none = np.zeros(keys, np.int64)
        return sum((part.found(at) for part, at in zip(self.segments, places, strict=True)), none)

    def _idf(self, found: NDArray[np.int64]) -> Floats:
        return np.log1p((len(self.lengths) - found + 0.5) / (found + 0.5)).astype(np.float32)


def _norms(lengths: Floats) -> Floats:
    """What BM25 makes of the lengths of texts beside each other."""
    average = max(float(lengths.mean()), 1.0) if len(lengths) else 1.0
    return (K1 * (1 - B + B * lengths / average)).astype(np.float32)


def _blocks(terms: Terms, first: int, rows: int) -> Iterator[Postings]:
    """Postings of new rows, cut where a block is full."""
    at = np.argsort(terms.rows, kind="stable") if np.any(np.diff(terms.rows) < 0) else slice(None)
    keys, owners = terms.keys[at], terms.rows[at].astype(np.int64)
    for begin in range(0, rows, BLOCK):
        end = min(begin + BLOCK, rows)
        span = slice(*np.searchsorted(owners, [begin, end]).tolist())
        yield Postings.compile(keys[span], owners[span] - begin, first + begin, end - begin)


def _belong_together(one: Postings, other: Postings) -> bool:
    return one.size + other.size <= BLOCK and 2 * len(other) >= len(one)


def _packed(keys: NDArray[np.uint64], rows: NDArray[np.uint64], counts: NDArray[np.uint64]) -> NDArray[np.uint64]:
    packed: NDArray[np.uint64] = keys << _TERM | (counts == 1).astype(np.uint64) << _SINGLE | rows << _ROW | counts
    return packed


def _spans(begins: NDArray[np.integer], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """The positions of ranges that begin at `begins`, one range after the other."""
    first = np.cumsum(lengths, dtype=np.int64) - lengths
    return np.repeat(begins.astype(np.int64) - first, lengths) + np.arange(int(lengths.sum()))

"""BM25 (Robertson and Zaragoza, 2009) over two fields, words and character 4-grams, in posting lists in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.indexes.analysis import Analyser, Keys, Rows, Terms, slips, split_words
from knowledge.indexes.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float32]

K1, B = 1.2, 0.75
MEANINGFUL = 4  # letters from which an unknown word says something; contractions leave shorter ones behind
MISTAKABLE = 5  # letters from which one slip away is still the same word; "cars" is no slip of "card"
MAX_SLIPS = 2  # unknown words that are looked up as typing errors, half a millisecond each
MOST = 255  # occurrences of a term in one text beyond which BM25 gains nothing


class LexicalScores(NamedTuple):
    """How well each row matches a query.

    Attributes:
        combined: float32 [rows], half of each field, each divided by its best score; 0 = no term in common.
        words: float32 [rows], BM25 of the words.
        idf_sum: the sum of the inverse document frequencies of the query's words, known to the corpus or not.
        grams: float32 [rows], BM25 of the 4-grams.
    """

    combined: Floats
    words: Floats
    idf_sum: float
    grams: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which rows each term occurs in. Immutable.

    Attributes:
        terms: uint32 [t], ascending.
        starts: int64 [t + 1], where the postings of a term begin and end.
        rows: int32 [p].
        counts: uint8 [p], occurrences in that row.
    """

    terms: Keys
    starts: NDArray[np.int64]
    rows: Rows
    counts: NDArray[np.uint8]

    @classmethod
    def compile(cls, terms: Terms) -> Postings:
        """Posting lists of term occurrences; one sort of 64-bit numbers does the work."""
        both = np.sort(terms.keys.astype(np.uint64) << np.uint64(32) | terms.rows.astype(np.uint64))
        first = np.flatnonzero(np.diff(both, prepend=~both[:1]))
        counts = np.minimum(np.diff(first, append=len(both)), MOST).astype(np.uint8)
        return cls._grouped(both[first], counts)

    @classmethod
    def merged(cls, one: Postings, other: Postings) -> Postings:
        """The postings of both, whose rows are different ones."""
        both = np.concatenate([one._pairs(), other._pairs()])
        order = np.argsort(both)
        return cls._grouped(both[order], np.concatenate([one.counts, other.counts])[order])

    @classmethod
    def _grouped(cls, pairs: NDArray[np.uint64], counts: NDArray[np.uint8]) -> Postings:
        keys = (pairs >> np.uint64(32)).astype(np.uint32)
        starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
        rows = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int32)
        return cls(keys[starts], np.append(starts, len(keys)), rows, counts)

    def _pairs(self) -> NDArray[np.uint64]:
        keys = np.repeat(self.terms, np.diff(self.starts)).astype(np.uint64)
        return keys << np.uint64(32) | self.rows.astype(np.uint64)

    def __len__(self) -> int:
        """How many postings there are."""
        return len(self.rows)

    def ranges(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the postings of each key begin and end (begin = end for an unknown one)."""
        if not len(self.terms):
            return np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
        places = np.minimum(np.searchsorted(self.terms, keys), len(self.terms) - 1)
        known = self.terms[places] == keys
        return self.starts[places], np.where(known, self.starts[places + 1], self.starts[places])


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of all rows. Immutable; growing it makes another that shares the old postings.

    Attributes:
        segments: posting lists, each at least twice as long as the next, so that there are few.
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
        first = len(self.lengths)
        segments = [*self.segments, Postings.compile(Terms(terms.keys, terms.rows + np.int32(first)))]
        while len(segments) > 1 and 2 * len(segments[-1]) >= len(segments[-2]):
            segments[-2:] = [Postings.merged(*segments[-2:])]
        lengths = np.bincount(terms.rows, minlength=rows).astype(np.float32)
        return Field(tuple(segments), np.concatenate([self.lengths, lengths]))

    def scores(self, keys: Keys) -> tuple[Floats, float]:
        """BM25 of every row for the distinct `keys`, and the sum of the keys' inverse document frequencies."""
        rows = len(self.lengths)
        ranges = [segment.ranges(keys) for segment in self.segments]
        idf = self._idf(sum((ends - starts for starts, ends in ranges), np.zeros(len(keys), np.int64)))
        norms = K1 * (1 - B + B * self.lengths / max(float(self.lengths.mean()), 1.0)) if rows else self.lengths
        total = np.zeros(rows)
        for segment, (starts, ends) in zip(self.segments, ranges, strict=True):
            spans = [slice(*span) for span in zip(starts.tolist(), ends.tolist(), strict=True)]
            if not spans:
                continue
            hits = np.concatenate([segment.rows[span] for span in spans])
            counts = np.concatenate([segment.counts[span] for span in spans]).astype(np.float32)
            weights = np.repeat(idf, ends - starts) * counts / (counts + norms[hits])
            total += np.bincount(hits, weights, minlength=rows)
        return (total * (K1 + 1)).astype(np.float32), float(idf.sum())

    def found(self, keys: Keys) -> NDArray[np.int64]:
        """In how many rows each of `keys` occurs."""
        none = np.zeros(len(keys), np.int64)
        return sum((ends - starts for starts, ends in (part.ranges(keys) for part in self.segments)), none)

    def idf(self, keys: Keys) -> Floats:
        """Inverse document frequencies of `keys`, float32."""
        return self._idf(self.found(keys))

    def _idf(self, found: NDArray[np.int64]) -> Floats:
        return np.log1p((len(self.lengths) - found + 0.5) / (found + 0.5)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class LexicalIndex:
    """Both fields of all rows, and the words as they are written. Immutable and safe to read from any thread."""

    language: str
    words: Field
    grams: Field
    vocabulary: Vocabulary

    @classmethod
    def empty(cls, language: str) -> LexicalIndex:
        """An index of no texts, which will be stemmed by `language` (ISO 639-1)."""
        return cls(language, Field.empty(), Field.empty(), Vocabulary.empty())

    def grown(self, texts: Sequence[str]) -> LexicalIndex:
        """With one more row per text."""
        words, grams = Analyser(self.language).analyse(texts)
        return LexicalIndex(
            self.language,
            self.words.grown(words, len(texts)),
            self.grams.grown(grams, len(texts)),
            self.vocabulary.grown(texts),
        )

    def scores(self, query: str) -> LexicalScores:
        """How well each row matches `query`."""
        words, grams = Analyser(self.language).analyse([query])
        by_words, idf_sum = self.words.scores(np.unique(words.keys))
        by_grams, _ = self.grams.scores(np.unique(grams.keys))
        return LexicalScores(0.5 * to_best(by_words) + 0.5 * to_best(by_grams), by_words, idf_sum, by_grams)

    def unknown_share(self, query: str) -> float:
        """The share, by idf, of the query's words that no row has: 0 (all are known) to 1.

        A word that is one slip away from a known one is a typing error; numbers and remains of contractions say
        nothing about what the texts are about.
        """
        analyser = Analyser(self.language)
        words = list(dict.fromkeys(split_words(query)))
        keys = analyser.word_keys([words])
        missing = [n for n in np.flatnonzero(self.words.found(keys) == 0).tolist() if _says_something(words[n])]
        checked = [n for n in missing[:MAX_SLIPS] if not self._is_slip(words[n], analyser)]
        idf = self.words.idf(keys)
        total = float(idf.sum())
        return float(idf[[*checked, *missing[MAX_SLIPS:]]].sum()) / total if total else 0.0

    def _is_slip(self, word: str, analyser: Analyser) -> bool:
        return len(word) >= MISTAKABLE and bool(self.words.found(analyser.word_keys([slips(word)])).any())


def _says_something(word: str) -> bool:
    return len(word) >= MEANINGFUL and not word.isdecimal()


def to_best(scores: Floats) -> Floats:
    """Scores divided by the best of them."""
    best = scores.max(initial=0.0)
    return scores / best if best > 0 else scores

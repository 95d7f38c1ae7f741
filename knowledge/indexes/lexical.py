"""BM25 (Robertson and Zaragoza, 2009) over two fields, words and character 4-grams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.indexes.analysis import Analyser, slips, split_words
from knowledge.indexes.language import question_words
from knowledge.indexes.postings import Field
from knowledge.indexes.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.indexes.analysis import Keys
    from knowledge.indexes.base import Floats
    from knowledge.indexes.postings import Neighbourhoods

COMMON = 0.5  # share of rows from which a 4-gram tells nothing apart but is most of the work
WORDS = np.float32(0.4)  # share of whole words, which miss compounds and inflections
MEANINGFUL = 4  # letters from which an unknown word says something; contractions leave shorter ones behind
MISTAKABLE = 5  # letters from which one slip away is still the same word; "cars" is no slip of "card"
MAX_SLIPS = 2  # unknown words that are looked up as typing errors, half a millisecond each


class LexicalScores(NamedTuple):
    """How well each row matches a query.

    Attributes:
        combined: float32 [rows], as `combine` weighs the fields; 0 = no term in common.
        words: float32 [rows], BM25 of the words.
        idf_sum: the sum of the inverse document frequencies of the query's words, known to the corpus or not.
        grams: float32 [rows], BM25 of the 4-grams.
    """

    combined: Floats
    words: Floats
    idf_sum: float
    grams: Floats


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
        words, grams = self.query_terms(query)
        by_words, idf_sum = self.words.scores(words)
        by_grams, _ = self.grams.scores(grams, common=COMMON)
        return LexicalScores(combine(by_words, by_grams), by_words, idf_sum, by_grams)

    def query_terms(self, query: str) -> tuple[Keys, Keys]:
        """The distinct words and 4-grams of a query; no 4-grams of "which", as rare as names in texts that state."""
        words, grams = Analyser(self.language).analyse([query], whole=question_words(self.language))
        return np.unique(words.keys), np.unique(grams.keys)

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


@dataclass(frozen=True, slots=True, eq=False)
class AmongNeighbours:
    """Some rows as they read among their neighbours: what a passage is about may be said in the one before it."""

    index: LexicalIndex
    places: Neighbourhoods

    def scores(self, query: str) -> LexicalScores:
        """How well each of the rows matches `query`."""
        words, grams = self.index.query_terms(query)
        by_words, idf_sum = self.index.words.scores_among(words, self.places)
        by_grams, _ = self.index.grams.scores_among(grams, self.places, common=COMMON)
        return LexicalScores(combine(by_words, by_grams), by_words, idf_sum, by_grams)


def _says_something(word: str) -> bool:
    return len(word) >= MEANINGFUL and not word.isdecimal()


def combine(words: Floats, grams: Floats) -> Floats:
    """Both fields of the same rows in one score, each divided by its best."""
    combined: Floats = WORDS * to_best(words) + (1 - WORDS) * to_best(grams)
    return combined


def to_best(scores: Floats) -> Floats:
    """Scores divided by the best of them."""
    best = scores.max(initial=0.0)
    return scores / best if best > 0 else scores

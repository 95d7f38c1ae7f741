"""The words of a corpus as they are written, to look up what a misspelt one may have been."""

from __future__ import annotations

import unicodedata
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from knowledge.indexes.analysis import split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

SHORTEST = 4  # letters of a word that is kept; shorter ones are too easily mistaken for each other


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """How often each word occurs, by a hash of 64 bits: 12 bytes a word. Immutable.

    Attributes:
        keys: uint64 [w], ascending.
        counts: uint32 [w].
        letters: every letter that occurs, in order.
    """

    keys: NDArray[np.uint64]
    counts: NDArray[np.uint32]
    letters: str

    @classmethod
    def empty(cls) -> Vocabulary:
        """No words."""
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.uint32), "")

    def grown(self, texts: Iterable[str]) -> Vocabulary:
        """With the words of these texts."""
        found: Counter[str] = Counter()
        for text in texts:
            found.update(split_words(text))
        words = [word for word in found if len(word) >= SHORTEST and is_spelt(word)]
        keys, places = np.unique(np.concatenate([self.keys, _keys(words)]), return_inverse=True)
        counts = np.concatenate([self.counts, np.fromiter((found[word] for word in words), np.uint32, len(words))])
        total = np.bincount(places, counts, minlength=len(keys)).astype(np.uint32)
        return Vocabulary(keys, total, "".join(sorted(set(self.letters).union(*words))))

    def count(self, words: Sequence[str]) -> NDArray[np.uint32]:
        """How often each of `words` (lower case) occurs; of shorter ones than it keeps, never."""
        keys = _keys(words)
        if not len(self.keys):
            return np.zeros(len(keys), np.uint32)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.counts[places], 0).astype(np.uint32)

    def alphabet(self, word: str) -> str:
        """The letters of the corpus that are of the script of `word`."""
        scripts = {_script(letter) for letter in word}
        return "".join(letter for letter in self.letters if _script(letter) in scripts)


def is_spelt(word: str) -> bool:
    """Whether a word is all letters and their marks: no number, and nothing like a product's code."""
    return not any(letter.isnumeric() for letter in word)


def _keys(words: Sequence[str]) -> NDArray[np.uint64]:
    # Two checksums that have little in common, both of the speed of C.
    encoded = [word.encode() for word in words]
    return np.fromiter((zlib.crc32(word) | zlib.adler32(word) << 32 for word in encoded), np.uint64, len(encoded))


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """The first word of the letter's name: LATIN, CYRILLIC, ARABIC, DEVANAGARI."""
    return unicodedata.name(letter, "").partition(" ")[0]

"""Texts to index terms: whole words for precision, character 4-grams for compounds, inflections and typing errors."""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np
import regex
import Stemmer
from numpy.typing import NDArray

from knowledge.indexes.identifiers import identifier_words

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

Keys = NDArray[np.uint32]
Rows = NDArray[np.int32]

LONGEST_WORD = 50  # letters; German has words of 40
# Scripts written without spaces between words: every pair of neighbouring letters becomes a word.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_HAS_UNSPACED = regex.compile(f"[{_UNSPACED}]")
_RUNS = regex.compile(f"(?P<unspaced>[{_UNSPACED}\\p{{M}}ー]+)|[^{_UNSPACED}]+")
_SPACE = ord(" ")
# Odd multipliers of a multiply-shift hash (Dietzfelbinger et al., 1997) of four letters into 32 bits.
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)
_BATCH = 256  # texts hashed at once: the temporary arrays stay below a few megabytes


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms of some texts, as 32-bit fingerprints (two of 100,000 words collide with probability one half).

    Attributes:
        keys: uint32 [m], one fingerprint per occurrence.
        rows: int32 [m], the text in which it occurs.
    """

    keys: Keys
    rows: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Analyser:
    """Cuts texts into terms. One instance serves one thread at a time (a stemmer keeps state).

    Attributes:
        language: ISO 639-1 code of the stemmer; a language without one is not stemmed.
    """

    language: str
    _stemmer: Stemmer.Stemmer | None = field(init=False)
    _known: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stemmer", _stemmer(self.language))

    def analyse(self, texts: Sequence[str], whole: Container[str] = ()) -> tuple[Terms, Terms]:
        """The words and the 4-grams of `texts`; the row of a term is the position of its text.

        Args:
            texts: what is cut.
            whole: words (lower case) of which no 4-grams are taken.
        """
        words: list[tuple[Keys, Rows]] = []
        grams: list[tuple[Keys, Rows]] = []
        for first in range(0, len(texts), _BATCH):
            split = [split_words(text) for text in texts[first : first + _BATCH]]
            numbers = np.arange(first, first + len(split), dtype=np.int32)
            words.append((self.word_keys(split), np.repeat(numbers, [len(part) for part in split])))
            grams.append(_gram_keys([[word for word in part if word not in whole] for part in split], numbers))
        return _joined(words), _joined(grams)

    def word_keys(self, split: Sequence[Sequence[str]]) -> Keys:
        """The terms of texts that `split_words` has split, uint32, one per word in order."""
        known = self._known
        for word in {word for words in split for word in words}.difference(known):
            stem = self._stemmer.stemWord(word) if self._stemmer else word
            known[word] = zlib.crc32(stem.encode())
        return np.fromiter((known[word] for words in split for word in words), np.uint32)


def split_words(text: str) -> list[str]:
    """Words of `text` in lower case, compatibility forms unified (NFKC); unspaced scripts as letter pairs.

    What identifiers are found by beside their runs of letters comes last.
    """
    named = unicodedata.normalize("NFKC", text)
    text = named.lower()
    words: list[str] = _WORD.findall(text)
    words += identifier_words(named)
    if _HAS_UNSPACED.search(text) is None:
        return words
    return [part for word in words for part in _pairs(word)]


def slips(word: str) -> list[str]:
    """What a writer may have meant by `word`: all that is one letter away, the first letter kept (Damerau, 1964).

    A word that is too long to be one has none: their number, and the length of each, grow with it.
    """
    if len(word) > LONGEST_WORD:
        return []
    parts = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    swapped = [left + right[1] + right[0] + right[2:] for left, right in parts if len(right) > 1]
    dropped = [left + right[1:] for left, right in parts if right]
    replaced = [left + letter + right[1:] for left, right in parts if right for letter in ascii_lowercase]
    added = [left + letter + right for left, right in parts for letter in ascii_lowercase]
    return [*swapped, *dropped, *replaced, *added]


def _pairs(word: str) -> Iterator[str]:
    for run in _RUNS.finditer(word):
        letters = run.group()
        if run["unspaced"] is None or len(letters) == 1:
            yield letters
        else:
            yield from (letters[i : i + 2] for i in range(len(letters) - 1))


def _gram_keys(split: list[list[str]], numbers: Rows) -> tuple[Keys, Rows]:
    """Fingerprints of the 4-grams of every word between two spaces; a word of one or two letters is one gram."""
    joined = [" ".join(words) + " " if words else "" for words in split]
    letters = np.frombuffer((" " + "".join(joined) + "   ").encode("utf-32-le"), np.uint32)
    rows = np.repeat(numbers, [len(part) for part in joined])  # of the letter at position i + 1
    windows = [letters[i : len(rows) + i] for i in range(4)]
    space = [window == _SPACE for window in windows]
    single = space[0] & ~space[1] & space[2]
    kept = ~space[1] & ~space[2] | single
    columns = [window[kept].astype(np.uint64) for window in windows]
    columns[3][single[kept]] = 0  # what follows a word of one letter is another word
    total = columns[0] * _MULTIPLIERS[0]
    for column, multiplier in zip(columns[1:], _MULTIPLIERS[1:], strict=True):
        total += column * multiplier
    return (total >> np.uint64(32)).astype(np.uint32), rows[kept]


def _joined(parts: list[tuple[Keys, Rows]]) -> Terms:
    if not parts:
        return Terms(np.zeros(0, np.uint32), np.zeros(0, np.int32))
    return Terms(np.concatenate([keys for keys, _ in parts]), np.concatenate([rows for _, rows in parts]))


def _stemmer(language: str) -> Stemmer.Stemmer | None:
    try:
        return Stemmer.Stemmer(language.partition("-")[0].lower())
    except KeyError:
        return None

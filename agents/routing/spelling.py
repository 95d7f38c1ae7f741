"""Words of a closed vocabulary under typing errors: near words by shared character n-grams, then by edit distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GRAM = 2  # characters
CANDIDATES = 24  # words whose distance is measured
KEPT = 4  # near words that are returned
SHORTEST = 4  # letters; a shorter word has too many neighbours
LONG = 8  # letters from which two errors are forgiven
MEMORY = 20_000  # typed words whose neighbours are remembered


class NearWords:
    """Finds the words of a vocabulary that a typed word may stand for. Safe to share between threads."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Index `vocabulary`; the numbers that `find` returns are places in it."""
        self._words = vocabulary
        lists: dict[str, list[int]] = {}
        for number, word in enumerate(vocabulary):
            for gram in _grams(word):
                lists.setdefault(gram, []).append(number)
        self._places: dict[str, NDArray[np.int32]] = {
            gram: np.array(places, np.int32) for gram, places in lists.items()
        }
        self._sizes = np.array([len(_grams(word)) for word in vocabulary], np.float32)
        self._known: dict[str, tuple[tuple[int, float], ...]] = {}

    def find(self, word: str) -> tuple[tuple[int, float], ...]:
        """(number, similarity below 1) of at most `KEPT` near words, best first; none for short words and numbers."""
        if len(word) < SHORTEST or any(letter.isdigit() for letter in word):
            return ()
        if word not in self._known:
            if len(self._known) >= MEMORY:
                self._known.clear()
            self._known[word] = self._search(word)
        return self._known[word]

    def _search(self, word: str) -> tuple[tuple[int, float], ...]:
        grams = _grams(word)
        places = [self._places[gram] for gram in grams if gram in self._places]
        if not places:
            return ()
        shared = np.bincount(np.concatenate(places), minlength=len(self._words))
        likeness = shared / (self._sizes + len(grams) - shared)
        count = min(CANDIDATES, len(likeness))
        nearest = np.argpartition(-likeness, count - 1)[:count]
        near = []
        for number in nearest.tolist():
            known = self._words[number]
            allowed = 1 if max(len(word), len(known)) < LONG else 2
            distance = edit_distance(word, known, allowed) if len(known) >= SHORTEST else allowed + 1
            if distance <= allowed and not any(letter.isdigit() for letter in known):
                near.append((number, 1 - distance / max(len(word), len(known))))
        return tuple(sorted(near, key=lambda pair: -pair[1])[:KEPT])


def edit_distance(first: str, second: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words; `limit + 1` stands for more."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before_last: list[int] = []
    last = list(range(len(second) + 1))
    for row, letter in enumerate(first, 1):
        current = [row]
        for column, other in enumerate(second, 1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == second[column - 2] and first[row - 2] == other:
                cost = min(cost, before_last[column - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before_last, last = last, current
    return min(last[-1], limit + 1)


def _grams(word: str) -> set[str]:
    marked = f"^{word}$"
    return {marked[place : place + GRAM] for place in range(len(marked) - GRAM + 1)}

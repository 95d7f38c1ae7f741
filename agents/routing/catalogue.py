"""Products that a message names, typing errors included, from an index of a tenant's catalogue in memory.

Each name or nickname is a row of words. The words of a message, put right by `spelling`, vote for the names that hold
them; the best names are laid against the message and must be covered nearly whole, so that "pro" or "case" alone name
nothing. 100,000 names take about 40 MB and answer within 10 ms.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.routing.entities import Entity
from agents.routing.ordinary import ORDINARY
from agents.routing.spelling import NearWords
from agents.words import FUNCTION_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from agents.routing.entities import Taken

MAX_WORDS = 200  # of a message that are looked at
MAX_NAME = 12  # words of a name
CANDIDATES = 40  # names that are laid against the message
FREQUENT = 4000  # a word of more names than this does not vote: it cannot tell them apart
GAP = 1  # words of no name that may stand between two of it
COVERED = 0.74  # of a name, by weight, that a mention must have
LOOSE = 0.5  # what is enough of a name that no other product shares
SAME = 0.02  # scores this close are the same
MAX_TIES = 3
MAX_SHARED = 200  # names with the rarest word of a mention, beyond which it is not looked whether one is meant
INFLECTED = 0.95  # similarity of singular and plural, and of words written as one
SHORTEST_CODE = 4  # characters of a code or model number
SHORTEST_ALONE = 6  # letters of a name of one word that may be misspelt
DETERMINERS = frozenset(
    "my the your this that these those our mi mis el la los las su este esta mein meine meinen meinem meiner der die das den dem mon ma mes le les ce cette ces".split()  # noqa: SIM905, E501 (reads as words)
)

_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"[^\W_]+(?:[-./_][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class NamedProduct:
    """One product as the index needs it: its code, its name and what else customers call it."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()


class _Word(NamedTuple):
    """A word of a message, its place in it, and (number in the vocabulary, similarity) of what it may stand for."""

    start: int
    end: int
    text: str
    meanings: dict[int, float]


class _Mention(NamedTuple):
    product: int
    start: int
    end: int
    score: float
    weight: float


class Catalogue:
    """The index of one state of a catalogue. Safe to share between threads."""

    def __init__(self, products: Iterable[NamedProduct]) -> None:
        """Index the names, nicknames, codes and model numbers of `products`."""
        self._codes: list[str] = []
        self._labels: list[str] = []
        self._exact: dict[str, int] = {}
        numbers: dict[str, int] = {}
        names: list[list[int]] = []
        owners: list[int] = []
        for product in products:
            owner = len(self._codes)
            self._codes.append(product.code)
            self._labels.append(product.name)
            self._add_codes(product, owner)
            for name in dict.fromkeys((product.name, *product.aliases)):
                words = [word for _, _, word in split_words(name)][:MAX_NAME]
                if words:
                    names.append([numbers.setdefault(word, len(numbers)) for word in words])
                    owners.append(owner)
        self._numbers = numbers
        self._names = names
        self._owners = np.array(owners, np.int32)
        self._index(names)

    def __len__(self) -> int:
        """How many products there are."""
        return len(self._codes)

    def find(self, text: str, taken: Taken) -> Iterator[Entity]:
        """The products that `text` names, surest first; where two fit equally well both, with half the score."""
        for start, end, product in self._by_code(text):
            if taken.take(start, end):
                yield self._entity(text, _Mention(product, start, end, 1.0, 0.0), 1.0)
        if not self._names:
            return
        words = self._read(text)
        mentions = [mention for number in self._voted(words) for mention in self._lay(number, words)]
        mentions.sort(key=lambda mention: (-round(mention.weight * mention.score, 4), mention.start))
        while mentions:
            best = mentions[0]
            ties = [other for other in mentions if _overlap(best, other) and _equal(best, other)]
            mentions = [other for other in mentions if not _overlap(best, other)]
            distinct = {other.product: other for other in reversed(ties)}
            if len(distinct) <= MAX_TIES and taken.take(best.start, best.end):
                for mention in distinct.values():
                    yield self._entity(text, mention, 1.0 if len(distinct) == 1 else 0.5)

    def _entity(self, text: str, mention: _Mention, share: float) -> Entity:
        code, label = self._codes[mention.product], self._labels[mention.product]
        score = round(min(mention.score, 1.0) * share, 3)
        return Entity("product", code, text[mention.start : mention.end], mention.start, mention.end, score, label)

    def _add_codes(self, product: NamedProduct, owner: int) -> None:
        """Remember the code and the model numbers in names; one that two products share is of neither."""
        words = [part for name in (product.name, *product.aliases) for part in _CODE.findall(name)]
        for written in (product.code, *(word for word in words if _is_model(word))):
            compact = _compact(written)
            if len(compact) >= SHORTEST_CODE and any(letter.isdigit() for letter in compact):
                self._exact[compact] = owner if self._exact.get(compact, owner) == owner else -1

    def _index(self, names: Sequence[Sequence[int]]) -> None:
        lengths = np.array([len(name) for name in names], np.int64)
        flat = np.array([number for name in names for number in name], np.int32)
        rows = np.repeat(np.arange(len(names), dtype=np.int32), lengths)
        order = np.argsort(flat, kind="stable")
        self._postings: NDArray[np.int32] = rows[order]
        self._bounds = np.searchsorted(flat[order], np.arange(len(self._numbers) + 1))
        frequency = np.diff(self._bounds)
        self._rarity: NDArray[np.float32] = (0.5 + np.log((1 + len(names)) / (frequency + 0.5))).astype(np.float32)
        words = self._words = list(self._numbers)
        self._weak = np.array([word in ORDINARY or word in FUNCTION_WORDS for word in words], bool)
        self._digits = np.array([any(letter.isdigit() for letter in word) for word in words], bool)
        self._rarity[self._weak] = np.minimum(self._rarity[self._weak], 1.0)
        self._totals = np.bincount(rows, self._rarity[flat], len(names)).astype(np.float32)
        self._near = NearWords(words)

    def _by_code(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Spans that are a code or a model number, joined by a space or not ("wh 1000 xm4")."""
        parts = list(_CODE.finditer(text))[:MAX_WORDS]
        for first, begin in enumerate(parts):
            for last in parts[first : first + 3][::-1]:
                compact = _compact(text[begin.start() : last.end()])
                product = self._exact.get(compact, -1)
                if product >= 0:
                    yield begin.start(), last.end(), product
                    break

    def _read(self, text: str) -> list[_Word]:
        """The words of a message with what each may stand for; two that make one word of the catalogue are joined."""
        split = list(split_words(text))[:MAX_WORDS]
        words = [_Word(start, end, word, self._meanings(word)) for start, end, word in split]
        joined = []
        for place, word in enumerate(words):
            following = words[place + 1] if place + 1 < len(words) else None
            together = self._joined(word, following) if following else None
            joined.append(together or word)
        return joined

    def _joined(self, word: _Word, following: _Word) -> _Word | None:
        number = self._numbers.get(word.text + following.text)
        if number is None or any(similarity == 1 for similarity in word.meanings.values()):
            return None
        return _Word(word.start, following.end, word.text + following.text, {number: 1.0})

    def _meanings(self, word: str) -> dict[int, float]:
        if (number := self._numbers.get(word)) is not None:
            return {number: 1.0, **dict.fromkeys(self._inflected(word), INFLECTED)}
        if inflected := self._inflected(word):
            return dict.fromkeys(inflected, INFLECTED)
        if parts := self._parts(word):
            return dict.fromkeys(parts, INFLECTED)
        if word in FUNCTION_WORDS or word in ORDINARY:
            return {}
        return dict(self._near.find(word))

    def _inflected(self, word: str) -> list[int]:
        """Singular or plural of a word."""
        forms = (
            [f"{word}s", f"{word}es"]
            + ([word[:-1]] if word.endswith("s") else [])
            + ([word[:-2]] if word.endswith("es") else [])
        )
        return [self._numbers[form] for form in forms if len(form) > 2 and form in self._numbers]  # noqa: PLR2004 (letters)

    def _parts(self, word: str) -> list[int]:
        """The two words of the catalogue that were written as one."""
        for place in range(3, len(word) - 1):
            first, second = self._numbers.get(word[:place]), self._numbers.get(word[place:])
            if first is not None and second is not None:
                return [first, second]
        return []

    def _names_with(self, word: int) -> NDArray[np.int32]:
        """The names that hold a word of the vocabulary."""
        return self._postings[self._bounds[word] : self._bounds[word + 1]]

    def _voted(self, words: Sequence[_Word]) -> list[int]:
        """The names that have the most of their weight in the message."""
        best: dict[int, float] = {}
        for word in words:
            for number, similarity in word.meanings.items():
                best[number] = max(best.get(number, 0.0), similarity)
        votes = np.zeros(len(self._names), np.float32)
        for number, similarity in best.items():
            names = self._names_with(number)
            if len(names) <= FREQUENT or len(names) * 2 > len(votes):
                votes[names] += similarity * self._rarity[number]
        share = votes / np.maximum(self._totals, 1e-6)
        count = min(CANDIDATES, len(share))
        top = np.argpartition(-(share + 0.001 * votes), count - 1)[:count]
        return [int(name) for name in top if share[name] > LOOSE * 0.6]

    def _lay(self, number: int, words: Sequence[_Word]) -> Iterator[_Mention]:
        """Where the message mentions a name: runs of its words with hardly anything between them."""
        wanted = set(self._names[number])
        hits = [(place, word) for place, word in enumerate(words) if wanted & word.meanings.keys()]
        run: list[tuple[int, _Word]] = []
        for place, word in hits:
            seen = {
                meaning for _, earlier in run for meaning in earlier.meanings if earlier.meanings[meaning] >= INFLECTED
            }
            repeated = run and (wanted & word.meanings.keys()) <= seen
            if run and (place - run[-1][0] > GAP + 1 or repeated):
                yield from self._judge(number, run, words)
                run = []
            run.append((place, word))
        if run:
            yield from self._judge(number, run, words)

    def _judge(self, number: int, run: list[tuple[int, _Word]], words: Sequence[_Word]) -> Iterator[_Mention]:
        name = self._names[number]
        similarity: dict[int, float] = {}
        for _, word in run:
            for meaning in set(name) & word.meanings.keys():
                similarity[meaning] = max(similarity.get(meaning, 0.0), word.meanings[meaning])
        matched = sum(float(self._rarity[meaning]) * value for meaning, value in similarity.items())
        total = sum(float(self._rarity[meaning]) for meaning in set(name))
        covered = matched / total
        start, end = run[0][1].start, run[-1][1].end
        if self._contradicts(name, similarity, run, words):
            return
        if len(set(name)) == 1:
            enough = self._stands_alone(name[0], run[0][1])
        else:
            strong = any(not self._weak[meaning] for meaning in similarity) or len(similarity) == len(set(name))
            enough = strong and (
                covered >= COVERED or (covered >= LOOSE and self._is_unique(name, similarity, run, words))
            )
        if enough:
            yield _Mention(int(self._owners[number]), start, end, covered, matched)

    def _stands_alone(self, meaning: int, word: _Word) -> bool:
        """Whether one word is a name: not an ordinary one, and misspelt only when it is long enough to tell."""
        if self._weak[meaning]:
            return False
        certain = word.meanings[meaning] >= INFLECTED
        return certain or (len(word.text) >= SHORTEST_ALONE and self._words[meaning][0] == word.text[0])

    def _contradicts(
        self, name: Sequence[int], found: dict[int, float], run: list[tuple[int, _Word]], words: Sequence[_Word]
    ) -> bool:
        """Whether the number is another one: "SmartPhone Pro 13" is not the SmartPhone Pro 12."""
        missing = [meaning for meaning in name if self._digits[meaning] and meaning not in found]
        if not missing:
            return False
        places = {place for place, _ in run}
        around = [words[place] for place in range(run[0][0], min(run[-1][0] + 2, len(words))) if place not in places]
        return any(letter.isdigit() for word in around for letter in word.text)

    def _is_unique(
        self, name: Sequence[int], found: dict[int, float], run: list[tuple[int, _Word]], words: Sequence[_Word]
    ) -> bool:
        """Whether the words found, the name's own noun among them, are of no other product, and said of a thing."""
        head = next(
            (meaning for meaning in reversed(name) if not self._weak[meaning] and not self._digits[meaning]), -1
        )
        if head not in found:
            return False
        postings = sorted((self._names_with(meaning) for meaning in found), key=len)
        if len(postings[0]) > MAX_SHARED:
            return False
        shared = set.intersection(*(set(self._owners[names].tolist()) for names in postings if len(names) <= FREQUENT))
        before = words[run[0][0] - 1].text if run[0][0] else ""
        return len(shared) == 1 and (len(found) > 1 or before in DETERMINERS)


def split_words(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, word without capitals and accents) of the words of a text."""
    for match in _WORD.finditer(text):
        yield match.start(), match.end(), _plain(match[0])


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _compact(written: str) -> str:
    return "".join(_WORD.findall(_plain(written)))


def _is_model(word: str) -> bool:
    return any(letter.isdigit() for letter in word) and any(letter.isalpha() for letter in word)


def _overlap(first: _Mention, second: _Mention) -> bool:
    return first.start < second.end and second.start < first.end


def _equal(first: _Mention, second: _Mention) -> bool:
    return abs(first.score - second.score) <= SAME and abs(first.weight - second.weight) <= SAME * max(first.weight, 1)

"""A tenant's synonyms: words that customers and documents use for the same thing.

What a customer says counts as it stands; a synonym can only add. In both fields a phrase scores like the best of itself
and its synonyms, these at a discount and never as if they were rarer than the phrase, so nothing that is found without
them is lost and the customer's own words come first. (A phrase and its synonyms as one term: Pirkola, SIGIR 1998.)

Only words of the same group stand for each other: a word of two groups has the synonyms of both, but these are none of
one another, so cycles and overlaps go nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import regex

from knowledge.indexes.analysis import Analyser, split_words
from knowledge.indexes.lexical import LexicalScores, combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knowledge.indexes.lexical import AmongNeighbours, LexicalIndex

DISCOUNT = 0.8  # what a synonym is worth of the customer's own word
MAX_PHRASE = 8  # words
MAX_EXPANSIONS = 4  # phrases of one question that are expanded
MAX_MEANT = 6  # synonyms of one phrase that are looked up

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
Phrase = tuple[int, ...]


class Expansion(NamedTuple):
    """A phrase of a question and its synonyms.

    Attributes:
        said: the phrase as its group writes it.
        meant: its synonyms, at least one.
        span: where it stands in the question; None inside of a run of letters without spaces.
    """

    said: str
    meant: tuple[str, ...]
    span: tuple[int, int] | None


class Group(NamedTuple):
    """Words or phrases that mean the same; with `one_way` the first alone is also looked for as the others."""

    words: tuple[str, ...]
    one_way: bool = False


class _Token(NamedTuple):
    key: int
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class Synonyms:
    """All groups of a tenant; safe for any number of threads."""

    groups: tuple[Group, ...] = ()
    _tables: dict[str, dict[Phrase, dict[Phrase, str]]] = field(default_factory=dict)

    def expansions(self, query: str, language: str) -> tuple[Expansion, ...]:
        """The phrases of a question that have synonyms, the longest of several; case and inflection as the index.

        Args:
            query: the question.
            language: of the index's stemmer.
        """
        if not self.groups:
            return ()
        table, tokens = self._table(language), _tokens(query, Analyser(language))
        found: list[Expansion] = []
        start = 0
        while start < len(tokens) and len(found) < MAX_EXPANSIONS:
            length = _longest(table, tokens[start : start + MAX_PHRASE])
            if length:
                found.append(_expansion(table, tokens[start : start + length]))
            start += max(length, 1)
        return tuple(found)

    def _table(self, language: str) -> dict[Phrase, dict[Phrase, str]]:
        """Each phrase's own writing and its synonyms, by what the index makes of them; the own one comes first."""
        if language not in self._tables:
            self._tables[language] = _compiled(self.groups, Analyser(language))
        return self._tables[language]


def _compiled(groups: Iterable[Group], analyser: Analyser) -> dict[Phrase, dict[Phrase, str]]:
    table: dict[Phrase, dict[Phrase, str]] = {}
    for group in groups:
        phrases = {phrase: word for word in reversed(group.words) if (phrase := _phrase(word, analyser))}
        phrases = dict(reversed(phrases.items()))  # of two that the index takes for one, the first is shown
        for phrase, word in list(phrases.items())[: 1 if group.one_way else None]:
            if len(phrases) > 1:
                entry = table.setdefault(phrase, {phrase: word})
                entry |= {other: text for other, text in phrases.items() if other not in entry}
    return table


def _phrase(text: str, analyser: Analyser) -> Phrase:
    keys = analyser.word_keys([split_words(text)]).tolist()
    return tuple(keys) if len(keys) <= MAX_PHRASE else ()


def _tokens(query: str, analyser: Analyser) -> list[_Token]:
    tokens: list[_Token] = []
    for found in _WORD.finditer(query):
        keys = analyser.word_keys([split_words(found[0])]).tolist()
        tokens += [_Token(key, found.span() if len(keys) == 1 else None) for key in keys]
    return tokens


def _longest(table: dict[Phrase, dict[Phrase, str]], tokens: Sequence[_Token]) -> int:
    """How many of the first tokens make a phrase that has synonyms; 0 where none do."""
    keys = [token.key for token in tokens]
    return next((length for length in range(len(keys), 0, -1) if tuple(keys[:length]) in table), 0)


def _expansion(table: dict[Phrase, dict[Phrase, str]], tokens: Sequence[_Token]) -> Expansion:
    said, *meant = table[tuple(token.key for token in tokens)].values()
    first, last = tokens[0].span, tokens[-1].span
    span = (first[0], last[1]) if first and last and all(token.span for token in tokens) else None
    return Expansion(said, tuple(meant[:MAX_MEANT]), span)


def expanded_scores(
    index: LexicalIndex | AmongNeighbours, query: str, expansions: Sequence[Expansion]
) -> LexicalScores:
    """How well each row matches a question or what its phrases mean, too; no row's score is less for it."""
    plain = index.scores(query)
    if not expansions:
        return plain
    words, grams = plain.words, plain.grams
    for expansion in expansions:
        said = index.scores(expansion.said)
        by_words, by_grams = np.zeros_like(words), np.zeros_like(grams)
        for text in expansion.meant:
            meant = index.scores(text)
            worth = DISCOUNT * min(1.0, said.idf_sum / meant.idf_sum) if meant.idf_sum else 0.0
            by_words = np.maximum(by_words, np.float32(worth) * meant.words)
            by_grams = np.maximum(by_grams, np.float32(worth) * meant.grams)
        words = words + np.maximum(by_words - said.words, 0)
        grams = grams + np.maximum(by_grams - said.grams, 0)
    return LexicalScores(combine(words, grams), words, plain.idf_sum, grams)


def in_known_words(index: LexicalIndex, query: str, expansions: Sequence[Expansion]) -> str:
    """The question with those phrases replaced that the documents lack and whose synonyms they have."""
    text, end = "", 0
    for said, meant, span in expansions:
        known = next((other for other in meant if _is_known(index, other)), None)
        if span and known and not _is_known(index, said):
            text, end = f"{text}{query[end : span[0]]}{known}", span[1]
    return text + query[end:]


def _is_known(index: LexicalIndex, text: str) -> bool:
    keys = Analyser(index.language).word_keys([split_words(text)])
    return bool(index.words.found(keys).all())

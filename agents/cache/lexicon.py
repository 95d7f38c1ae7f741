"""A question as the concepts it is about: synonyms become one, fillers fall away, names and unknown words stay.

The synonyms stand in `concepts.txt`. They are written by hand, because that is what keeps "block" and "unblock" or
"from" and "to" apart, which embeddings of whole questions do not.
"""

# ruff: noqa: E501 - lists of words of four languages, one a line

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from agents.phrases import PHRASES
from agents.routing.spelling import NearWords, edit_distance
from agents.words import FUNCTION_WORDS, stem

FILE = Path(__file__).parent / "concepts.txt"
LANGUAGES = ("en", "es", "de", "fr")
LONGEST = 6
"""Words of a phrase."""
SHORTEST_PART, SHORTEST_PREFIX = 4, 3
"""Letters of a part of a German compound, and of a word that a prefix may stand for."""
TYPO = 6
"""Letters from which a word may be a misspelt one."""
GERMAN_ENDING = re.compile(r"(?<=\w{4})(?:en|er|es|e|n|s)$")
MEANINGFUL = frozenset("before after over under without more most under except once".split())  # noqa: SIM905 (reads as words)
"""Function words that change a question."""
WORD = re.compile(r"(?=\w*[^\W\d_])\d+[^\W_]+|\d+(?:[.,]\d+)*|[^\W_]*\d[^\W_]*|[^\W\d_]+")
SEPARABLE = re.compile(r"\b(setze?n?|nehmt?|nehmen|gebe?n?|schicke?n?|sende?n?)\b(.*?)\bzuruck\b")
"""German verbs whose first part stands at the end."""


class Token(NamedTuple):
    """A part of a question: `name` is the concept, or the stem of a word of none, where `known` is False."""

    name: str
    known: bool


@dataclass(slots=True)
class Vocabulary:
    """The words of one language."""

    phrases: dict[tuple[str, ...], str] = field(default_factory=dict)
    prefixes: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Those whose last word may go on."""
    shortest: int = SHORTEST_PREFIX

    def add(self, written: str, name: str) -> None:
        """Let `written`, perhaps with a star, mean `name`; the first meaning stays."""
        words = tuple(fold(written.removesuffix("*")).split())
        (self.prefixes if written.endswith("*") else self.phrases).setdefault(words, name)

    def find(self, words: tuple[str, ...]) -> str:
        """Return the concept of these words together; empty when they are none."""
        if words in self.phrases:
            return self.phrases[words]
        *before, last = words
        for length in range(len(last), self.shortest - 1, -1):
            name = self.prefixes.get((*before, last[:length]))
            if name:
                return name
        return ""

    @property
    def single(self) -> list[str]:
        """Return all words that stand alone."""
        return sorted({words[0] for words in (*self.phrases, *self.prefixes) if len(words) == 1})


def fold(text: str) -> str:
    """Return `text` in lower case, without accents and with straight apostrophes as spaces."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    plain = re.sub(r"['’`´-]", " ", "".join(c for c in plain if not unicodedata.combining(c)))  # noqa: RUF001 (typed so)
    return SEPARABLE.sub(r"zuruck\1\2", plain)


@cache
def vocabularies() -> dict[str, Vocabulary]:
    """Return the words of every language."""
    found = {language: Vocabulary() for language in LANGUAGES}
    for line in FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, *columns = (part.strip() for part in line.split("|"))
            for language, column in zip(LANGUAGES, columns, strict=True):
                for written in column.split(","):
                    if written.strip():
                        found[language].add(written.strip(), name)
    return found


@cache
def _near(language: str) -> tuple[list[str], NearWords]:
    words = vocabularies()[language].single
    return words, NearWords(words)


@cache
def function_words(language: str) -> frozenset[str]:
    """Return the function words of all languages but those that mean something in `language`."""
    known = vocabularies()[language]
    folded = {part for word in FUNCTION_WORDS for part in fold(word).split()}
    return frozenset(word for word in folded if not known.find((word,)) and word not in MEANINGFUL)


def language_of(text: str, default: str) -> str:
    """Return which of the four languages a question is written in, `default` where two of them fit alike."""
    words = WORD.findall(fold(text))
    scores = {
        language: sum((word in _grammar(language)) * 2 + bool(known.find((word,))) for word in words)
        for language, known in vocabularies().items()
    }
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] > scores.get(default, 0) + 1 else default


@cache
def _grammar(language: str) -> frozenset[str]:
    return frozenset(_GRAMMAR[language].split())


_GRAMMAR = {
    "en": "the a an is are do does can i my you your how what when where why which of to for with in on and if it not there",
    "es": "el la los las un una es son puedo puede mi su como que cuando donde cual cuales de del al a para con en y si no se hay esta",
    "de": "der die das den dem ein eine einen ist sind kann ich mein meine wie was wann wo welche von zu fur mit im in und wenn nicht gibt es ihr habt zum vom nach",
    "fr": "le la les un une est sont puis je mon ma mes vous comment que quand ou quel quelle quels de du des au a pour avec dans en et si ne pas l d y t il",
}  # fmt: skip


def speaks(language: str) -> bool:
    """Whether questions in `language` can be read."""
    return language in LANGUAGES and language in PHRASES


@lru_cache(maxsize=8192)
def meaning(word: str, language: str) -> tuple[Token, ...]:
    """Return what one folded word stands for: nothing, a concept, the parts of a compound, or itself."""
    known = vocabularies()[language]
    if language == "de" and (word,) not in known.phrases and (parts := _compound(word, known)):
        return parts
    name = known.find((word,))
    if name:
        return named(name)
    if word in function_words(language):
        return ()
    if len(word) >= TYPO and word.isalpha():
        words, near = _near(language)
        for number, _likeness in near.find(word)[:1]:
            if words[number][0] == word[0] and edit_distance(word, words[number], 1) <= 1:
                return named(known.find((words[number],)))
    return (Token(_stem(word, language), known=False),)


def _stem(word: str, language: str) -> str:
    if language == "de" and (ending := GERMAN_ENDING.search(word)):
        return word[: ending.start()]
    return stem(word)


def named(names: str) -> tuple[Token, ...]:
    """Return the tokens of a line's name."""
    return tuple(Token(name, known=True) for name in names.split("+"))


def _compound(word: str, known: Vocabulary) -> tuple[Token, ...]:
    """Return the parts of a German compound that are concepts both; nothing for other words."""
    for cut in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1):
        for joint in ("", "s", "n"):
            left, right = word[:cut], word[cut:]
            if joint and not left.endswith(joint):
                continue
            first, second = known.find((left.removesuffix(joint),)), known.phrases.get((right,)) or known.find((right,))
            if first and second:
                return (*named(first), *named(second))
    return ()

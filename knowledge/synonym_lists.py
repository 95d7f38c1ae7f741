"""Groups of synonyms as people write them: one a line, by hand, pasted, or out of a table's CSV."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from knowledge.indexes.analysis import split_words
from knowledge.readers.base import clean
from knowledge.retrieval.synonyms import MAX_PHRASE, Group

if TYPE_CHECKING:
    from collections.abc import Sequence

ARROW = "=>"
MAX_GROUPS = 2_000  # of a tenant
MAX_WORDS = 20  # of a group
MAX_WORD = 100  # characters
_SEPARATOR = re.compile(r"[,;\t=]")


class Problem(NamedTuple):
    """A line that is no group, and why; lines count from 1."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.sentence}"


def parse_groups(text: str) -> tuple[list[Group], list[Problem]]:
    """The groups of a text, one a line: "laptop, notebook", or "device => phone, tablet" for one way.

    Commas, semicolons, tabs and = separate, quotes around a word do not count, and neither do empty lines and lines
    that begin with #.
    """
    groups: list[Group] = []
    problems: list[Problem] = []
    for number, line in enumerate(clean(text).lstrip("\ufeff").splitlines(), 1):
        if not line.strip(" ,;\t") or line.lstrip().startswith("#"):
            continue
        first, arrow, others = line.partition(ARROW)
        words = [word for part in (first, others) for word in _words(part)]
        if arrow and len(_words(first)) != 1:
            problems.append(Problem(number, f"Write one word or phrase before {ARROW}."))
        elif problem := problem_of(words):
            problems.append(Problem(number, problem))
        else:
            groups.append(Group(tuple(words), bool(arrow)))
    return groups, problems


def problem_of(words: Sequence[str]) -> str:
    """Why words make no group, as a sentence; empty when they do."""
    if len({tuple(split_words(word)) for word in words}) < 2:  # noqa: PLR2004 (fewer stand for nothing else)
        return "A group needs at least two different words or phrases."
    if len(words) > MAX_WORDS:
        return f"A group holds up to {MAX_WORDS} words or phrases; these are {len(words)}."
    for word in words:
        if len(word) > MAX_WORD or len(split_words(word)) > MAX_PHRASE:
            return f"“{word[:40]}…” is too long: up to {MAX_PHRASE} words and {MAX_WORD} characters make a phrase."
        if not split_words(word):
            return f"“{word[:40]}” has no letters or digits."
    return ""


def _words(text: str) -> list[str]:
    parts = [" ".join(part.strip().strip('"').split()) for part in _SEPARATOR.split(text)]
    return list(dict.fromkeys(filter(None, parts)))

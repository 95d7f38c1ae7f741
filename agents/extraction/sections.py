"""How a passage's place in its document fits a question: what its headings promise, and where it stands.

A section whose heading asks what the customer asks wants to be quoted from its beginning; a question that a document's
title answers ("What is your return policy?") wants the beginning of the document.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.extraction.expectation import expects_figure
from agents.words import content_words, words
from knowledge.chunking.answers import question_of
from knowledge.models import ChunkKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from knowledge.retrieval.search import Passage

GENERIC = content_words(
    "questions answers faq manual guide overview introduction policy terms information details "
    "need mean offer support available exist"
)
"""Words of titles and questions that name a kind of text or of question rather than a subject."""
NEGATIONS = frozenset(
    words(
        "not cannot no non never without don't doesn't can't isn't aren't won't "
        "nunca sin kein keine nicht ohne pas sans"
    )
)
EXTRA_WORDS = 0.5
"""How much of its match a heading loses when all of it that the title does not say is about something else."""
OPPOSITE = 0.5
"""What is left of a match when only one of question and heading says "not"."""
WITHIN = 0.7
"""What is left of a match when the words stand in a heading above, and the section's own names a part of it."""
TITLE_SHARE = 0.5
"""How much of a title must be asked about for the document as a whole to be meant."""
EARLY = (1.0, 0.9, 0.5)
"""How much the first, second and third of a document's passages count as its beginning."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a passage fits a question, each 0..1.

    Attributes:
        heading: how well its headings are what is asked; squared, since a heading that says half of it says little.
        beginning: how near it is to the beginning of a document that the question is about as a whole.
        coverage: share (by rarity) of the question's words that its title, headings or text have.
        opens: whether it begins its section.
    """

    heading: float = 0.0
    beginning: float = 0.0
    coverage: float = 0.0
    opens: bool = True


def fit_passages(question: str, passages: Sequence[Passage]) -> list[Fit]:
    """Return the fit of each passage; rarity is counted over the passages themselves."""
    asked = content_words(question)
    asked = (asked - GENERIC) or asked
    headings = [content_words(" ".join((passage.title, *headings_of(passage)))) for passage in passages]
    held = [
        asked & (heading | content_words(passage.text)) for heading, passage in zip(headings, passages, strict=True)
    ]
    frequency = Counter(word for shared in held for word in shared)

    def weight(subset: frozenset[str]) -> float:
        return sum(math.log1p((len(passages) + 1) / (frequency[word] + 0.5)) for word in subset)

    whole = weight(asked)
    if not whole:
        return [Fit(opens=opens_section(passage)) for passage in passages]
    beginnings = _beginnings(question, asked, passages)
    return [
        Fit(
            _heading(question, asked, passage, weight),
            beginnings[index],
            weight(held[index]) / whole,
            opens_section(passage),
        )
        for index, passage in enumerate(passages)
    ]


def headings_of(passage: Passage) -> tuple[str, ...]:
    """Return the headings above a passage; an answer stands under its question as under a heading."""
    asked = passage.found_by.partition("\n")[0] if passage.kind == ChunkKind.ANSWER else ""
    known = not asked or (passage.heading_path and asked in passage.heading_path[-1])
    return passage.heading_path if known else (*passage.heading_path, asked)


def opens_section(passage: Passage) -> bool:
    """Return whether nothing but headings, or its own question, stands before the passage in its section."""
    if passage.kind == ChunkKind.ANSWER and question_of(passage.text.partition("\n")[0]).startswith(passage.found_by):
        return True
    return all(not line.strip() or line.startswith("#") for line in text_before(passage).splitlines())


def text_before(passage: Passage) -> str:
    """Return what stands before the passage in its section."""
    return passage.context[: max(passage.context.find(passage.text), 0)]


def _heading(
    question: str, asked: frozenset[str], passage: Passage, weight: Callable[[frozenset[str]], float]
) -> float:
    headings = headings_of(passage)
    if not headings:
        return 0.0
    title = content_words(passage.title)
    leaf, *above = (_subject(heading) for heading in reversed(headings))
    path = frozenset[str]().union(*above)
    wanted, named = asked - title, leaf - title
    extra = weight(named - asked) / weight(named) if named else 0.0
    if not wanted:  # the title says it all: the section must not say more
        match = (1 - extra) ** 2
    elif wanted & named:
        match = 1 - EXTRA_WORDS * extra
    else:
        match = WITHIN * (1 - EXTRA_WORDS * extra) if wanted & path or not named else 0.0
    if _negated(question) != _negated(headings[-1]):
        match *= OPPOSITE
    return (match * weight(asked & (title | leaf | path)) / weight(asked)) ** 2


def _subject(heading: str) -> frozenset[str]:
    """Return what a heading is about; "2.1" numbers it only."""
    return frozenset(word for word in content_words(heading) if not word.isdecimal() and word not in NEGATIONS)


def _negated(text: str) -> bool:
    return not NEGATIONS.isdisjoint(words(text))


def _is_about(title: frozenset[str], asked: frozenset[str]) -> bool:
    return asked <= title and len(asked) >= TITLE_SHARE * len(title)


def _beginnings(question: str, asked: frozenset[str], passages: Sequence[Passage]) -> list[float]:
    """Return how near each passage is to the beginning of a document whose title has all that is asked."""
    if expects_figure(question):
        return [0.0] * len(passages)
    about = [passage for passage in passages if _is_about(content_words(passage.title) - GENERIC, asked)]
    order = sorted(about, key=lambda passage: (passage.document_id, passage.start))
    place = Counter[int]()
    near: dict[int, float] = {}
    for passage in order:
        rank = place[passage.document_id]
        near[passage.chunk] = EARLY[rank] if rank < len(EARLY) else 0.0
        place[passage.document_id] += 1
    return [near.get(passage.chunk, 0.0) for passage in passages]

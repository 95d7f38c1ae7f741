"""From the numbers in an answer to the sentences that support it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.events import Citation
from agents.words import content_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knowledge.retrieval.search import Passage

SHOWN_NUMBER = re.compile(r"\[(\d{1,3})\]")
STATEMENT_END = re.compile(r"(?<=[.!?])\s+|\n+|\s\|\s")
HEADING_SEPARATOR = " / "
MAX_QUOTE = 600
"""Characters; sentences further apart than this are not joined to one quote."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The citations of an answer and how well they support it.

    Attributes:
        support: mean share (0..1) of a statement's content words that its quoted sentence holds; 0 without citations.
    """

    citations: tuple[Citation, ...]
    support: float


def check_citations(text: str, numbers: Mapping[int, int], passages: Sequence[Passage]) -> Checked:
    """Find, for every number shown in `text`, the sentences of its passage that support its statements.

    Args:
        text: the final answer, numbers as shown.
        numbers: passage number (from 1) -> number shown.
        passages: what the passage numbers count.
    """
    passage_of = {shown: passages[number - 1] for number, shown in numbers.items()}
    spans: dict[int, list[tuple[int, int]]] = {shown: [] for shown in passage_of}
    supports = []
    for statement, shown in cited_statements(text):
        if shown in passage_of:
            span, support = best_sentence(statement, passage_of[shown])
            spans[shown].append(span)
            supports.append(support)
    cited = sorted(shown for shown in passage_of if spans[shown])
    citations = tuple(_citation(shown, passage_of[shown], spans[shown]) for shown in cited)
    return Checked(citations, sum(supports) / len(supports) if supports else 0.0)


def cited_statements(text: str) -> list[tuple[str, int]]:
    """Return (statement, number) for every number in `text`; a statement is the clause or row before its number."""
    found = []
    for match in SHOWN_NUMBER.finditer(text):
        before = SHOWN_NUMBER.sub("", text[: match.start()]).rstrip()
        line = before[before.rfind("\n") + 1 :]
        if line.startswith("|"):  # the row of a table is one statement
            found.append((line.strip("| "), int(match[1])))
            continue
        fragments = [fragment for fragment in STATEMENT_END.split(before[-MAX_QUOTE:]) if fragment.strip(" -*|")]
        found.append((fragments[-1] if fragments else "", int(match[1])))
    return found


def best_sentence(statement: str, passage: Passage) -> tuple[tuple[int, int], float]:
    """Return the span in `passage.text` that shares most words with `statement`, and the share of them (0..1)."""
    words = content_words(statement)
    spans = passage.sentences or ((0, len(passage.text)),)
    if not words:
        return spans[0], 0.0
    best, best_score, best_share = spans[0], -1.0, 0.0
    for start, end in spans:
        sentence = content_words(passage.text[start:end])
        shared = len(words & sentence)
        score = (
            shared / (len(words) + len(sentence)) if sentence else 0.0
        )  # Dice: prefers the sentence that says little else
        if score > best_score:
            best, best_score, best_share = (start, end), score, shared / len(words)
    return best, best_share


def _citation(shown: int, passage: Passage, spans: Sequence[tuple[int, int]]) -> Citation:
    start, end = spans[0]
    for other_start, other_end in spans[1:]:
        joined = min(start, other_start), max(end, other_end)
        if joined[1] - joined[0] <= MAX_QUOTE:
            start, end = joined
    return Citation(
        n=shown,
        document=passage.document,
        document_id=passage.document_id,
        chunk=passage.chunk,
        title=passage.title,
        url=passage.url,
        page=passage.page,
        heading=HEADING_SEPARATOR.join(passage.heading_path),
        span=(passage.start + start, passage.start + end),
        quote=passage.text[start:end],
    )

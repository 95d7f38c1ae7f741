"""Personal data and secrets out of what is kept for reviewers and written into logs.

A value becomes "[email 1]": the kind, and a number that is the same wherever the same value stands in one record, so
that a reader can follow who is meant without being told.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from agents.guardrails import credentials, pii

LONGEST = 200_000
"""Characters of one text that are looked through; the rest of a longer one is cut off."""
CUT = " [cut]"
PASSAGE = re.compile(r"(?=<passage )")


class Masking:
    """Masks the texts of one record; `known` are texts of which nothing is masked: the shop's own documents."""

    def __init__(self, known: str = "") -> None:
        """Begin a record."""
        self._known = known.casefold()
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def text(self, text: str) -> str:
        """Return a text with a mark for each value in it."""
        if len(text) > LONGEST:
            text = text[:LONGEST] + CUT
        spans = _spans(text)
        if not spans:
            return text
        parts, place = [], 0
        for span in sorted(spans, key=lambda span: (span.start, -span.end)):
            if span.start >= place and text[span.start : span.end].casefold() not in self._known:
                parts += [text[place : span.start], self._mark(span)]
                place = span.end
        return "".join([*parts, text[place:]])

    def value(self, value: Any) -> Any:
        """Return a JSON value with its texts masked; names of members stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.value(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(part) for part in value]
        return value

    def _mark(self, span: pii.Span) -> str:
        kind = "secret" if "secret" in span.kind else span.kind.replace("_", " ")
        key = kind, span.value
        if key not in self._numbers:
            self._numbers[key] = self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"[{kind} {self._numbers[key]}]"


def _spans(text: str) -> list[pii.Span]:
    """Return what is to be masked; between passages, which no value spans, a text is looked at part by part."""
    found, place = [], 0
    for part in PASSAGE.split(text):
        found += [span._replace(start=span.start + place, end=span.end + place) for span in _spans_of(part)]
        place += len(part)
    return found


@lru_cache(maxsize=512)
def _spans_of(part: str) -> tuple[pii.Span, ...]:
    """Prompts and earlier messages come again from turn to turn, and to look through one takes .3 ms."""
    return (*credentials.find(part), *pii.find(part))


def masked_text(text: str) -> str:
    """Return a text without personal data and secrets."""
    return Masking().text(text)


def masked_trace(trace: dict[str, Any]) -> dict[str, Any]:
    """Return a turn's trace without personal data and secrets, but for what stands in the passages that were found."""
    passages = trace.get("passages")
    known = [str(passage.get("text", "")) for passage in passages or () if isinstance(passage, dict)]
    masking = Masking("\n".join(known))
    return {name: part if name == "passages" else masking.value(part) for name, part in trace.items()}

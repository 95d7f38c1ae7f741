"""Insults and threats in what customers write, by a short list of words; for telemetry, nobody is refused for them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from agents.words import words

LIST = Path(__file__).with_name("abuse.txt")
HARMLESS = "harmless"
APOSTROPHES = "['\N{RIGHT SINGLE QUOTATION MARK}]"


def find_abuse(text: str) -> tuple[str, ...]:
    """Return the kinds of abuse in a text: "insult", "threat", both or none."""
    patterns = _patterns()
    said = patterns[HARMLESS].sub(" ", _plain(text))
    return tuple(kind for kind, pattern in patterns.items() if kind != HARMLESS and pattern.search(said))


def _plain(text: str) -> str:
    """The words of a text, with a space around each."""
    return f" {' '.join(re.sub(APOSTROPHES, ' ', word) for word in words(text))} "


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    """A pattern for each section of the list."""
    sections: dict[str, list[str]] = {}
    for line in LIST.read_text("utf-8").splitlines():
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(re.escape(line))
    return {name: re.compile(rf"(?<= )(?:{'|'.join(lines)})(?= )") for name, lines in sections.items()}

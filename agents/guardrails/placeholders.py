"""Names that stand in for personal data, and their way back while a model streams them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("EMAIL", "PHONE", "CARD", "IBAN", "SSN", "ID", "NAME", "ADDRESS", "POSTCODE", "SECRET")
OPENING, CLOSING = r"(?:<|&lt;|\\<|\\u003c)", r"(?:>|&gt;|\\>|\\u003e)"
PLACEHOLDER = re.compile(
    rf"(?:{OPENING}\s?|(?<![^\W_]))({'|'.join(KINDS)})_(\d{{1,4}})(?![\w])(?:\s?{CLOSING})?", re.IGNORECASE
)
LONGEST = 32
"""Characters of a placeholder, however it is written."""


def _beginnings(word: str, rest: str) -> str:
    """Return a pattern of everything that `word` and then `rest` begin with."""
    pattern = rest
    for letter in reversed(word):
        pattern = f"{re.escape(letter)}(?:{pattern})?"
    return pattern


_OPENED = "|".join(_beginnings(opening, "") for opening in ("<", "&lt;", "\\<", "\\u003c"))
_CLOSED = "|".join(_beginnings(closing, "") for closing in (">", "&gt;", "\\>", "\\u003e"))
_NUMBERED = rf"\d{{1,4}}(?:\s?(?:{_CLOSED})?)?"
_KIND = "|".join(_beginnings(f"{kind}_", _NUMBERED) for kind in KINDS)
BEGUN = re.compile(rf"(?:(?:{_OPENED})\s?(?:{_KIND})?|(?<![^\W_])(?:{_KIND}))$", re.IGNORECASE)


class Placeholders:
    """What stands in for what; the same value has the same name for as long as this lives."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._names: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}

    def name(self, kind: str, value: str, written: str) -> str:
        """Return the placeholder of a value; `written` is what it becomes again, as it was met first."""
        key = kind, value.casefold()
        if key not in self._names:
            number = 1 + sum(kind == other for other, _ in self._names)
            self._names[key] = f"{kind}_{number}"
            self._values[self._names[key]] = written
        return f"<{self._names[key]}>"

    def value(self, match: re.Match[str]) -> str:
        """Return what a placeholder stands for; of one that was never given out, a harmless word."""
        return self._values.get(f"{match[1].upper()}_{int(match[2])}", match[1].lower())

    def value_in_json(self, match: re.Match[str]) -> str:
        """Return the same for the inside of a text in JSON."""
        return json.dumps(self.value(match), ensure_ascii=False)[1:-1]


class Restoring:
    """Puts values back into a text that comes in pieces; joined, they are the same however it was cut."""

    def __init__(self, value: Callable[[re.Match[str]], str]) -> None:
        """Take what tells the value of a placeholder."""
        self._value = value
        self._pending = ""
        self._before = ""  # the last letter of what is written already

    def feed(self, text: str) -> str:
        """Take the next piece and return what is certain of it."""
        self._pending += text
        seen = self._before + self._pending
        begun = BEGUN.search(seen, max(len(self._before), len(seen) - LONGEST))
        return self._release(begun.start() - len(self._before) if begun else len(self._pending))

    def finish(self) -> str:
        """Return what was held back."""
        return self._release(len(self._pending))

    def _release(self, end: int) -> str:
        seen, start = self._before + self._pending[:end], len(self._before)
        out, place = [], start
        for match in PLACEHOLDER.finditer(seen, start):
            out += [seen[place : match.start()], self._value(match)]
            place = match.end()
        out.append(seen[place:])
        self._before, self._pending = seen[-1:], self._pending[end:]
        return "".join(out)

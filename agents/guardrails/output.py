"""What a provider writes, checked while it streams.

Only two things a reader could follow survive: citation numbers the server handed out, and links the server handed out.
Invented numbers, other links, images and HTML are taken out before a character of them is shown. The pieces returned,
joined, are the final text exactly.

Code is left as it is, because Markdown renders nothing inside it. So filter and Markdown must agree on where code is:
fences are written at the margin whatever stood before them, they are closed where the text ends, and backticks that
could pair up in some other way are left out. What is taken out leaves no new construct behind: where the text on both
sides of it would join to one, a space is put between.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_HELD = 500
"""Characters of an unfinished link, code span or tag that are held back before they are taken literally."""

UNKNOWN_MARK = "unknown"
"""A model writes [unknown] when the passages do not hold the answer."""

SPECIAL = re.compile(
    r"!?\[|\][(:]|<|`+|~{3,}|(?:https?|ftp)://|\bwww\\?\.|:?//|"
    r"&(?:#\d{1,7}|#x[\da-f]{1,6}|colon|sol|period|commat|num|plus|nbsp|numsp|puncsp|e[mn]sp|emsp1[34]|thinsp|hairsp|hyphen|"
    r"dash|[nm]dash|minus|shy|zwj|zwnj|lowbar|tab|newline|lrm|rlm|nobreak);",
    re.IGNORECASE,
)
MARKER = re.compile(r"\s*(?:source\s*|\^)?\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*", re.IGNORECASE)
PARENTHESES = re.compile(r"\((?:[^()\n]|\([^()\n]*\))*\)")
TAG_START = re.compile(r"[A-Za-z/!?]")
NO_TAG = re.compile(r"[\s\d=]")
AUTOLINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+|\S+@\S+")
HOST = re.compile(r"/{2,}[\w-]+\.\w")
MAILBOX = re.compile(r"[\w.+-]+@[\w.-]+")
URL = re.compile(r"[^\s<>`\"|]+")
URL_END = ".,;:!?)]}'*_"
PARTIAL_SPECIAL = re.compile(
    r"(?:!|\]|:/?|/|\b(?:h|ht|htt|https?|f|ft|ftp)(?::/?)?|\bw{1,3}\\?|~{1,2}|&#?\w{0,8})$", re.IGNORECASE
)
SPELT = frozenset(":/.wW")
"""Letters of an address that are not to come back from an entity."""
INVISIBLE_ENTITIES = frozenset("\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
OPENERS = frozenset("<!&")
PAIRS = frozenset(("](", "]:", ":/", "//", "ww", "w.", "``", "~~"))
"""What stands on both sides of something taken out, and would be something else without it."""
MAX_SPAN = 2000
MAX_WORD = 300
FENCE = 3
"""Backticks that open a block (CommonMark 4.5)."""
BREAKS = ("br", "br/", "br /")


class OutputFilter:
    """Filters one answer; a new attempt needs a new filter.

    Attributes:
        numbers: passage number -> number shown, in order of first use.
        unknown: the provider said that it does not know.
        offset: added to every number that is written, for a writer who counts its own passages from one.
    """

    def __init__(
        self,
        *,
        passages: int = 0,
        urls: Collection[str] = (),
        link_removed: str = "",
        numbers: Mapping[int, int] | None = None,
    ) -> None:
        """Take how many passages have numbers, the addresses that may be linked, and what replaces a bare other one.

        `numbers` are those that the answer shows already.
        """
        self.numbers: dict[int, int] = dict(numbers or {})
        self.unknown = False
        self.offset = 0
        self._passages = passages
        self._urls = {url.rstrip("/") for url in urls if url}
        self._link_removed = link_removed
        self._pending = ""
        self._fence = ""
        self._out: list[str] = []
        self._space = ""  # written only before something visible, so that an answer never ends in white space
        self._word = ""  # the end of what is written, back to white space
        self._joint = False  # something was taken out since

    def allow(self, *, passages: int, urls: Collection[str]) -> None:
        """Let more passages be cited and more addresses be linked."""
        self._passages += passages
        self._urls |= {url.rstrip("/") for url in urls if url}

    def feed(self, text: str) -> str:
        """Take the next piece of raw text and return what may be shown now, possibly nothing."""
        self._pending += text.replace("\r", "")
        return self._drain(final=False)

    def finish(self) -> str:
        """Return what was still held back. What is fed afterwards begins a paragraph of its own."""
        shown = self._drain(final=True)
        if self._fence:
            shown, self._fence = f"{shown}\n{self._fence}", ""
        self._word = self._space = ""
        return shown

    def _drain(self, *, final: bool) -> str:
        while self._pending:
            before = len(self._pending)
            if self._fence:
                self._code_block(final=final)
            else:
                self._text(final=final)
            if len(self._pending) == before:
                break
        out = "".join(self._out)
        self._out.clear()
        return out

    def _text(self, *, final: bool) -> None:
        """Write up to the next special place; its reader returns how much it used, 0 to wait for more."""
        match = SPECIAL.search(self._pending)
        if match is None:
            partial = None if final else PARTIAL_SPECIAL.search(self._pending)
            cut = partial.start() if partial else len(self._pending)
            self._write(self._pending[:cut])
            self._pending = self._pending[cut:]
            return
        self._write(self._pending[: match.start()])
        self._pending = self._pending[match.start() :]
        opening = match[0]
        if opening.endswith("["):
            used = self._bracket(len(opening), final=final)
        elif opening == "](":
            used = self._link_tail(final=final)
        elif opening == "]:":
            used = self._broken("] :", 2)  # no definition of a link
        elif opening == "<":
            used = self._tag(final=final)
        elif opening.startswith("`"):
            used = self._code(opening, final=final)
        elif opening[0] == "~":
            used = self._left_out(len(opening))  # of fences there is one kind
        elif opening[0] == "&":
            used = self._entity(opening)
        else:
            used = self._bare_url(final=final)
        self._pending = self._pending[used:]

    def _write(self, text: str) -> None:
        if not text:
            return
        if self._joint and not self._space:
            text = self._apart(text)
        self._joint = False
        text = self._space + text
        visible = text.rstrip()
        self._space = text[len(visible) :]
        if visible:
            self._out.append(visible if self._word else visible.lstrip())
            self._word = (self._word + visible).split()[-1][-MAX_WORD:]
        elif not self._word:
            self._space = ""

    def _apart(self, text: str) -> str:
        """Keep the text behind something taken out from making a link, tag or fence with what stands before it."""
        before, after = self._word[-1:], text[0]
        joins = before in OPENERS or (before + after).lower() in PAIRS
        return f" {text}" if before and (joins or "://" in self._word) else text

    def _left_out(self, used: int) -> int:
        self._joint = True
        return used

    def _broken(self, written: str, used: int) -> int:
        self._write(written)
        return used

    def _wait_or_take(self, used: int, *, final: bool) -> int:
        """Wait for the rest of a construct, or give up on it and write its opening as it stands."""
        if not final and len(self._pending) < MAX_HELD and "\n\n" not in self._pending:
            return 0
        self._write(self._pending[:used])
        return used

    def _bracket(self, opening: int, *, final: bool) -> int:
        close = self._pending.find("]", opening)
        inner = self._pending[opening : close if close >= 0 else None]
        if "[" in inner:
            self._write(self._pending[:opening])
            return opening
        link = PARENTHESES.match(self._pending, close + 1) if close >= 0 else None
        unfinished = close < 0 or (close + 1 == len(self._pending) and not final)
        if unfinished or (link is None and self._pending.startswith("(", close + 1)):
            return self._wait_or_take(opening, final=final)
        return self._closed_bracket(opening, inner, close + 1, link)

    def _closed_bracket(self, opening: int, inner: str, end: int, link: re.Match[str] | None) -> int:
        used = link.end() if link else end
        if MARKER.fullmatch(inner):
            self._write(self._pending[: opening - 1])
            self._markers(inner)
        elif inner.strip().lower() == UNKNOWN_MARK:
            self.unknown = self._joint = True
        elif link is None:
            self._write(self._pending[:opening])
            return opening
        elif opening == 1:
            self._link(inner, link[0])
        else:  # an image leaves nothing
            self._space, self._joint = self._space.rstrip(" \t"), True
        return used

    def _markers(self, inner: str) -> None:
        cited = dict.fromkeys(int(digits) + self.offset for digits in re.findall(r"\d+", inner))
        given = [number for number in cited if 1 <= number <= self._passages]
        shown = [f"[{self.numbers.setdefault(number, len(self.numbers) + 1)}]" for number in given]
        if shown:
            self._write("".join(shown))
            self._joint = True  # of what follows nothing makes a definition of it
        else:
            self._space, self._joint = self._space.rstrip(" \t"), True

    def _link(self, label: str, parentheses: str) -> None:
        label = re.sub(r"<[^>]*>", "", label).replace("<", "< ").replace("`", "")
        parts = parentheses[1:-1].split()
        destination = parts[0].strip("<>") if parts else ""
        allowed = self._allowed(destination)
        self._write(f"[{label}]({destination})" if allowed else URL_IN_LABEL.sub(self._link_removed, label))
        self._joint = not allowed

    def _link_tail(self, *, final: bool) -> int:
        """The end of a link whose beginning was not recognised as one: its address goes."""
        address = PARENTHESES.match(self._pending, 1)
        if address is None:
            if not final and len(self._pending) < MAX_HELD and "\n\n" not in self._pending:
                return 0
            return self._broken("] ", 1)
        self._write("]")
        return self._left_out(address.end())

    def _tag(self, *, final: bool) -> int:
        following = self._pending[1:2]
        if not following and not final:
            return 0
        if not TAG_START.match(following):
            return self._broken("<" if NO_TAG.match(following) or not following else "< ", 1)
        close = self._pending.find(">", 0, MAX_HELD)
        another = self._pending.find("<", 1, MAX_HELD)
        if close < 0 and another < 0 and not final and len(self._pending) < MAX_HELD:
            return 0
        if close < 0 or 0 < another < close:
            return self._broken("< ", 1)  # with a space behind it no parser takes it for a tag
        inner = self._pending[1:close]
        if AUTOLINK.fullmatch(inner):
            self._write(inner if MAILBOX.fullmatch(inner) or self._allowed(inner) else self._link_removed)
        elif inner.lower() in BREAKS:
            self._write(" ")
        return self._left_out(close + 1)

    def _entity(self, entity: str) -> int:
        """An entity stays, unless it spells a letter of an address: that is read as the letter."""
        letter = unescape(entity)
        if letter not in SPELT:
            return self._broken(_spelt_out(letter, entity), len(entity))
        self._pending = f"&{letter}{self._pending[len(entity) :]}"
        return self._left_out(1)

    def _code(self, run: str, *, final: bool) -> int:
        if len(run) == len(self._pending) and not final:
            return 0
        if self._word.endswith("\\") and not self._space:
            return self._broken("`", 1)  # an escaped one opens nothing
        if len(run) >= FENCE and (not self._word or "\n" in self._space):
            opened = self._opened(run, final=final)
            if opened is not None:
                return opened
        return self._code_span(run, final=final)

    def _opened(self, run: str, *, final: bool) -> int | None:
        """Open a block of code at the margin; 0 to wait for the rest of its line, None if it opens none."""
        line, newline, _ = self._pending.partition("\n")
        if not newline and not final and len(line) < MAX_HELD:
            return 0
        if not newline or "`" in line[len(run) :]:
            return None
        self._space = self._space[: self._space.rfind("\n") + 1]
        self._fence = run
        self._write(line + newline)
        return len(line) + 1

    def _code_span(self, run: str, *, final: bool) -> int:
        """Write code that ends in its line; backticks that pair up across lines, or too late, are left out."""
        paragraph, blank, _ = self._pending[:MAX_SPAN].partition("\n\n")
        closing = re.compile(rf"(?<!`){run}(?!`)").search(paragraph, len(run))
        if closing is None:
            if not (final or blank) and len(self._pending) < MAX_HELD:
                return 0
            alone = len(run) < FENCE and (bool(blank) or (final and len(self._pending) < MAX_SPAN))
            return self._broken(run, len(run)) if alone else self._left_out(len(run))
        if closing.end() == len(self._pending) and not final:
            return 0
        span = paragraph[: closing.end()]
        if "\n" in span or ("|" in span and SPECIAL.search(span, len(run), closing.start())):
            return self._left_out(len(run))
        return self._broken(span, len(span))

    def _code_block(self, *, final: bool) -> None:
        """Write whole lines of code until the fence closes."""
        line, newline, rest = self._pending.partition("\n")
        if not newline and not final:
            return
        if line.strip(" \t").startswith(self._fence) and not line.strip("` \t"):
            line, self._fence = self._fence, ""
        self._write(line + newline)
        self._pending = rest

    def _bare_url(self, *, final: bool) -> int:
        match = URL.match(self._pending)
        address = match[0] if match else self._pending
        if len(address) == len(self._pending) and not final and len(address) < MAX_HELD:
            return 0
        if address.startswith("//") and not HOST.match(address):
            return self._broken("//", 2)
        trimmed = address.rstrip(URL_END)
        self._write(trimmed if self._allowed(trimmed) else self._link_removed)
        return max(len(trimmed), 1)

    def _allowed(self, address: str) -> bool:
        return address.rstrip("/") in self._urls


def _spelt_out(letter: str, entity: str) -> str:
    """What is written for an entity, so that none hides what is looked for in the finished text."""
    if letter.isalnum():
        return f"&amp;{entity[1:]}"  # of letters and digits it stays what it is to read
    if letter in "@+":
        return letter
    if letter.isspace() or letter in INVISIBLE_ENTITIES:
        return "\N{NO-BREAK SPACE}"  # no mark of Markdown, like all white space may be
    return "\N{HYPHEN}" if unicodedata.category(letter[0]) == "Pd" or letter == "\N{MINUS SIGN}" else entity


URL_IN_LABEL = re.compile(r"(?:\w+:)?//[\w-]+\.\S+|\w+://\S+|www\.\S+", re.IGNORECASE)

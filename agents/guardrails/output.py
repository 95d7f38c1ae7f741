"""What a provider writes, checked while it streams.

Only two things a reader could follow survive: citation numbers the server handed out, and links the server handed out.
Invented numbers, other links, images and HTML are taken out before a character of them is shown; code is left as it is,
because Markdown renders nothing inside it. The pieces returned, joined, are the final text exactly.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MAX_HELD = 500
"""Characters of an unfinished link, code span or tag that are held back before they are taken literally."""

UNKNOWN_MARK = "unknown"
"""A model writes [unknown] when the passages do not hold the answer."""

SPECIAL = re.compile(r"!?\[|\]\(|<|`+|(?:https?|ftp)://|\bwww\.|://", re.IGNORECASE)
MARKER = re.compile(r"\s*(?:source\s*|\^)?\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*", re.IGNORECASE)
PARENTHESES = re.compile(r"\((?:[^()\n]|\([^()\n]*\))*\)")
TAG_START = re.compile(r"[A-Za-z/!?]")
AUTOLINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+|\S+@\S+")
URL = re.compile(r"[^\s<>`\"|]+")
URL_END = ".,;:!?)]}'*_"
PARTIAL_SPECIAL = re.compile(r"(?:!|\]|:/?|\b(?:h|ht|htt|https?|f|ft|ftp)(?::/?)?|\bw{1,3})$", re.IGNORECASE)
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
        self._last = ""

    def allow(self, *, passages: int, urls: Collection[str]) -> None:
        """Let more passages be cited and more addresses be linked."""
        self._passages += passages
        self._urls |= {url.rstrip("/") for url in urls if url}

    def feed(self, text: str) -> str:
        """Take the next piece of raw text and return what may be shown now, possibly nothing."""
        self._pending += text
        return self._drain(final=False)

    def finish(self) -> str:
        """Return what was still held back."""
        return self._drain(final=True)

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
        elif opening == "<":
            used = self._tag(final=final)
        elif opening.startswith("`"):
            used = self._code(opening, final=final)
        else:
            used = self._bare_url(final=final)
        self._pending = self._pending[used:]

    def _write(self, text: str) -> None:
        if not text:
            return
        text = self._space + text
        visible = text.rstrip()
        self._space = text[len(visible) :]
        if visible:
            self._out.append(visible if self._last else visible.lstrip())
            self._last = visible[-1]
        elif not self._last:
            self._space = ""

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
            self.unknown = True
        elif link is None:
            self._write(self._pending[:opening])
            return opening
        elif opening == 1:
            self._link(inner, link[0])
        else:  # an image leaves nothing
            self._space = self._space.rstrip(" \t")
        return used

    def _markers(self, inner: str) -> None:
        cited = dict.fromkeys(int(digits) + self.offset for digits in re.findall(r"\d+", inner))
        given = [number for number in cited if 1 <= number <= self._passages]
        shown = [f"[{self.numbers.setdefault(number, len(self.numbers) + 1)}]" for number in given]
        if shown:
            self._write("".join(shown))
        else:
            self._space = self._space.rstrip(" \t")

    def _link(self, label: str, parentheses: str) -> None:
        label = re.sub(r"<[^>]*>", "", label)
        parts = parentheses[1:-1].split()
        destination = parts[0].strip("<>") if parts else ""
        allowed = self._allowed(destination)
        self._write(f"[{label}]({destination})" if allowed else URL_IN_LABEL.sub(self._link_removed, label))

    def _link_tail(self, *, final: bool) -> int:
        """The end of a link whose beginning was not recognised as one: its address goes."""
        address = PARENTHESES.match(self._pending, 1)
        if address is None:
            return self._wait_or_take(1, final=final)
        self._write("]")
        return address.end()

    def _tag(self, *, final: bool) -> int:
        following = self._pending[1:2]
        if not following and not final:
            return 0
        if not TAG_START.match(following):
            self._write("<")
            return 1
        close = self._pending.find(">", 0, MAX_HELD)
        another = self._pending.find("<", 1, MAX_HELD)
        if close < 0 and another < 0 and not final and len(self._pending) < MAX_HELD:
            return 0
        if close < 0 or 0 < another < close:
            self._write("< ")  # with a space behind it no parser takes it for a tag
            return 1
        inner = self._pending[1:close]
        if AUTOLINK.fullmatch(inner):
            self._write(inner if "@" in inner or self._allowed(inner) else self._link_removed)
        elif inner.lower() in BREAKS:
            self._write(" ")
        return close + 1

    def _code(self, run: str, *, final: bool) -> int:
        if len(run) == len(self._pending) and not final:
            return 0
        at_line_start = not self._last or self._space.endswith("\n")
        if at_line_start and len(run) >= 3:  # noqa: PLR2004 - three backticks at the margin open a block (CommonMark 4.5)
            line, newline, _ = self._pending.partition("\n")
            if not newline and not final and len(line) < MAX_HELD:
                return 0
            if newline and "`" not in line[len(run) :]:
                self._fence = run
                self._write(line + newline)
                return len(line) + 1
        span = re.compile(rf"{run}[^`](?:(?!\n\s*\n).)*?(?<!`){run}(?!`)", re.DOTALL).match(self._pending)
        if span is None or (span.end() == len(self._pending) and not final):
            return self._wait_or_take(len(run), final=final) if span is None else 0
        self._write(span[0])
        return span.end()

    def _code_block(self, *, final: bool) -> None:
        """Write whole lines of code until the fence closes."""
        line, newline, rest = self._pending.partition("\n")
        if not newline and not final:
            return
        if line.startswith(self._fence) and not line.strip("` \t"):
            self._fence = ""
        self._write(line + newline)
        self._pending = rest

    def _bare_url(self, *, final: bool) -> int:
        match = URL.match(self._pending)
        address = match[0] if match else self._pending
        if len(address) == len(self._pending) and not final and len(address) < MAX_HELD:
            return 0
        trimmed = address.rstrip(URL_END)
        self._write(trimmed if self._allowed(trimmed) else self._link_removed)
        return max(len(trimmed), 1)

    def _allowed(self, address: str) -> bool:
        return address.rstrip("/") in self._urls


URL_IN_LABEL = re.compile(r"(?:\w+://|www\.)\S+", re.IGNORECASE)

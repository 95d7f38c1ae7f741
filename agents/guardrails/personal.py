"""Personal data and secrets that a model may not show, taken out while it streams.

What may be shown is what the model was told or the customer wrote (`Stated`); of everything else that `pii` or
`credentials` find, a mark stays. The text is read in units, from one white space to the next, and numbers that stand
together in one chain; a chain is shown when its end is known, or slides through a window of `HELD` characters. So
nothing is seen half of it first, and the pieces returned, joined, are the same however the text was cut.

What Markdown is made of stays where it is inside of a removed number: the filter before this one has relied on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.guardrails import credentials, pii
from agents.guardrails.echo import joined
from agents.guardrails.pii import Span
from agents.guardrails.seen import DIGITS, INVISIBLE, as_seen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agents.llm.base import Message

HELD = 60
"""Characters of a chain that are held back."""
AHEAD = 10
"""Characters behind a chain that are waited for: "… -Office" says what it is."""
BEHIND = 48
"""Characters before a chain that say what it is."""
STEP = 20
"""Characters by which the window slides through what has no white space."""
NUMBERS = 7
"""Digits of a chain from which on it may be somebody's number."""
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uff61-\uff9f\U00020000-\U0003ffff"
"""Letters of scripts that set no spaces between words: each is a unit of its own."""
UNIT = re.compile(rf"[^\s{_UNSPACED}]+")
QUIET = re.compile(rf"(?:\s++|[{_UNSPACED}]++|(?!-----)[^\s@\uff20\ufe6b{DIGITS}{_UNSPACED}]++(?=[\s{_UNSPACED}]))++")
COMMON = re.compile(r"((?:\s++|[a-z][a-z.,;:!?')]{0,10}+(?=\s))*+)([a-z.,;:!?')]{0,10})", re.IGNORECASE | re.ASCII)
"""Short words, in which nothing can be, and the beginning of another."""
FIRST = re.compile(r"[\W_]*?([^\W_]|\s)")
"""The first letter or digit behind marks, or the white space that ends them."""
ACCOUNT = re.compile(r"[\W_]*[A-Za-z]{2}\d\d")
ACCOUNT_PART = re.compile(r"[A-Z0-9]{1,4}(?=[\s.,;)]|$)")
HIDDEN = re.compile(
    rf"(?<=[\x20-\x7e{DIGITS}])(?:(?![\u200c\u200d\u20e3\ufe0f])[{INVISIBLE}])+|(?<=[{DIGITS}])[\u200c\u200d]+"
)
"""What shows nothing behind plain letters and digits; emoji and scripts that join letters keep theirs."""
KEY_BODY = re.compile(r"[A-Za-z0-9+/=\s:,\\-]*")
BLANKS = re.compile(r"[^\S\n]*")
PLAIN = re.compile(r"[\w \t.+()@/%'$:;,{}?-]*")
PARTS = re.compile(r"\[\d{1,3}\]|[^\W_]+(?:[ @.+'-]+[^\W_]+)*")
CITATION = re.compile(r"\[\d{1,3}\]")
SEPARATORS = re.compile(r"[\W_]+")
NATIONAL = 9
"""Last digits by which two ways to write a phone number are the same."""
MOST_CONNECTOR = 3
"""Marks that may stand alone between two groups of digits."""


@dataclass(slots=True)
class _Told:
    """A text that was told, as it is looked through; `asked` is what the model had put into the call it answers."""

    text: str
    asked: str = ""
    lowered: str = ""
    compact: str = ""
    words: str = ""

    def spoken(self) -> str:
        self.words = self.words or joined(self.text)
        return self.words

    def states(self, span: Span, bare: str) -> bool:
        if not self.lowered:
            self.lowered, self.compact = as_seen(self.text).casefold(), _compact(self.text)
            self.asked = _compact(self.asked)
        if span.kind == "email":
            return span.value.casefold() in self.lowered and bare not in self.asked
        return bare in self.compact and bare not in self.asked


class Stated:
    """What may be shown: it stands in what the model was told, or in what the customer wrote.

    What a tool gives back does not count where the model itself had put it into the call. Nothing is looked through
    before something is asked for.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rules = ""
        """The system prompt in use."""
        self._messages: Sequence[Message] = ()
        self._read = 0
        self._told: list[_Told] = []
        self._calls: dict[str, str] = {}

    def tell(self, messages: Sequence[Message]) -> None:
        """Take what a model is sent; messages that are added to it later count as well."""
        self._catch_up()
        self._messages, self._read = messages, 0
        self.rules = "\n".join(message.content for message in messages if message.role == "system") or self.rules

    def add(self, *texts: str) -> None:
        """Take more texts."""
        self._told += [_Told(text) for text in texts if text]

    def holds(self, span: Span) -> bool:
        """Return whether this stands there, written in whatever way."""
        if span.kind == "own secret":
            return False
        self._catch_up()
        bare = _compact(span.value)
        if span.kind == "phone":
            bare = bare[-NATIONAL:].lstrip("0") or bare
        return any(told.states(span, bare) for told in self._told) or _compact(self.rules).find(bare) >= 0

    def repeats(self, run: str) -> bool:
        """Return whether words in a row (see `echo.joined`) stand in anything but the rules."""
        self._catch_up()
        return any(run in told.spoken() for told in self._told)

    def _catch_up(self) -> None:
        for message in self._messages[self._read :]:
            self._calls |= {call.id: call.arguments for call in message.tool_calls}
            if message.content and message.role != "system":
                self._told.append(_Told(message.content, self._calls.get(message.tool_call_id, "")))
        self._read = len(self._messages)


def _compact(text: str) -> str:
    return SEPARATORS.sub("", as_seen(text)).casefold()


class PersonalFilter:
    """Filters one text; `mark` stands for what is taken out."""

    def __init__(self, may_show: Callable[[Span], bool], mark: str) -> None:
        """Take what tells which personal data may be shown."""
        self._may_show, self._mark = may_show, mark
        self._pending = ""
        self._behind = ""  # the end of what was read, which says what a number behind it is
        self._swallowing: re.Pattern[str] | None = None
        self._out: list[str] = []

    def feed(self, text: str) -> str:
        """Take the next piece and return what may be shown now."""
        if not text.isprintable() or not text.isascii():
            last = (self._pending or self._behind)[-1:]
            text = HIDDEN.sub("", last + text)[len(last) :]
        self._pending += text
        if len(self._pending) < HELD and not self._swallowing:
            words = COMMON.fullmatch(self._pending)  # by far the most pieces
            if words:
                shown, self._pending = words[1], words[2]
                self._behind = (self._behind + shown)[-BEHIND:]
                return shown
        return self._drain(final=False)

    def finish(self) -> str:
        """Return what was held back; what is fed afterwards is a text of its own."""
        out = self._drain(final=True)
        self._behind, self._swallowing = "", None
        return out

    def _drain(self, *, final: bool) -> str:
        while self._pending:
            if self._swallowing:
                going_on = self._swallow(self._swallowing, final=final)
            else:
                going_on = self._quiet() or self._unit(final=final)
            if not going_on:
                break
        out = "".join(self._out)
        self._out.clear()
        return out

    def _quiet(self) -> bool:
        """Show words in which nothing can be."""
        match = QUIET.match(self._pending)
        if match is None:
            return False
        if len(match[0]) < credentials.SHORTEST_OWN:
            self._show(len(match[0]))
        else:
            self._clean(len(match[0]), list(credentials.find_own(match[0])), self._pending[: len(match[0])])
        return True

    def _unit(self, *, final: bool) -> bool:
        """Read a unit or a chain of them; False to wait for more of it."""
        if self._pending.startswith("-----"):
            begun = self._private_key(final=final)
            if begun is not None:
                return begun
        end, over = self._end(final=final)
        if end == 0:
            return False
        text = self._pending[: end + AHEAD]
        spans = self._found(text, end, at_end=final and not self._pending[end:].strip())
        if over and not spans:
            space = UNIT.match(self._pending)
            end = min(space.end() if space else STEP, STEP)
        elif over:
            end = spans[-1].end
            if end == HELD and not self._may_show(spans[-1]):
                self._swallowing = UNIT
        self._clean(end, [span for span in spans if span.end <= end], text[:end])
        return True

    def _end(self, *, final: bool) -> tuple[int, bool]:
        """Return where the chain at the beginning ends, 0 while that is not known, and whether it is cut there."""
        text = self._pending
        unit = UNIT.match(text)
        end = unit.end() if unit else 0
        digits = sum(map(str.isdigit, text[:end]))
        account = bool(ACCOUNT.match(text))
        while True:
            if end >= HELD:
                return (HELD, True) if len(text) >= HELD + AHEAD or final else (0, False)
            if end == len(text):
                return (end if final else 0), False
            further = self._further(end, account=account) if digits else -1
            text = self._pending
            if further < 0:
                break
            if further == 0:
                if not final:
                    return (HELD, True) if len(text) >= HELD + AHEAD else (0, False)
                break
            digits += sum(map(str.isdigit, text[end:further]))
            end = further
        if digits >= NUMBERS and len(text) < end + AHEAD and not final:
            return 0, False
        return end, False

    def _further(self, end: int, *, account: bool) -> int:  # noqa: PLR0911 (each is a case of its own)
        """Return where the next unit of a chain ends, -1 if there is none, 0 while that is not known."""
        text = self._pending
        blanks = BLANKS.match(text, end)
        if blanks and blanks.end() > end + 2:  # pages show one space for many
            self._pending = text = text[: end + 2] + text[blanks.end() :]
        gap = end
        while gap < len(text) and text[gap].isspace():
            gap += 1
        if gap == end:
            return -1
        first = FIRST.match(text, gap)
        if first is None:
            return 0 if len(text) - gap <= HELD else -1
        unit = UNIT.match(text, gap)
        if unit is None:
            return -1
        if first[1].isspace():
            return unit.end() if len(unit[0]) <= MOST_CONNECTOR else -1
        if first[1].isdigit():
            return unit.end()
        if account and first[1].isascii() and first[1].isupper():
            part = ACCOUNT_PART.match(text, gap)
            if part and part.end() == len(text):
                return 0
            return part.end() if part else -1
        return -1

    def _found(self, text: str, end: int, *, at_end: bool) -> list[Span]:
        """Return what may not be seen in the first `end` characters, as it stands among those before and behind."""
        behind = len(self._behind)
        whole = self._behind + text
        spans = [*credentials.find(whole), *pii.find(whole)]
        if at_end:
            spans += pii.find_begun(whole)
        own = [
            Span(span.kind, max(0, span.start - behind), min(end, span.end - behind), span.value)
            for span in spans
            if span.end > behind and span.start < behind + end
        ]
        own.sort(key=lambda span: (span.start, -span.end))
        return [span for place, span in enumerate(own) if all(span.start >= other.end for other in own[:place])]

    def _clean(self, end: int, spans: list[Span], text: str) -> None:
        """Show the first `end` characters without what may not be seen in them."""
        shown, place = [], 0
        for span in spans:
            if not self._may_show(span):
                shown += [text[place : span.start], self._removed(text, span)]
                place = span.end
        shown.append(text[place:end])
        self._out.append("".join(shown))
        self._read(end)

    def _removed(self, text: str, span: Span) -> str:
        written = text[span.start : span.end]
        before = (self._behind + text[: span.start])[-1:]
        mark = f" {self._mark}" if before == "]" else self._mark  # no link's address
        if PLAIN.fullmatch(written):
            return mark
        marks = iter([mark])
        return PARTS.sub(lambda part: part[0] if CITATION.fullmatch(part[0]) else next(marks, "…"), written)

    def _show(self, end: int) -> None:
        self._out.append(self._pending[:end])
        self._read(end)

    def _read(self, end: int) -> None:
        self._behind = (self._behind + self._pending[:end])[-BEHIND:]
        self._pending = self._pending[end:]

    def _private_key(self, *, final: bool) -> bool | None:
        """Take out a private key that begins here; None if none does, False to wait for more of its line."""
        begun = credentials.KEY_BEGIN.match(self._pending)
        if begun is None:
            line = self._pending[: credentials.LONGEST_MARK]
            short = len(self._pending) < credentials.LONGEST_MARK and not final
            return False if short and credentials.KEY_LINE.fullmatch(line) else None
        self._out.append(self._mark)
        self._read(begun.end())
        self._swallowing = KEY_BODY
        return True

    def _swallow(self, what: re.Pattern[str], *, final: bool) -> bool:
        """Leave out the rest of a secret."""
        match = what.match(self._pending)
        end, closing = match.end() if match else 0, None
        if what is KEY_BODY:
            closing = credentials.KEY_END.search(self._pending, 0, end)
            if closing is None and end == len(self._pending) and not final:
                kept = min(end, credentials.LONGEST_MARK)
                self._read(end - kept)
                return False
            end = closing.end() if closing else end
        self._read(end)
        if self._pending or final or closing:
            self._swallowing = None
        return bool(self._pending)

"""A provider that is not told who the customer is.

What is sent has placeholders for personal data: what `pii` finds, and name, postcode and street of the customer whom
the conversation is bound to. What comes back has the values again, in text as in the arguments of tools, so that
nothing else of Askwell knows of it. What stands in the documents is sent as it is.
"""

from __future__ import annotations

import re
import uuid
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from agents.guardrails import credentials, pii
from agents.guardrails.placeholders import Placeholders, Restoring
from agents.llm.base import Message, TextDelta, ToolCallDelta, ToolRequest, key_of
from tenants.scope import in_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from agents.context import Turn
    from agents.llm.base import Chunk, Options, Provider, ToolSpec

PASSAGE = re.compile(r"<passage\b[^>]*>.*?</passage>", re.DOTALL)
KINDS = {
    "email": "EMAIL", "phone": "PHONE", "card": "CARD", "iban": "IBAN", "ssn": "SSN", "national_id": "ID",
    "secret": "SECRET", "own secret": "SECRET",
}  # fmt: skip
SHORTEST_NAME = 2
SHORTEST_LINE = 4


@dataclass(slots=True)
class Own:
    """Whose data it is: one for each turn, shared by all providers of the turn, so that placeholders stay the same."""

    tenant_id: int
    conversation: str = ""
    placeholders: Placeholders = field(default_factory=Placeholders)
    _words: list[tuple[str, re.Pattern[str]]] = field(default_factory=list)
    _known: bool = False
    _done: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, turn: Turn) -> Own:
        """Return that of a turn."""
        return cls(turn.tenant_id, turn.conversation)

    async def learn(self) -> None:
        """Find out whom the conversation is bound to, unless that is known: a proof in this turn may just have told."""
        if not self._known and self.conversation:
            self.know(await in_tenant(self.tenant_id, _bound, self.conversation))

    def know(self, record: dict[str, str] | None) -> None:
        """Take the customer's record: first_name, last_name, email, address1, address2, zip."""
        if record:
            self._known = True
            self._words = list(_words(record))
            self._done.clear()

    def hide(self, text: str, documents: str) -> str:
        """Return a text with placeholders, but for passages and for data that stands in `documents` (small letters)."""
        key = text, documents
        if key not in self._done:
            parts, place = [], 0
            for passage in PASSAGE.finditer(text):
                parts += [self._hidden(text[place : passage.start()], documents), passage[0]]
                place = passage.end()
            self._done[key] = "".join([*parts, self._hidden(text[place:], documents)])
        return self._done[key]

    def _hidden(self, text: str, documents: str) -> str:
        parts, place = [], 0
        spans = [*credentials.find(text), *pii.find(text)]
        for span in sorted(spans, key=lambda span: (span.start, -span.end)):
            written = text[span.start : span.end]
            if span.start < place or written.casefold() in documents:
                continue
            parts += [text[place : span.start], self.placeholders.name(KINDS[span.kind], span.value, written)]
            place = span.end
        text = "".join([*parts, text[place:]])
        for kind, pattern in self._words:
            text = pattern.sub(partial(self._named, kind), text)
        return text

    def _named(self, kind: str, match: re.Match[str]) -> str:
        if match["placeholder"]:
            return match[0]
        return self.placeholders.name(kind, " ".join(match[0].split()), match[0])


class Redacting:
    """A provider that is sent placeholders, and whose answers have the values again."""

    def __init__(self, inner: Provider, own: Own) -> None:
        """Take a provider, and whose turn it is."""
        self.name = inner.name
        self.model = inner.model
        self.key = key_of(inner)
        self._inner = inner
        self._own = own

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> AsyncGenerator[Chunk, None]:
        """Stream an answer; see `agents.llm.base.Provider`."""
        await self._own.learn()
        back = _Back(self._own.placeholders)
        async with aclosing(self._inner.stream(self._hidden(messages), tools, options)) as chunks:
            async for chunk in chunks:
                for restored in back.chunk(chunk):
                    yield restored
        for restored in back.rest():
            yield restored

    def _hidden(self, messages: Sequence[Message]) -> list[Message]:
        own = self._own
        passages = (passage for message in messages for passage in PASSAGE.findall(message.content))
        documents = "\n".join(passages).casefold()
        return [message if message.role == "system" else _hidden(message, own, documents) for message in messages]


class _Back:
    """The way back of one answer."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._text = Restoring(placeholders.value)
        self._calls: dict[int, Restoring] = {}

    def chunk(self, chunk: Chunk) -> Iterator[Chunk]:
        if isinstance(chunk, TextDelta):
            if text := self._text.feed(chunk.text):
                yield TextDelta(text)
        elif isinstance(chunk, ToolCallDelta):
            yield from self._piece(chunk)
        else:
            yield from self.rest()
            yield chunk

    def rest(self) -> Iterator[Chunk]:
        if text := self._text.finish():
            yield TextDelta(text)
        for index, restoring in self._calls.items():
            if arguments := restoring.finish():
                yield ToolCallDelta(index, "", "", arguments)

    def _piece(self, piece: ToolCallDelta) -> Iterator[Chunk]:
        restoring = self._calls.get(piece.index)
        if restoring is None:
            restoring = self._calls[piece.index] = Restoring(self._placeholders.value_in_json)
        elif (piece.id or piece.name) and (held := restoring.finish()):  # perhaps another call of the same index
            yield ToolCallDelta(piece.index, "", "", held)
        arguments = restoring.feed(piece.arguments)
        if arguments or piece.id or piece.name:
            yield replace(piece, arguments=arguments)


def _hidden(message: Message, own: Own, documents: str) -> Message:
    calls = tuple(ToolRequest(call.id, call.name, own.hide(call.arguments, documents)) for call in message.tool_calls)
    return replace(message, content=own.hide(message.content, documents), tool_calls=calls)


def _words(record: dict[str, str]) -> Iterator[tuple[str, re.Pattern[str]]]:
    """What is looked for of a customer's record; the longest first. Placeholders are stepped over."""
    first, last = record.get("first_name", "").strip(), record.get("last_name", "").strip()
    if first and last:
        both = rf"{_spaced(first)}\s+{_spaced(last)}|{_spaced(last)},?\s+{_spaced(first)}"
        yield "NAME", _whole(both, re.IGNORECASE)
    for line in (record.get("address1", ""), record.get("address2", "")):
        if len(line.strip()) >= SHORTEST_LINE:
            yield "ADDRESS", _whole(_spaced(line), re.IGNORECASE)
    if email := record.get("email", "").strip():
        yield "EMAIL", _whole(re.escape(email), re.IGNORECASE)
    if len(record.get("zip", "").strip()) >= SHORTEST_LINE:
        yield "POSTCODE", _whole(_spaced(record["zip"]), re.IGNORECASE)
    for name in (first, last):
        if len(name) >= SHORTEST_NAME:  # a name may be a word as well: only as names are written
            yield "NAME", _whole(f"{re.escape(name)}|{re.escape(name.upper())}|{re.escape(name.title())}")


def _spaced(words: str) -> str:
    return r"\s+".join(re.escape(word) for word in words.split())


def _whole(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?P<placeholder><[A-Z]+_\d+>)|(?<![^\W_])(?:{pattern})(?![^\W_])", flags)


def _bound(conversation: str) -> dict[str, str] | None:
    """Return what is known of the customer of a conversation, in the tenant's scope."""
    from agents.models import Session

    try:
        key = uuid.UUID(conversation)
    except ValueError:
        return None
    columns = ("first_name", "last_name", "email", "address1", "address2", "zip")
    row = (
        Session.objects.filter(conversation=key, customer__isnull=False)
        .values_list(*(f"customer__{column}" for column in columns))
        .first()
    )
    return dict(zip(columns, row, strict=True)) if row else None

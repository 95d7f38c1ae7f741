"""A reply without a language model: the dialogue's own words, and what the documents say word for word."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.actions.outcomes import as_events, as_proposal
from agents.confidence import is_answerable
from agents.events import Handover
from agents.llm.base import Evidence, Finished, Options, TextDelta, Usage
from agents.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from agents.actions.outcomes import Decided
    from agents.dialogue.respond import DialogueReply, Part
    from agents.events import Event
    from agents.llm.base import Provider
    from agents.reply import Reply
    from knowledge.retrieval.search import SearchResult


@dataclass(slots=True)
class RuleAnswer:
    """Writes a reply from what the dialogue says; `quoting` is the provider that quotes documents."""

    reply: Reply
    quoting: Provider
    search: Callable[[str], Awaitable[SearchResult]]
    unknown: Callable[[str], str]
    """What is said in a language where nothing was found."""
    asks_nothing: Callable[[], Awaitable[bool]]
    """Whether the message is to be asked back rather than called unknown."""
    language: str

    async def after(self, decided: Decided) -> AsyncGenerator[Event, None]:
        """Say what became of a change."""
        if decided.outcome:
            for event in self.reply.say(decided.outcome):
                yield event

    async def tell(self, answer: DialogueReply) -> AsyncGenerator[Event, None]:
        """Say the parts of a dialogue's answer, show its cards and proposals, and end the cards it took back."""
        reply = self.reply
        self.language = answer.language or self.language
        reply.intents, reply.grounded = answer.intents, reply.grounded or answer.grounded
        for decided in answer.decided:
            for event in as_events(decided):
                yield event
        for part in answer.parts:
            async with aclosing(self._part(part, alone=len(answer.parts) == 1)) as shown:
                async for event in shown:
                    yield event
        for event in reply.show_cards(answer.cards):
            yield event
        for action in answer.proposed:
            yield as_proposal(action)
        if answer.handover:
            yield Handover(*answer.handover)

    async def quote(
        self, found: SearchResult, *, offset: int, alone: bool = True, otherwise: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Answer from passages that the reply has counted from `offset` on; say `otherwise` where they are silent."""
        reply = self.reply
        reply.begin_paragraph(offset=offset)
        evidence = Evidence(reply.question, reply.turn.language, found, weak=not is_answerable(found))
        async with aclosing(self.quoting.stream((), (), Options(evidence=evidence))) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextDelta):
                    for event in reply.write(chunk.text):
                        yield event
                elif isinstance(chunk, Usage):
                    reply.used(chunk, ())
                elif isinstance(chunk, Finished):
                    reply.finish = chunk.reason
        for event in reply.settle():
            yield event
        if reply.filter.unknown:
            for event in await self._nothing_found(alone=alone, otherwise=otherwise):
                yield event

    async def _nothing_found(self, *, alone: bool, otherwise: str) -> list[Event]:
        if alone and not otherwise and await self.asks_nothing():
            self.reply.finish, self.reply.asked_back, self.reply.intents = "stop", True, ("unclear",)
            return self.reply.say(phrase(self.language, "unclear"))
        self.reply.finish = "unknown" if alone and not otherwise else "stop"
        return self.reply.say(otherwise or self.unknown(self.language))

    async def _part(self, part: Part, *, alone: bool) -> AsyncGenerator[Event, None]:
        if part.text and not part.question:
            for event in self.reply.say(part.text):
                yield event
        if part.question:
            found = await self.search(part.question)
            offset = len(self.reply.passages) - len(found.passages)
            async with aclosing(self.quote(found, offset=offset, alone=alone, otherwise=part.text)) as shown:
                async for event in shown:
                    yield event

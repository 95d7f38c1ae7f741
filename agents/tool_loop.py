"""A reply by a language model: rounds of text and tool calls until it has said what it wants to say.

The model proposes: reads run at once, together where it asks for several; changes only wait for the customer's word.
Rounds, calls in a round and the time for all of it are bounded.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.events import ActionProposed, Handover, Step
from agents.llm import chain
from agents.llm.base import Finished, LLMError, Message, Options, TextDelta, ToolCallDelta, ToolRequest, Usage
from agents.llm.pieces import Calls
from agents.llm.plan import STRONG
from agents.phrases import phrase
from agents.prompts import fence_passages
from agents.tools.arguments import MAX_ARGUMENTS
from agents.tools.results import as_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from agents.context import Turn
    from agents.events import Event
    from agents.llm.base import Chunk, Provider, ToolSpec
    from agents.preparation import Prepared
    from agents.reply import Reply
    from agents.tools.calls import Outcome

    CallTools = Callable[[Turn, Prepared, Sequence[ToolRequest], int], Awaitable[list[Outcome]]]

RETRY_SECONDS = (0.1, 0.5)
"""Pauses before a round is asked for again."""
SLOW = frozenset({"first_content", "idle"})
"""Failures that took so long that the customer is not made to wait for another."""
REPLY_LIMIT = 240.0
"""Seconds for all rounds of a reply."""
RESULTS_A_REPLY = 120_000
"""Characters of results that the model is told in one reply; each round sends them again."""
PROMPTS_A_REPLY = 2_000_000
"""Characters of all requests of one reply."""
TEXT_A_REPLY = 40_000
"""Characters that a model may write; no provider that keeps to its limit comes near."""
TOLD_ARGUMENTS = 4_000
"""Characters of a call's arguments that the model is shown again."""
STUCK = 2
"""Rounds in a row that brought nothing, after which a stronger model is asked."""
NO_ROOM = "Too much was read for this reply already: answer with what you have."


@dataclass(slots=True)
class ToolLoop:
    """The rounds of one reply."""

    turn: Turn
    prepared: Prepared
    reply: Reply
    models: Sequence[Provider]
    call_tools: CallTools
    proposed: list[ActionProposed] = field(default_factory=list)
    asked_for_person: bool = False
    _written: int = 0
    _prompted: int = 0
    _told_before: int = 0
    _made: set[tuple[str, str]] = field(default_factory=set)
    _useless: int = 0

    async def run(self, messages: list[Message]) -> AsyncGenerator[Event, None]:
        """Yield what the customer is shown; the reply's text, usage and sources grow meanwhile.

        Raises:
            LLMError: every model failed; what is settled stays.
        """
        deadline = asyncio.get_running_loop().time() + REPLY_LIMIT
        for number in range(self.prepared.policy.tool_rounds + 1):
            self._prompted += _size(messages)
            last = number == self.prepared.policy.tool_rounds or self._prompted > PROMPTS_A_REPLY
            asked = Calls(MAX_ARGUMENTS + 1)  # one character too many is refused
            async with aclosing(self._tried(messages, asked, deadline, tools=not last)) as events:
                async for event in events:
                    yield event
            if not asked:
                return
            for event in self.reply.settle():
                yield event
            if last:
                break
            async with aclosing(self._calls(messages, asked.requests(number), number)) as events:
                async for event in events:
                    yield event
        for event in self._exhausted():
            yield event

    async def _tried(
        self, messages: list[Message], asked: Calls, deadline: float, *, tools: bool
    ) -> AsyncGenerator[Event, None]:
        """Yield a round's events, asking again where a connection broke: rules cannot go on in the middle of a plan."""
        for pause in (*RETRY_SECONDS, None):
            try:
                async with aclosing(self._round(messages, asked, deadline, tools=tools)) as events:
                    async for event in events:
                        yield event
            except LLMError as error:
                if pause is None or not error.retryable or error.kind in SLOW or not self.prepared.acts:
                    raise
                asked.clear()
                for event in self.reply.void(error.kind):
                    yield event
                await asyncio.sleep(pause)
            else:
                return

    async def _round(
        self, messages: list[Message], asked: Calls, deadline: float, *, tools: bool
    ) -> AsyncGenerator[Event, None]:
        specs = [tool.spec for tool in self.prepared.tools] if tools else []
        now = asyncio.get_running_loop().time()
        options = Options(deadline=min(deadline, now + chain.TURN_LIMIT))
        usage = Usage()
        async with aclosing(self._bounded(messages, specs, options)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextDelta):
                    for event in self.reply.write(chunk.text):
                        yield event
                elif isinstance(chunk, ToolCallDelta):
                    asked.add(chunk)
                elif isinstance(chunk, chain.Attempt):
                    asked.clear()
                    for event in self.reply.attempt(chunk, last=False):
                        yield event
                elif isinstance(chunk, Usage):
                    usage = chunk
                elif isinstance(chunk, Finished):
                    self.reply.finish = "stop" if chunk.reason == "tool_calls" else chunk.reason
        if asked and self.reply.finish == "truncated":
            raise LLMError("cut short in the middle of a call", kind="cut", retryable=True)
        self.reply.used(usage, messages)

    async def _bounded(
        self, messages: list[Message], specs: list[ToolSpec], options: Options
    ) -> AsyncGenerator[chain.Attempt | Chunk, None]:
        """Pass on what a model streams until it has written more than a reply may hold."""
        async with aclosing(chain.stream(self.models, messages, specs, options)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextDelta):
                    self._written += len(chunk.text)
                    if self._written > TEXT_A_REPLY:
                        yield Finished("length")
                        return
                yield chunk

    async def _calls(
        self, messages: list[Message], requests: list[ToolRequest], number: int
    ) -> AsyncGenerator[Event, None]:
        messages.append(Message("assistant", "", tool_calls=tuple(_shown_again(request) for request in requests)))
        yield Step("tools", phrase(self.turn.language, "working"))
        outcomes = await self.call_tools(self.turn, self.prepared, requests, number)
        self._go_up(outcomes)
        for outcome in outcomes:
            self.reply.trace.called(outcome.request.name, ms=outcome.ms, error=outcome.error)
            messages.append(Message("tool", self._told(outcome), tool_call_id=outcome.request.id))
            for event in self._shown(outcome):
                yield event

    def _go_up(self, outcomes: Sequence[Outcome]) -> None:
        """Let the strong model go on where the calls of `STUCK` rounds in a row all failed or had been made before."""
        made = {(outcome.request.name, outcome.request.arguments) for outcome in outcomes}
        useless = made <= self._made or all(outcome.error for outcome in outcomes)
        self._made |= made
        self._useless = self._useless + 1 if useless else 0
        if self._useless == STUCK and any(model.name == STRONG for model in self.models[1:]):
            self.models = sorted(self.models, key=lambda model: model.name != STRONG)
            self.reply.trace.went_up()

    def _told(self, outcome: Outcome) -> str:
        """Return what the model reads; passages get numbers that it may cite."""
        text = outcome.text
        if outcome.found is not None:
            before = self.reply.add_sources(outcome.found)
            text = fence_passages(outcome.found.passages, first=before + 1) or text
        if self._told_before + len(text) > RESULTS_A_REPLY:
            text = as_error(NO_ROOM)
        self._told_before += len(text)
        return text

    def _shown(self, outcome: Outcome) -> list[Event]:
        self.reply.grounded = self.reply.grounded or not (outcome.error or outcome.found)
        shown = self.reply.show_cards(outcome.cards)
        if outcome.proposed and outcome.proposed not in self.proposed:
            self.proposed.append(outcome.proposed)
            shown.append(outcome.proposed)
        if outcome.handover and not self.asked_for_person:
            self.asked_for_person = True
            shown.append(Handover(outcome.handover, outcome.summary))
        return shown

    def _exhausted(self) -> list[Event]:
        """The model would go on forever: say so, and let a person see to it."""
        said = self.reply.say(phrase(self.turn.language, "too_many_steps"))
        return [*said, *([] if self.asked_for_person else [Handover("usage_limit", self.turn.question)])]


def _size(messages: Sequence[Message]) -> int:
    """Return the characters of a prompt."""
    return sum(len(message.content) + sum(len(call.arguments) for call in message.tool_calls) for message in messages)


def _shown_again(request: ToolRequest) -> ToolRequest:
    """Return a call as the model is shown it again: without what no tool would have taken."""
    return request if len(request.arguments) <= TOLD_ARGUMENTS else ToolRequest(request.id, request.name, "{}")

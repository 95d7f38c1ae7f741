"""One turn, from the customer's question to the finished answer; `run` is the whole path."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.db import Error as DatabaseError

from agents import events, memory, prompts
from agents.citations import check_citations
from agents.confidence import confidence, is_answerable
from agents.events import Answer, Delta, Event, Failed, Handover, Reset, Step
from agents.guardrails.output import OutputFilter
from agents.llm import chain
from agents.llm.base import Evidence, Finished, LLMError, Message, Options, TextDelta, Usage
from agents.phrases import PHRASES, phrase
from agents.routing.shortcuts import find_shortcut
from agents.trace import Trace
from knowledge.embedding.base import EmbedderError
from knowledge.indexes.language import detect_language

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from agents.context import Turn
    from agents.llm.base import Provider
    from agents.routing.shortcuts import Shortcut
    from knowledge.retrieval.search import SearchResult

MAX_QUESTION = 8000
"""Characters of a message that are read."""
SEARCH_K = 8
"""Passages looked up."""
CHARACTERS_PER_TOKEN = 4
"""For usage that the provider does not report."""


async def search_knowledge(tenant_id: int, query: str) -> SearchResult:
    """Search the tenant's live documents in a database thread."""
    from knowledge.retrieval.search import search
    from tenants.scope import in_thread

    return await in_thread(search, tenant_id, query, k=SEARCH_K)


@dataclass(frozen=True, slots=True)
class Services:
    """What a turn needs from outside; tests and experiments put their own here."""

    search: Callable[[int, str], Awaitable[SearchResult]] = search_knowledge
    providers: Callable[[], Sequence[Provider]] = chain.providers


async def run(turn: Turn, services: Services | None = None) -> AsyncGenerator[Event, None]:
    """Answer one turn.

    Yields steps and text as they come and ends with exactly one `Finished` or `Failed`. The deltas since the last
    `Reset`, joined, are the final text. Closing the generator or cancelling the task stops the provider at once.
    """
    services = services or Services()
    trace = Trace(turn)
    turn = replace(turn, question=turn.question.replace("\0", "").strip()[:MAX_QUESTION])
    if not turn.question:
        yield Failed(phrase(turn.language, "empty"), retryable=False, reason="empty")
        return
    shortcut = find_shortcut(turn.question, turn.language)
    trace.event("input")
    if shortcut:
        for event in _short_answer(turn, shortcut, trace):
            yield event
        return

    providers = services.providers()
    rewritten = await memory.standalone_question(turn, providers[0] if len(providers) > 1 else None)
    trace.rewritten(rewritten)
    yield Step("search", _search_label(turn))
    try:
        found = await services.search(turn.tenant_id, rewritten.question)
    except (DatabaseError, EmbedderError):
        yield Failed(phrase(turn.language, "search_failed"), retryable=True, reason="search")
        return
    _documents_seen[turn.tenant_id] = found.documents
    trace.searched(found)

    reply = Reply(turn, rewritten.question, found, trace)
    try:
        # Without passages there is nothing a model may answer from.
        async with aclosing(reply.stream(providers if found.passages else providers[-1:])) as deltas:
            async for event in deltas:
                yield event
    except LLMError as error:
        yield Failed(phrase(turn.language, "answer_failed"), retryable=error.retryable, reason=error.kind)
        return
    yield events.Finished(reply.answer())


def asked_language(question: str, default: str) -> str:
    """Return the language `question` is written in if the agent speaks it, else `default`."""
    language = detect_language([question], default)
    return language if language in PHRASES else default


_documents_seen: dict[int, int] = {}
"""Live documents per tenant as the last search counted them: a label must not cost a query of its own."""


def _search_label(turn: Turn) -> str:
    count = _documents_seen.get(turn.tenant_id)
    return phrase(turn.language, "searching", count=count) if count else phrase(turn.language, "searching_all")


def _short_answer(turn: Turn, shortcut: Shortcut, trace: Trace) -> list[Event]:
    text = phrase(shortcut.language, shortcut.kind, tenant=turn.tenant_name)
    trace.event("answer")
    usage = Usage(0, 0, estimated=False)
    answer = Answer(
        text,
        confidence=1.0,
        intents=(shortcut.kind,),
        usage=usage,
        model="none",
        summary=turn.summary,
        trace=trace.record,
    )
    handover: list[Event] = [Handover("customer_request")] if shortcut.kind == "handover" else []
    return [*handover, Delta(text), events.Finished(answer)]


@dataclass(slots=True)
class Reply:
    """The answer while it is written: passes text through the output filter and keeps what the end needs."""

    turn: Turn
    question: str
    found: SearchResult
    trace: Trace
    text: str = ""
    finish: str = "stop"
    usage: Usage = field(default_factory=Usage)
    provider: Provider | None = None
    degraded: bool = False
    filter: OutputFilter = field(default_factory=lambda: OutputFilter(passages=0))

    async def stream(self, providers: Sequence[Provider]) -> AsyncGenerator[Event, None]:
        """Yield text as it may be shown, a `Reset` and a step when another provider takes over.

        Raises:
            LLMError: every provider failed.
        """
        messages = self._messages()
        if len(providers) > 1:
            self.trace.prompted(messages)
        evidence = Evidence(self.question, self.turn.language, self.found, weak=not is_answerable(self.found))
        async with aclosing(chain.stream(providers, messages, (), Options(evidence=evidence))) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextDelta):
                    for event in self._show(self.filter.feed(chunk.text)):
                        yield event
                elif isinstance(chunk, chain.Attempt):
                    for event in self._begin(chunk, last=chunk.provider is providers[-1]):
                        yield event
                elif isinstance(chunk, Usage):
                    self.usage = chunk
                elif isinstance(chunk, Finished):
                    self.finish = chunk.reason
        for event in self._end(messages):
            yield event

    def answer(self) -> Answer:
        """Return the finished answer."""
        checked = check_citations(self.text, self.filter.numbers, self.found.passages)
        known = self.finish != "unknown"
        titles = [citation.title for citation in checked.citations]
        record = self.trace.record
        self.trace.event("answer")
        answer = Answer(
            text=self.text,
            citations=checked.citations,
            confidence=confidence(self.found, checked.support) if known else 0.0,
            usage=self.usage,
            model=self.provider.model if self.provider else "",
            finish=self.finish,
            known=known,
            degraded=self.degraded,
            summary=memory.running_summary(self.turn.summary, self.question, titles),
            trace=record,
        )
        record |= {
            "provider": self.provider.name if self.provider else "",
            "model": answer.model,
            "usage": {
                "prompt": self.usage.prompt_tokens,
                "completion": self.usage.completion_tokens,
                "estimated": self.usage.estimated,
            },
            "cost": str(answer.cost),
            "finish": self.finish,
            "confidence": answer.confidence,
            "support": round(checked.support, 3),
        }
        return answer

    def _messages(self) -> list[Message]:
        question = prompts.fill(
            "question", passages=prompts.fence_passages(self.found.passages), question=self.question
        )
        return [
            Message("system", prompts.fill("answer", tenant=self.turn.tenant_name)),
            *memory.as_prompt(memory.recent_messages(self.turn)),
            Message("user", question),
        ]

    def _begin(self, attempt: chain.Attempt, *, last: bool) -> list[Event]:
        """Start over with a new provider; whatever the one before it showed is void."""
        self.trace.attempt(attempt.provider, attempt.after)
        started: list[Event] = []
        if attempt.after:
            self.degraded = True
            if self.text:
                started.append(Reset(attempt.after.kind))
            started.append(Step("degraded", phrase(self.turn.language, "degraded" if last else "fallback")))
        self.text, self.finish, self.usage, self.provider = "", "stop", Usage(), attempt.provider
        self.filter = OutputFilter(
            passages=len(self.found.passages),
            urls={passage.url for passage in self.found.passages},
            link_removed=phrase(self.turn.language, "link_removed"),
        )
        return started

    def _show(self, text: str) -> list[Event]:
        if not text:
            return []
        if not self.text:
            self.trace.event("first token")
        self.text += text
        return [Delta(text)]

    def _end(self, messages: Sequence[Message]) -> list[Event]:
        """Release what the filter held back; an answer without text is an honest "I do not know"."""
        shown = self._show(self.filter.finish())
        if self.filter.unknown or not self.text:
            self.finish = "unknown"
        if not self.text:
            language = asked_language(self.turn.question, self.turn.language)
            shown += self._show(phrase(language, "unknown", tenant=self.turn.tenant_name))
        if self.usage.estimated:
            prompt = sum(len(message.content) for message in messages)
            self.usage = Usage(prompt // CHARACTERS_PER_TOKEN, len(self.text) // CHARACTERS_PER_TOKEN)
        return shown

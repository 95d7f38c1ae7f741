"""One turn, from the customer's message to the finished reply; `run` is the whole path."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from django.db import Error as DatabaseError

from agents import events, load, memory, transcript
from agents.actions.decisions import ActionNotFound
from agents.actions.outcomes import as_events
from agents.actions.reading import read_decision
from agents.cache.store import given_answer
from agents.checking import check_answer, with_phrases, withhold
from agents.context import Decision
from agents.dialogue.languages import language_of
from agents.events import Delta, Event, Failed, Handover, Step
from agents.guardrails.redaction import Own
from agents.guardrails.rules import blocked_topic
from agents.guardrails.signals import QUICK, inspect
from agents.llm import chain
from agents.llm.base import LLMError
from agents.llm.extractive import Extractive
from agents.llm.metering import Account
from agents.llm.plan import may_ask_intents
from agents.model_answer import Basis, answer_by_model
from agents.phrases import PHRASES, phrase
from agents.reply import Reply
from agents.reranking import ModelReranker
from agents.routing.intents import says_nothing
from agents.routing.shortcuts import find_shortcut
from agents.rule_answer import RuleAnswer
from agents.services import Services
from agents.trace import Trace
from knowledge.embedding.base import EmbedderError, installed_name
from tenants.scope import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agents.actions.outcomes import Decided
    from agents.context import Turn
    from agents.llm.base import Provider
    from agents.preparation import Prepared
    from agents.prompts import Prompts
    from agents.routing.intents import Understanding
    from agents.routing.shortcuts import Shortcut
    from knowledge.retrieval.search import SearchResult

MAX_QUESTION = 8000
"""Characters of a message that are read."""

_documents_seen: dict[int, int] = {}
"""Live documents per tenant as the last search counted them: a label must not cost a query of its own."""


async def run(turn: Turn, services: Services | None = None) -> AsyncGenerator[Event, None]:
    """Answer one turn.

    Yields steps, text, cards and proposals as they come and ends with exactly one `Finished` or `Failed`. The deltas
    since the last `Reset`, joined, are the final text. Closing the generator or cancelling the task stops the provider
    at once.
    """
    turn = replace(turn, question=turn.question.replace("\0", "").strip())
    if len(turn.question) > MAX_QUESTION:
        yield too_long(turn)
        return
    services, account = services or Services(), Account.of(turn)
    account.feature = services.feature
    answering = Answering(turn, services, Reply(turn, Trace(turn), account=account), account, Own.of(turn))
    try:
        with load.under_way():
            async with aclosing(answering.events()) as answer:
                async for event in answer:
                    yield event
    except (DatabaseError, EmbedderError):
        yield Failed(phrase(turn.language, "search_failed"), retryable=True, reason="search")
    except ActionNotFound:
        yield Failed(phrase(turn.language, "action_gone"), retryable=False, reason="action")
    except LLMError as error:
        yield Failed(phrase(turn.language, "answer_failed"), retryable=error.retryable, reason=error.kind)
    finally:
        answering.close()


def too_long(turn: Turn) -> Failed:
    """Say that a message is longer than what is read of one, in the language of its beginning."""
    language = language_of(turn.question[:MAX_QUESTION], turn.language)
    count, limit = f"{len(turn.question):,}", f"{MAX_QUESTION:,}"
    return Failed(phrase(language, "too_long", count=count, limit=limit), retryable=False, reason="too_long")


@dataclass(slots=True)
class Answering:
    """The ways a turn can go: a pressed button or a plain yes, a greeting, a language model, or rules."""

    turn: Turn
    services: Services
    reply: Reply
    account: Account
    own: Own
    _understanding: asyncio.Task[Understanding | None] | None = None
    _reranker: ModelReranker | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield the turn's events, the final one included."""
        turn, reply = self.turn, self.reply
        if not turn.question and turn.decision is None:
            yield Failed(phrase(turn.language, "empty"), retryable=False, reason="empty")
            return
        reply.trace.event("input")
        prepared = await self.services.prepare(turn)
        self.account.budgets = prepared.budgets
        reply.trace.prompts(prepared.prompts.version)
        decided = await self._decided(prepared)
        if decided is None and (whole := await self._at_once(prepared)):
            for event in whole:
                yield event
            return
        for event in as_events(decided) if decided else ():
            yield event
        async with aclosing(self._checked(prepared, decided)) as answer:
            async for event in answer:
                yield event
        if not (reply.intents or decided):
            reply.intents = await self._intents()
        if reply.finish == "unknown" and prepared.policy.handover_when_unknown:
            yield Handover("missing_knowledge", turn.question)
        finished = reply.answer()
        await self.services.keep(turn, prepared, finished)
        yield events.Finished(finished)

    def close(self) -> None:
        """Leave nothing running behind."""
        if self._understanding:
            self._understanding.cancel()

    async def _at_once(self, prepared: Prepared) -> list[Event]:
        """Return a whole reply that needs no search and no model: a courtesy, a refusal, an answer given before."""
        turn = self.turn
        if shortcut := find_shortcut(turn.question, turn.language):
            return self._short_answer(shortcut)
        if topic := await self._blocked(prepared):
            return self._refusal(topic)
        if given := await self.services.recall(turn, prepared):
            answer = with_phrases(given_answer(turn, given, self.reply.trace.record), turn.question, prepared.answers)
            await self.services.note_hit(turn, given)
            return [Delta(answer.text), events.Finished(answer)]
        return []

    async def _checked(self, prepared: Prepared, decided: Decided | None) -> AsyncGenerator[Event, None]:
        """Write the reply and judge it; where ungrounded answers are held back, the text is shown once it is judged."""
        held = prepared.answers.hold_ungrounded and not self.turn.quiet
        async with aclosing(self._written(prepared, decided)) as written:
            async for event in withhold(written, self.turn.language) if held else written:
                yield event
        if decided is None and self.reply.signals is None:
            await self._inspect(self.reply.found)
        if not self.turn.quiet:
            for event in await check_answer(self.reply, prepared.answers, held=held):
                yield event

    async def _written(self, prepared: Prepared, decided: Decided | None) -> AsyncGenerator[Event, None]:
        """Write the reply, and say so where nothing was found to write."""
        async with aclosing(self._way(prepared, decided)) as answer:
            async for event in answer:
                yield event
        if not self.reply.text:
            self.reply.finish = "unknown"
            for event in self.reply.say(self._unknown(self._language())):
                yield event

    async def _blocked(self, prepared: Prepared) -> str:
        """Return the topic that the tenant does not want talked about, if the question is about one."""
        if not prepared.answers.blocked_topics or not self.turn.question:
            return ""
        return await in_thread(blocked_topic, self.turn.question, prepared.answers)

    def _refusal(self, topic: str) -> list[Event]:
        """Say that a topic is not talked about; no model is asked."""
        self.reply.trace.record["blocked"] = topic
        said = self.reply.say(phrase(self._language(), "blocked"))
        return [*said, events.Finished(replace(self.reply.answer(), confidence=1.0, summary=self.turn.summary))]

    async def _inspect(self, found: SearchResult | None = None) -> None:
        """Note what the message shows: beside the vector of the search, where one was made of the same words."""
        turn = self.turn
        if not turn.question:
            return
        comparable = found is not None and found.encoding.model in ("", installed_name())
        vector = found.encoding.vector if found is not None and comparable else None
        look = partial(inspect, turn.question, turn.language, vector)
        self.reply.signals = look() if len(turn.question) <= QUICK else await in_thread(look)
        self.reply.trace.inspected(self.reply.signals)

    async def _decided(self, prepared: Prepared) -> Decided | None:
        """Take the customer's word on a change, by the button or by a plain yes to the last message."""
        decision = self.turn.decision
        if decision is None and prepared.actions:
            latest = transcript.told_before(self.turn.history)
            read = read_decision(self.turn.question, self.turn.language, prepared.actions, latest_reply=latest)
            decision = Decision(read[0].pk, confirmed=read[1]) if read else None
        if decision is None:
            return None
        decided = await self.services.decide(self.turn, decision)
        self.reply.grounded = True
        self.reply.trace.event(f"action {decided.state}")
        return decided

    def _way(self, prepared: Prepared, decided: Decided | None) -> AsyncGenerator[Event, None]:
        return self._outcome(decided) if self.turn.quiet and decided else self._answer(prepared, decided)

    async def _outcome(self, decided: Decided) -> AsyncGenerator[Event, None]:
        """Say how a change ended and nothing more: a person answers here."""
        for event in self.reply.say(decided.outcome or decided.action.summary):
            yield event

    async def _answer(self, prepared: Prepared, decided: Decided | None) -> AsyncGenerator[Event, None]:
        """Let a model answer; let rules where it fails, where there is none, and while more is to be confirmed."""
        reader = self.services.reading_model(prepared, self.account, self.own)
        if prepared.reranks and reader:
            self._reranker = ModelReranker(reader, asyncio.get_running_loop())
        found, failure = None, None
        if may_ask_intents(prepared):
            self._begin_to_understand()
        if decided is None and (reader or not prepared.acts):
            yield Step("search", self._search_label())
            found = await self._search_first(prepared.prompts, None if prepared.acts else reader)
        elif decided and any(action.pk != decided.action.pk for action in prepared.actions):
            reader = None
        if reader and (prepared.acts or (found and found.passages)):
            self._begin_to_understand()
            await self._inspect(found)
            models = await self._models(prepared)
            try:
                answer = answer_by_model(self.reply, models, self.services, prepared, Basis(found, decided))
                async with aclosing(answer) as shown:
                    async for event in shown:
                        yield event
            except LLMError as error:
                failure = error
            else:
                return
        async with aclosing(self._by_rules(prepared, found, decided, failure)) as shown:
            async for event in shown:
                yield event

    async def _models(self, prepared: Prepared) -> Sequence[Provider]:
        """Choose which models answer, in their order."""
        plan = await self.services.plan(self.turn, prepared, self.account, self.own, self._intents)
        self.reply.trace.routed(plan.routing)
        return plan.providers

    async def _by_rules(
        self, prepared: Prepared, found: SearchResult | None, decided: Decided | None, failure: LLMError | None
    ) -> AsyncGenerator[Event, None]:
        quoting = Extractive()
        for event in self.reply.attempt(chain.Attempt(quoting, failure), last=True):
            yield event
        rules = RuleAnswer(self.reply, quoting, self._search, self._unknown, self._asks_nothing, self._language())
        steps = [rules.after(decided)] if decided else []
        if prepared.acts and (understood := await self._understood()):
            action = decided.action if decided else None
            steps.append(rules.tell(await self.services.respond(self.turn, prepared, understood, action)))
        elif decided is None:
            found = found or await self._search(self.turn.question)
            steps.append(rules.quote(found, offset=0))
        for step in steps:
            async with aclosing(step) as shown:
                async for event in shown:
                    yield event

    async def _search_first(self, prompts: Prompts, rewriter: Provider | None) -> SearchResult:
        """Look up the question before anything is asked, with what the conversation is about put into it."""
        rewritten = await memory.standalone_question(self.turn, rewriter, prompts)
        self.reply.trace.rewritten(rewritten)
        return await self._search(rewritten.question)

    async def _search(self, question: str) -> SearchResult:
        by_model = (self._reranker,) if self._reranker else ()
        found = await self.services.search(self.turn.tenant_id, question, *by_model)
        _documents_seen[self.turn.tenant_id] = found.documents
        self.reply.question = question
        self.reply.trace.searched(found)
        self.reply.add_sources(found)
        return found

    def _search_label(self) -> str:
        count = _documents_seen.get(self.turn.tenant_id)
        language = self.turn.language
        return phrase(language, "searching", count=count) if count else phrase(language, "searching_all")

    async def _asks_nothing(self) -> bool:
        """Return whether to ask the customer back, which is done once in a row."""
        replies = [message.text for message in self.turn.history if message.role == "assistant"]
        if replies and replies[-1].startswith(tuple(texts["unclear"] for texts in PHRASES.values())):
            return False
        understood = await self._understood()
        return understood is not None and says_nothing(self.turn.question, understood)

    def _language(self) -> str:
        return language_of(self.turn.question, self.turn.language)

    def _unknown(self, language: str) -> str:
        return phrase(language, "unknown", tenant=self.turn.tenant_name)

    def _begin_to_understand(self) -> None:
        if self._understanding is None and self.turn.question:
            self._understanding = asyncio.ensure_future(self.services.understand(self.turn))

    async def _intents(self) -> tuple[str, ...]:
        understood = await self._understood()
        return tuple(intent.name for intent in understood.intents) if understood else ()

    async def _understood(self) -> Understanding | None:
        """Return the intents and entities of the question."""
        self._begin_to_understand()
        return await self._understanding if self._understanding else None

    def _short_answer(self, shortcut: Shortcut) -> list[Event]:
        self.reply.intents = (shortcut.kind,)
        said = self.reply.say(phrase(shortcut.language, shortcut.kind, tenant=self.turn.tenant_name))
        answer = replace(self.reply.answer(), confidence=1.0, summary=self.turn.summary)
        handover: list[Event] = [Handover("customer_request", self.turn.summary)] if shortcut.kind == "handover" else []
        return [*handover, *said, events.Finished(answer)]

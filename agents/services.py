"""What a turn needs from outside of the agent's own code; tests and experiments put their own here."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import Error as DatabaseError

from agents.cache import lookup as cache_lookup
from agents.cache import store as cache_store
from agents.llm.plan import Plan, plan_turn, reading_model
from agents.models import Feature
from agents.preparation import Prepared, prepare
from tenants.scope import in_tenant, in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from agents.actions.outcomes import Decided
    from agents.cache.lookup import Given
    from agents.context import Decision, Turn
    from agents.dialogue.respond import DialogueReply
    from agents.events import Answer
    from agents.guardrails.redaction import Own
    from agents.llm.base import Provider, ToolRequest
    from agents.llm.metering import Account
    from agents.llm.router import Intents
    from agents.models import Action
    from agents.routing.intents import Understanding
    from agents.tools.calls import Outcome
    from knowledge.retrieval.search import SearchResult
    from knowledge.retrieval.server_rerank import Rerank

log = logging.getLogger(__name__)

SEARCH_K = 8
"""Passages looked up."""
UNDERSTAND_LIMIT = 2.0
"""Seconds a turn waits for the intents of its question."""
FIRST_LIMIT = 10.0
"""The same in a process that has not learnt to tell intents apart yet: a command, since servers do it as they start."""


async def search_knowledge(tenant_id: int, query: str, model: Rerank | None = None) -> SearchResult:
    """Search the tenant's live documents, those that are for customers, in a database thread.

    `model` puts the best passages in order where the tenant wants that.
    """
    from knowledge.retrieval.filters import FOR_CUSTOMERS
    from knowledge.retrieval.search import search

    return await in_thread(search, tenant_id, query, k=SEARCH_K, filters=FOR_CUSTOMERS, model=model)


async def understand_question(turn: Turn) -> Understanding | None:
    """Return what the customer wants and names, None when it cannot be found out in time."""
    from agents.routing.fitting import is_warm
    from agents.routing.intents import understand
    from knowledge.embedding.base import EmbedderError

    try:
        async with asyncio.timeout(UNDERSTAND_LIMIT if is_warm() else FIRST_LIMIT):
            return await in_thread(understand, turn.tenant_id, turn.question, language=turn.language)
    except (DatabaseError, EmbedderError, TimeoutError) as error:
        log.warning("The intents of a question could not be found: %s", error)
        return None


def nothing_typed(conversation: UUID) -> tuple[str, ...]:
    """What a customer typed in a conversation that is kept nowhere."""
    del conversation
    return ()


@dataclass(frozen=True, slots=True)
class Services:
    """The turn's ways out.

    `typed` is called in the tenant's scope and returns all that the customer wrote. `providers` are asked in place of
    the tenant's models, preferred first; nobody counts what they cost. `feature` is what the answer is for.
    """

    search: Callable[..., Awaitable[SearchResult]] = search_knowledge
    providers: Callable[[], Sequence[Provider]] | None = None
    prepare: Callable[[Turn], Awaitable[Prepared]] = prepare
    understand: Callable[[Turn], Awaitable[Understanding | None]] = understand_question
    typed: Callable[[UUID], tuple[str, ...]] = field(default=nothing_typed)
    feature: Feature = Feature.ANSWER

    async def recall(self, turn: Turn, prepared: Prepared) -> Given | None:
        """Return an answer that was given before and fits this turn; never to a trial, nor of stand-ins for models."""
        return await cache_lookup.recall(turn, prepared) if self._caches else None

    async def keep(self, turn: Turn, prepared: Prepared, answer: Answer) -> None:
        """Keep an answer that others may be given, too."""
        if self._caches:
            await cache_store.keep(turn, prepared, answer)

    @property
    def _caches(self) -> bool:
        return self.providers is None and self.feature == Feature.ANSWER

    async def note_hit(self, turn: Turn, given: Given) -> None:
        """Note that an answer was given again."""
        await cache_store.note_hit(turn, given)

    async def plan(self, turn: Turn, prepared: Prepared, account: Account, own: Own, intents: Intents) -> Plan:
        """Choose the models that answer, in order; see `agents.llm.plan`."""
        if self.providers is not None:
            return Plan(tuple(self.providers()))
        return await plan_turn(turn, prepared, account, own, intents)

    def reading_model(self, prepared: Prepared, account: Account, own: Own) -> Provider | None:
        """Return the model that reads questions before they are answered; None where there are no models."""
        if self.providers is not None:
            return next(iter(self.providers()), None)
        return reading_model(prepared, account, own)

    async def call_tools(
        self, turn: Turn, prepared: Prepared, requests: Sequence[ToolRequest], number: int
    ) -> list[Outcome]:
        """Run the calls of one round of a model."""
        from agents.tools.calls import call_tools

        return await call_tools(turn, prepared.tools, requests, round_number=number, typed=self.typed)

    async def decide(self, turn: Turn, decision: Decision) -> Decided:
        """Take the customer's word on a proposed change, which runs it or drops it."""
        from agents.actions.decisions import decide

        return await in_thread(
            decide,
            tenant_id=turn.tenant_id,
            conversation=UUID(turn.conversation),
            action_id=decision.action,
            confirmed=decision.confirmed,
            actor=turn.actor,
        )

    async def respond(
        self,
        turn: Turn,
        prepared: Prepared,
        understanding: Understanding,
        decided: Action | None,
    ) -> DialogueReply:
        """Let the dialogue without a model say what comes next."""
        from agents.dialogue.respond import respond
        from agents.session import open_context

        def scoped() -> DialogueReply:
            context = open_context(turn, self.typed(UUID(turn.conversation)))
            open_now = [action for action in prepared.actions if decided is None or action.pk != decided.pk]
            return respond(context, understanding, turn.question, open_actions=open_now, last_action=decided)

        return await in_tenant(turn.tenant_id, scoped)

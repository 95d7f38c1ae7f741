"""A question asked the way customers ask, without a trace: no conversation, no cache, nothing kept but what it cost."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from agents import runner
from agents.events import Failed, Finished
from agents.models import Feature, PromptVersion
from agents.prompts import Prompts
from agents.prompts.trial import TrialServices, Try, new_try
from agents.services import SEARCH_K
from agents.tools.calls import Outcome
from agents.tools.results import as_text
from tenants.scope import in_tenant, in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.context import Turn
    from agents.dialogue.respond import DialogueReply
    from agents.llm.base import ToolRequest
    from agents.models import Action
    from agents.preparation import Prepared
    from agents.routing.intents import Understanding
    from knowledge.retrieval.search import Passage, SearchResult
    from knowledge.retrieval.server_rerank import Rerank
    from knowledge.retrieval.trial import Trial
    from tenants.models import Tenant

SEARCH_TOOL = "search_knowledge"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question; `failed` says why there is no text."""

    text: str = ""
    known: bool = True
    passages: tuple[Passage, ...] = ()
    failed: str = ""


@dataclass(slots=True)
class Searches:
    """The searches of one turn, and what they found; `trial` says what they search."""

    trial: Trial | None = None
    found: list[SearchResult] = field(default_factory=list)

    async def search(self, tenant_id: int, query: str, model: Rerank | None = None) -> SearchResult:
        """Search as the turn does, and remember what was found."""
        from knowledge.retrieval.filters import FOR_CUSTOMERS
        from knowledge.retrieval.search import search

        result = await in_thread(
            search, tenant_id, query, k=SEARCH_K, filters=FOR_CUSTOMERS, trial=self.trial, model=model
        )
        self.found.append(result)
        return result

    @property
    def passages(self) -> tuple[Passage, ...]:
        """All passages, each once, in the order in which they came."""
        return tuple({passage.chunk: passage for result in self.found for passage in result.passages}.values())


@dataclass(frozen=True, slots=True)
class UntracedServices(TrialServices):
    """The ways out of a turn that nobody is to find again."""

    searches: Searches = field(default_factory=Searches)

    async def call_tools(
        self, turn: Turn, prepared: Prepared, requests: Sequence[ToolRequest], number: int
    ) -> list[Outcome]:
        """Search what the run is about; the other tools do what they do in a trial."""
        others = [request for request in requests if request.name != SEARCH_TOOL]
        made = iter(await TrialServices.call_tools(self, turn, prepared, others, number) if others else [])
        return [
            await self._searched(turn, request) if request.name == SEARCH_TOOL else next(made) for request in requests
        ]

    async def _searched(self, turn: Turn, request: ToolRequest) -> Outcome:
        query = query_of(request)
        found = await self.search(turn.tenant_id, query)
        return Outcome(request, as_text({"query": query, "passages": len(found.passages)}), found=found)

    async def respond(
        self, turn: Turn, prepared: Prepared, understanding: Understanding, decided: Action | None
    ) -> DialogueReply:
        """Let the dialogue say what comes next, and take back whatever it wrote."""
        del prepared, decided
        return await in_tenant(turn.tenant_id, _taken_back, turn, understanding)


def _taken_back(turn: Turn, understanding: Understanding) -> DialogueReply:
    from agents.dialogue.respond import respond
    from agents.session import open_context

    with transaction.atomic():
        reply = respond(open_context(turn, ()), understanding, turn.question, open_actions=())
        transaction.set_rollback(True)
    return reply


def query_of(request: ToolRequest) -> str:
    """Return what a model wants to look for; empty where it wrote something else."""
    try:
        arguments = json.loads(request.arguments or "{}")
    except (ValueError, RecursionError):
        return ""
    query = arguments.get("query") if isinstance(arguments, dict) else ""
    return query if isinstance(query, str) else ""


async def ask(asked: Try, searches: Searches) -> Reply:
    """Return what the product answers."""

    async def prepare(turn: Turn) -> Prepared:
        del turn
        return asked.prepared

    services = UntracedServices(search=searches.search, prepare=prepare, feature=Feature.TRIAL, searches=searches)
    async with aclosing(runner.run(asked.turn, services)) as events:
        async for event in events:
            if isinstance(event, Failed):
                return Reply(failed=event.text, passages=searches.passages)
            if isinstance(event, Finished):
                return Reply(event.answer.text, event.answer.known, searches.passages)
    return Reply(failed="It ended without an answer.")


def try_of(tenant: Tenant, question: str, candidate: Mapping[str, Any]) -> Try:
    """Return a question with all that its answer needs, of the tenant in scope."""
    asked = new_try(tenant.pk, tenant.name, tenant.language, question)
    version = PromptVersion.objects.filter(pk=candidate.get("prompt")).first() if "prompt" in candidate else None
    if version is None:
        return asked
    current = asked.prepared.prompts
    texts, numbers = {**current.texts, version.name: version.text}, {**current.numbers, version.name: version.number}
    return replace(asked, prepared=replace(asked.prepared, prompts=Prompts(texts, numbers)))

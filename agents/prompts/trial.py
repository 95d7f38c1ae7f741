"""A draft of a prompt tried on past turns and pasted questions, beside the prompt that is in use.

Both run through the whole way of a turn with the tenant's models. Nothing of it is kept but what it cost: tools that
read may be called, those that would find out who somebody is or change something answer as they did in the past turn,
or not at all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from agents import runner
from agents.context import Turn
from agents.events import Delta, Failed, Finished
from agents.llm.base import LLMError
from agents.models import Feature, ToolKind
from agents.preparation import tenant_settings
from agents.prompts import Prompts
from agents.prompts.past_turns import SOURCES
from agents.services import Services
from agents.tools.base import ToolContext
from agents.tools.calls import Outcome, Round, run_calls
from agents.tools.registry import PROOF
from agents.tools.results import as_error
from agents.transcript import calls_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.dialogue.respond import DialogueReply
    from agents.events import Answer
    from agents.llm.base import ToolRequest
    from agents.models import Action, PromptVersion, ToolCall
    from agents.preparation import Prepared
    from agents.routing.intents import Understanding

MOST = 5
"""Questions tried at once; each is asked twice."""
LIMIT = 60.0
"""Seconds for all of it."""
ACTOR = "trial"
NOT_HERE = "This is a trial: the tool was not called, and nothing was found out or changed by it."
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Try:
    """A question with all that its answer needs."""

    turn: Turn
    prepared: Prepared
    recorded: Mapping[tuple[str, str], ToolCall] = field(default_factory=dict)
    """What tools answered in the past turn, by their name and arguments."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two answers. Times are milliseconds, `cost` US dollars; `failed` says why there is none."""

    text: str = ""
    failed: str = ""
    sources: tuple[str, ...] = ()
    model: str = ""
    degraded: bool = False
    known: bool = True
    first_ms: float | None = None
    total_ms: float = 0
    cost: Decimal = Decimal(0)
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """A question, and what was answered with the prompt in use and with the draft."""

    question: str
    current: Side
    draft: Side


def past_tries(tenant_id: int, replies: Sequence[uuid.UUID]) -> list[Try]:
    """Return past turns of the tenant in scope, to be tried again; those that are gone are left out."""
    if SOURCES.past is None:
        return []
    turns = [(reply, SOURCES.past.turn_of(reply)) for reply in replies[:MOST]]
    return [_again(tenant_settings(tenant_id), reply, turn) for reply, turn in turns if turn]


def new_try(tenant_id: int, tenant_name: str, language: str, question: str) -> Try:
    """Return a question that nobody has asked yet, without a conversation before it."""
    turn = Turn(tenant_id, tenant_name, language, str(uuid.uuid4()), question, actor=ACTOR, eventful=False)
    return Try(turn, tenant_settings(tenant_id))


def _again(prepared: Prepared, reply: uuid.UUID, turn: Turn) -> Try:
    calls = calls_of(uuid.UUID(turn.conversation))
    recorded = {(call.name, _canonical(call.arguments)): call for call in calls.pop(str(reply), [])}
    turn = replace(turn, conversation=str(uuid.uuid4()), reply="", user=None, actor=ACTOR, decision=None, quiet=False)
    return Try(turn, replace(prepared, calls=calls), recorded)


async def compare(tries: Sequence[Try], version: PromptVersion) -> list[Compared]:
    """Ask every question with the prompts in use and with this version, all at once, within `LIMIT`."""
    deadline = asyncio.get_running_loop().time() + LIMIT
    sides = await asyncio.gather(
        *(_side(one, prompts, deadline) for one in tries for prompts in _both(one.prepared.prompts, version))
    )
    pairs = zip(tries, sides[::2], sides[1::2], strict=True)
    return [Compared(one.turn.question, current, draft) for one, current, draft in pairs]


def _both(current: Prompts, version: PromptVersion) -> tuple[Prompts, Prompts]:
    texts = {**current.texts, version.name: version.text}
    return current, Prompts(texts, {**current.numbers, version.name: version.number})


async def _side(one: Try, prompts: Prompts, deadline: float) -> Side:
    """Return one answer; nothing that goes wrong with it is raised."""
    prepared = replace(one.prepared, prompts=prompts)

    async def prepare(turn: Turn) -> Prepared:
        del turn
        return prepared

    services = TrialServices(prepare=prepare, feature=Feature.TRIAL, recorded=one.recorded)
    try:
        async with asyncio.timeout_at(deadline):
            return await _asked(one.turn, services)
    except TimeoutError:
        return Side(failed=f"No answer within {LIMIT:.0f} seconds.", total_ms=LIMIT * 1000)
    except Exception as error:  # one answer that breaks must not take the others with it
        log.exception("A trial of a prompt failed")
        return Side(failed=f"It broke: {type(error).__name__}.")


async def _asked(turn: Turn, services: Services) -> Side:
    began, first_ms, ended = time.perf_counter(), None, Side(failed="It ended without an answer.")
    async with aclosing(runner.run(turn, services)) as events:
        async for event in events:
            ms = round((time.perf_counter() - began) * 1000, 1)
            if isinstance(event, Delta) and first_ms is None:
                first_ms = ms
            if isinstance(event, Failed):
                ended = Side(failed=f"{event.text} ({event.reason})", first_ms=first_ms, total_ms=ms)
            if isinstance(event, Finished):
                ended = _answered(event.answer, first_ms, ms)
    return ended


def _answered(answer: Answer, first_ms: float | None, total_ms: float) -> Side:
    return Side(
        text=answer.text,
        sources=tuple(f"[{citation.n}] {citation.title}" for citation in answer.citations),
        model=answer.model,
        degraded=answer.degraded,
        known=answer.known,
        first_ms=first_ms,
        total_ms=total_ms,
        cost=answer.cost,
        tokens=answer.usage.prompt_tokens + answer.usage.completion_tokens,
    )


@dataclass(frozen=True, slots=True)
class TrialServices(Services):
    """The ways out of a turn that leaves no trace."""

    recorded: Mapping[tuple[str, str], ToolCall] = field(default_factory=dict)

    async def call_tools(
        self, turn: Turn, prepared: Prepared, requests: Sequence[ToolRequest], number: int
    ) -> list[Outcome]:
        """Answer calls as they were answered in the past turn; call what only reads; leave the rest alone."""
        known = [self._recorded(request) for request in requests]
        harmless = [tool for tool in prepared.tools if tool.kind == ToolKind.READ and PROOF not in tool.tags]
        names = {tool.name for tool in harmless}
        fresh = [r for r, told in zip(requests, known, strict=True) if told is None and r.name in names]
        asked = Round(turn.tenant_id, uuid.UUID(turn.conversation), uuid.uuid4(), number)
        context = ToolContext(
            turn.tenant_id, turn.tenant_name, turn.language, asked.conversation, asked.reply, ACTOR
        )  # fmt: skip
        made = iter(await run_calls(asked, fresh, harmless, lambda: context, record=False))
        return [
            told or (next(made) if request.name in names else Outcome(request, as_error(NOT_HERE), "trial"))
            for request, told in zip(requests, known, strict=True)
        ]

    def _recorded(self, request: ToolRequest) -> Outcome | None:
        try:
            arguments = json.loads(request.arguments or "{}")
        except (ValueError, RecursionError):
            return None
        call = self.recorded.get((request.name, _canonical(arguments)))
        return Outcome(request, call.result, call.error) if call else None

    async def respond(
        self, turn: Turn, prepared: Prepared, understanding: Understanding, decided: Action | None
    ) -> DialogueReply:
        """Rules do not stand in for a model that failed: they would act on the shop, and say nothing of the prompt."""
        del turn, prepared, understanding, decided
        raise LLMError("the models failed", kind="trial", retryable=False)


def _canonical(arguments: object) -> str:
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)

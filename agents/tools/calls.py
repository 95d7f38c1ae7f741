"""Running the tools that a language model asks for.

Reads run at once and together, each in the tenant's scope and within its time limit. Changes are not made here: they
are proposed to the customer. Whatever goes wrong is told to the model; nothing is raised.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection, connections, transaction
from psycopg.errors import QueryCanceled

from agents.actions import propose
from agents.actions.outcomes import as_proposal
from agents.identity import proofs
from agents.models import ActionState, ToolCall, ToolKind
from agents.models.tools import NAME_LENGTH
from agents.session import open_context, refresh
from agents.tools.arguments import check_arguments, parse_arguments
from agents.tools.base import Card, Tool, ToolContext, ToolError, ToolResult
from agents.tools.rates import may_call
from agents.tools.registry import PROOF
from agents.tools.results import as_error, as_text, without_controls
from tenants.scope import in_tenant, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agents.context import Turn
    from agents.events import ActionProposed
    from agents.llm.base import ToolRequest
    from agents.models import Action
    from knowledge.retrieval.search import SearchResult

    ContextFactory = Callable[[], ToolContext]

log = logging.getLogger(__name__)

CALLS_AT_ONCE = 16
"""Further calls of a round are not made."""
MAX_RECORDED = 2000
"""Characters of arguments that were no JSON object, as they are kept."""
GRACE_MS = 200
"""How much longer than its limit a tool is waited for: the database and other servers end it at the limit itself."""
CALL_ID = 100
OUTSIDE_THREADS = 16
FAILED = "The tool failed. Nothing was found out by it."
WAITING = "waiting for the customer's confirmation"
APPROVAL = "waiting for a person's approval"

# Not the database threads: servers of other people may be slow.
_outside = ThreadPoolExecutor(max_workers=OUTSIDE_THREADS, thread_name_prefix="tool")


@dataclass(frozen=True, slots=True)
class Round:
    """Calls that a model asked for at once, in which reply; `position` is the first one's place in the reply."""

    tenant_id: int
    conversation: UUID
    reply: UUID
    number: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call.

    `text` is what the model is told and `error` a slug, empty when it went well; `found` are passages it may cite.
    """

    request: ToolRequest
    text: str
    error: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    ms: float = 0.0
    data: Any = None
    cards: tuple[Card, ...] = ()
    found: SearchResult | None = None
    handover: str = ""
    summary: str = ""
    proposed: ActionProposed | None = None
    call: ToolCall | None = None


async def call_tools(
    turn: Turn,
    tools: Iterable[Tool],
    requests: Sequence[ToolRequest],
    *,
    round_number: int = 0,
    typed: Callable[[UUID], tuple[str, ...]],
) -> list[Outcome]:
    """Run the calls of one round of a turn and record them; see `run_calls`.

    Args:
        turn: the customer's turn.
        tools: what the model may call.
        requests: what it wrote.
        round_number: how often it has asked in this reply before.
        typed: all that the customer wrote in a conversation, oldest first; called in the tenant's scope.
    """
    try:
        context = await in_tenant(turn.tenant_id, lambda: open_context(turn, typed(UUID(turn.conversation))))
    except DatabaseError:
        log.exception("A turn's tools could not be prepared")
        return [Outcome(request, as_error(FAILED), "tool_failure") for request in requests]
    asked = Round(
        turn.tenant_id, context.conversation, context.reply, round_number, position=round_number * CALLS_AT_ONCE
    )
    return await run_calls(asked, requests, tools, lambda: refresh(context))


async def run_calls(
    asked: Round,
    requests: Sequence[ToolRequest],
    tools: Iterable[Tool],
    context_factory: ContextFactory,
    *,
    record: bool = True,
) -> list[Outcome]:
    """Run the calls of one round and record them; outcomes stand in the order of the requests.

    What finds out who the customer is comes first, since others may need it; then all reads together; then the
    changes, one after the other, are proposed.

    Args:
        asked: which round of which reply.
        requests: what the model wrote.
        tools: what it may call.
        context_factory: makes the context, in the tenant's scope; called anew for each call.
        record: keep the calls; only trials, which propose nothing, do not.
    """
    known = {tool.name: tool for tool in tools}
    runs = [
        _Run(asked, request, known.get(request.name), place, tuple(known)) for place, request in enumerate(requests)
    ]
    first = [run for run in runs if run.tool and PROOF in run.tool.tags]
    changes = [run for run in runs if run.tool and run.tool.kind == ToolKind.CHANGE]
    reads = [run for run in runs if run not in first and run not in changes]
    outcomes: dict[int, Outcome] = {}
    for run in first:
        outcomes[run.place] = await run.call(context_factory)
    together = await asyncio.gather(*(run.call(context_factory) for run in reads))
    outcomes |= {run.place: outcome for run, outcome in zip(reads, together, strict=True)}
    for run in changes:
        outcomes[run.place] = await run.call(context_factory)
    in_order = [outcomes[run.place] for run in runs]
    return await _recorded(asked, in_order) if record else in_order


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """One call."""

    asked: Round
    request: ToolRequest
    tool: Tool | None
    place: int
    names: tuple[str, ...]

    async def call(self, context_factory: ContextFactory) -> Outcome:
        """Return what became of it; raises nothing but a cancellation."""
        started = time.perf_counter()
        outcome = await self._checked(context_factory)
        return replace(outcome, ms=round((time.perf_counter() - started) * 1000, 2))

    async def _checked(self, context_factory: ContextFactory) -> Outcome:
        arguments: dict[str, Any] = {"text": without_controls(self.request.arguments)[:MAX_RECORDED]}
        try:
            arguments = parse_arguments(self.request.arguments)
            if self.place >= CALLS_AT_ONCE:
                raise ToolError(f"At most {CALLS_AT_ONCE} calls at once: nothing was done.", code="too_many")  # noqa: TRY301 (one way to fail)
            if self.tool is None:
                names = ", ".join(self.names) or "none"
                raise ToolError(f"There is no such tool. The tools are: {names}.", code="unknown_tool")  # noqa: TRY301 (one way to fail)
            arguments = check_arguments(self.tool.parameters, arguments)
            outcome = await self._run(self.tool, arguments, context_factory)
        except ToolError as error:
            return Outcome(self.request, as_error(str(error)), error.code, arguments)
        return replace(outcome, arguments=arguments)

    async def _run(self, tool: Tool, arguments: dict[str, Any], context_factory: ContextFactory) -> Outcome:
        """Return the outcome within the tool's time limit; raises ToolError."""
        limit = tool.per_minute
        if limit is not None and not await in_thread(may_call, self.asked.tenant_id, tool.name, limit):
            raise ToolError("This tool is asked for too often at the moment. Try again later.", code="rate_limit")
        try:
            async with asyncio.timeout((tool.limit_ms + GRACE_MS) / 1000):
                if tool.kind == ToolKind.CHANGE:
                    return await self._propose(tool, arguments, context_factory)
                return self._read(await _result(self.asked.tenant_id, tool, arguments, context_factory))
        except ToolError as error:
            if error.code == "too_many" and PROOF in tool.tags:
                return self._locked(error)
            raise
        except TimeoutError:
            raise _too_slow(tool) from None
        except Exception as error:  # a tool that breaks is told to the model and must not end the turn
            if isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled):
                raise _too_slow(tool) from None
            log.exception("The tool %s failed", tool.name)
            raise ToolError(FAILED, code="tool_failure") from error

    def _read(self, result: Any) -> Outcome:
        made = result if isinstance(result, ToolResult) else ToolResult(result)
        return Outcome(
            self.request,
            as_text(made.data),
            data=made.data,
            cards=made.cards,
            found=made.found,
            handover=made.handover,
            summary=made.summary,
        )

    def _locked(self, error: ToolError) -> Outcome:
        """Nothing that the customer writes can prove who they are any more: a person must help."""
        return Outcome(
            self.request, as_error(str(error)), error.code, handover="policy_restriction", summary=proofs.LOCKED
        )

    async def _propose(self, tool: Tool, arguments: dict[str, Any], context_factory: ContextFactory) -> Outcome:
        """Propose a change. Its call is recorded at once, since the proposed action refers to it."""

        def propose_and_record() -> Outcome:
            _limit_statements(tool)
            call = ToolCall.objects.create(**_row(self.asked, self.place, self.request, arguments))
            try:
                with transaction.atomic():
                    outcome = self._proposed(propose(context_factory(), tool, arguments, call))
            except ToolError as error:
                outcome = Outcome(self.request, as_error(str(error)), error.code)
            return replace(outcome, call=call)

        return await in_tenant(self.asked.tenant_id, propose_and_record)

    def _proposed(self, action: Action) -> Outcome:
        status = APPROVAL if action.state == ActionState.APPROVAL else WAITING
        told = {"status": status, "action": str(action.pk), "summary": action.summary}
        return Outcome(self.request, as_text(told), data=told, proposed=as_proposal(action))


async def _result(tenant_id: int, tool: Tool, arguments: dict[str, Any], context_factory: ContextFactory) -> Any:
    """Return what a read tool gives back; raises ToolError, and whatever the tool raises."""
    if tool.scoped and not tool.external:
        return _raised(await in_tenant(tenant_id, _inside, tool, arguments, context_factory))
    context = await in_tenant(tenant_id, context_factory)
    if not tool.external:
        return await in_thread(tool.function, context, **arguments)
    return await asyncio.get_running_loop().run_in_executor(_outside, _ask_outside, tool, context, arguments)


def _ask_outside(tool: Tool, context: ToolContext, arguments: dict[str, Any]) -> Any:
    """Run a tool in a thread of its own kind, which keeps no connection to the database."""
    try:
        return tool.function(context, **arguments)
    finally:
        connections.close_all()


def _inside(tool: Tool, arguments: dict[str, Any], context_factory: ContextFactory) -> Any:
    """Run a tool in the scope that is open. An error that it tells of is returned: what it wrote before is to stay."""
    _limit_statements(tool)
    try:
        return tool.function(context_factory(), **arguments)
    except ToolError as error:
        return error


def _raised(result: Any) -> Any:
    if isinstance(result, ToolError):
        raise result
    return result


def _limit_statements(tool: Tool) -> None:
    """Let PostgreSQL end whatever outlasts the tool, so that its thread is free again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(tool.limit_ms)])


def _too_slow(tool: Tool) -> ToolError:
    return ToolError(f"The tool did not answer within {tool.limit_ms / 1000:g} seconds.", code="timeout")


async def _recorded(asked: Round, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Keep the calls, in one visit to the database; without it the model is told all the same."""

    def record() -> list[ToolCall]:
        rows = []
        for place, outcome in enumerate(outcomes):
            row = ToolCall(**_row(asked, place, outcome.request, outcome.arguments))
            row.result, row.error, row.ms = outcome.text, outcome.error, outcome.ms
            if outcome.call:
                row.pk, row.created_at = outcome.call.pk, outcome.call.created_at
            rows.append(row)
        ToolCall.objects.bulk_create([row for row in rows if row.pk is None])
        ToolCall.objects.bulk_update([row for row in rows if row.pk], ["result", "error", "ms"])
        return rows

    try:
        rows = await in_tenant(asked.tenant_id, record)
    except DatabaseError:
        log.exception("Calls of tools could not be recorded")
        return list(outcomes)
    return [replace(outcome, call=row) for outcome, row in zip(outcomes, rows, strict=True)]


def _row(asked: Round, place: int, request: ToolRequest, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "tenant_id": asked.tenant_id,  # rows that are created in bulk are not given the scope's
        "conversation": asked.conversation,
        "reply": asked.reply,
        "round": asked.number,
        "position": asked.position + place,
        "call_id": without_controls(request.id)[:CALL_ID],
        "name": without_controls(request.name)[:NAME_LENGTH],
        "arguments": arguments,
    }

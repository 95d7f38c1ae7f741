"""Requests to models on their way to the database: kept in memory for half a second, then written together.

A row of its own transaction for each request would cost more than the reply that it is about, and a customer would wait
for it; to ride with the reply's own transaction is not open to rewritings, judgements and trials. A process that dies
loses half a second of counting; the money is still set aside then, and free again once that has expired.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID
from weakref import WeakSet

from django.db import InterfaceError, OperationalError

from agents import budgets
from agents.models import ModelCall
from tenants.scope import in_thread, tenant_scope

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from agents.llm.metering import Account

FLUSH_SECONDS = 0.5
MOST_WAITING = 20_000
"""Entries that wait for a database that is away; the oldest are lost beyond that."""
AWAY = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a request came to; see `agents.models.ModelCall`."""

    feature: str
    provider: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    estimated: bool
    priced: bool
    cost: Decimal
    outcome: str
    status: int | None
    first_ms: float | None
    total_ms: float


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written: a request, money that is free again, or (with neither) the intent that is known by now."""

    account: Account
    measured: Measured | None = None
    hold: UUID | None = None


_waiting: deque[Entry] = deque(maxlen=MOST_WAITING)
_writing = threading.Lock()
_scheduled: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
_tasks: set[asyncio.Task[None]] = set()


def note(entry: Entry) -> None:
    """Have this written soon, or at the latest when the process ends. Never waits, never raises."""
    _waiting.append(entry)
    _schedule()


async def flush() -> None:
    """Write everything now."""
    await in_thread(write_waiting)


def write_waiting() -> None:
    """Write everything that waits, a transaction for each tenant; what cannot be written now waits on."""
    with _writing:
        entries = [_waiting.popleft() for _ in range(len(_waiting))]
        groups: dict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            groups[entry.account.tenant_id].append(entry)
        for tenant_id, group in groups.items():
            try:
                with tenant_scope(tenant_id):
                    _write(group)
            except AWAY as error:
                log.warning("%s requests to models could not be counted yet: %s", len(group), error)
                _waiting.extendleft(reversed(group))
            except Exception:  # a tenant that is gone must not keep the others' requests from being counted
                log.exception("%s requests to models of tenant %s were not counted", len(group), tenant_id)


def _write(group: Iterable[Entry]) -> None:
    """Write entries of the tenant in scope."""
    calls = [_row(entry.account, entry.measured) for entry in group if entry.measured]
    spent: dict[dt.date, Decimal] = defaultdict(Decimal)
    for call in ModelCall.objects.bulk_create(calls):
        spent[call.created_at.date()] += call.cost
    budgets.settle(holds=[entry.hold for entry in group if entry.hold], spent=spent)
    for entry in group:
        if not (entry.measured or entry.hold):
            calls_before = ModelCall.objects.filter(reply=UUID(entry.account.reply), intent="")
            calls_before.update(intent=entry.account.intent[:60])


def _row(account: Account, measured: Measured) -> ModelCall:
    return ModelCall(
        tenant_id=account.tenant_id,
        feature=measured.feature,
        conversation=_id(account.conversation),
        reply=_id(account.reply),
        customer=account.customer[:80],
        intent=account.intent[:60],
        provider=measured.provider[:40],
        model=measured.model[:200],
        prompt_tokens=measured.prompt_tokens,
        completion_tokens=measured.completion_tokens,
        estimated=measured.estimated,
        priced=measured.priced,
        cost=measured.cost,
        outcome=measured.outcome[:40],
        status=measured.status,
        first_ms=measured.first_ms,
        total_ms=measured.total_ms,
    )


def _id(text: str) -> UUID | None:
    """Conversations outside of the chat have names, not ids."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _schedule() -> None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # a stream that is cleared away after its loop: written when the process ends
    if loop not in _scheduled:
        _scheduled.add(loop)
        loop.call_later(FLUSH_SECONDS, _begin, loop)


def _begin(loop: asyncio.AbstractEventLoop) -> None:
    _scheduled.discard(loop)
    task = loop.create_task(_flush_later())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _flush_later() -> None:
    await flush()
    if _waiting:
        _schedule()


def _write_at_exit() -> None:
    if _waiting:
        write_waiting()


atexit.register(_write_at_exit)

"""What a tenant's models may cost: how far it is spent, and money set aside for a request before it is sent.

Days and months are those of UTC. A request may begin while anything is left that is neither spent nor set aside. It
sets aside what it may cost at most, in a transaction that holds the tenant's budgets locked, so of many at once on the
last cent one goes ahead and the others find nothing left: the budget is overrun by one request at most.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from agents.llm import prices
from agents.models import Budget, BudgetHold, Period
from tenants.scope import current_tenant_id, in_tenant
from tenants.services import record_audit

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

HOLD_SECONDS = 120
"""After which money set aside is free again, because the process must have died: twice the limit of any request."""
REMEMBERED = 5.0
"""Seconds for which a tenant's level is taken to be what it was."""
WHOLE = 100  # per cent

warned = Signal()
"""Sent inside the tenant's scope, in the transaction that counts the money, with `budget: Budget` and `spent: Decimal`,
once a period: owners want to know."""

_levels: dict[int, tuple[float, Level]] = {}


class Level(IntEnum):
    """How a tenant stands with its budgets, the strictest of them."""

    OK = 0
    WARN = 1
    ECONOMISE = 2
    """Only the primary model is asked."""
    STOP = 3
    """No model is asked; answers are quotes of the documents."""


@dataclass(frozen=True, slots=True)
class Spent:
    """US dollars spent this day and this month (UTC), and set aside for requests under way."""

    day: Decimal
    month: Decimal
    held: Decimal

    def of(self, budget: Budget) -> Decimal:
        """What counts against a budget, without what is set aside."""
        return self.day if budget.period == Period.DAY else self.month


def level_of(budget: Budget, spent: Decimal) -> Level:
    """How a budget stands once this much of it is spent."""
    if spent >= budget.amount:
        return Level.STOP
    share = spent * WHOLE
    if share >= budget.amount * budget.degrade_percent:
        return Level.ECONOMISE
    return Level.WARN if share >= budget.amount * budget.warn_percent else Level.OK


def budgets_of() -> tuple[Budget, ...]:
    """The budgets of the tenant in scope."""
    return tuple(Budget.objects.order_by("period"))


def spending() -> Spent:
    """What the tenant in scope has spent and set aside, at one moment: one statement sees no money twice or never."""
    now = timezone.now()
    today = now.astimezone(dt.UTC).date()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(amount) FILTER (WHERE day = %s), 0), coalesce(sum(amount), 0), "
            "(SELECT coalesce(sum(amount), 0) FROM agents_budgethold WHERE tenant_id = %s AND expires_at > %s) "
            "FROM agents_spending WHERE tenant_id = %s AND day >= %s",
            [today, current_tenant_id(), now, current_tenant_id(), today.replace(day=1)],
        )
        return Spent(*cursor.fetchone())


async def spending_level(tenant_id: int, budgets: Sequence[Budget]) -> Level:
    """How the tenant stands; `budgets` are those of `Prepared`.

    Costs no visit to the database where there are no budgets or one is zero, and one every `REMEMBERED` seconds
    otherwise: requests themselves are held to the budgets exactly (see `reserve`).
    """
    if not budgets:
        return Level.OK
    if any(not budget.amount for budget in budgets):
        return Level.STOP
    known = remembered_level(tenant_id)
    return known if known is not None else await in_tenant(tenant_id, current_level)


def remembered_level(tenant_id: int) -> Level | None:
    """The level that was read a moment ago, if any."""
    known = _levels.get(tenant_id)
    return known[1] if known and known[0] > time.monotonic() else None


def current_level() -> Level:
    """How the tenant in scope stands now."""
    return _remember(_strictest(budgets_of(), spending()))


def _strictest(budgets: Sequence[Budget], spent: Spent) -> Level:
    return max((level_of(budget, spent.of(budget)) for budget in budgets), default=Level.OK)


def _remember(level: Level) -> Level:
    _levels[current_tenant_id()] = (time.monotonic() + REMEMBERED, level)
    return level


def reserve(*, hold: uuid.UUID, amount: Decimal, cheap: bool) -> Level:
    """Set money aside for a request, under the id `hold`, unless the tenant's level forbids to send it.

    `amount` is what it may cost at most; `cheap` says that it is allowed while the tenant economises.

    Returns:
        The tenant's level. Nothing is set aside at STOP, nor at ECONOMISE for what is not cheap.
    """
    budgets = list(Budget.objects.select_for_update().order_by("pk"))
    spent = spending()
    level = _remember(_strictest(budgets, spent))
    if any(spent.of(budget) + spent.held >= budget.amount for budget in budgets):
        return Level.STOP
    if level < Level.ECONOMISE or cheap:
        expires = timezone.now() + dt.timedelta(seconds=HOLD_SECONDS)
        BudgetHold.objects.create(id=hold, amount=amount, expires_at=expires)
    return level


def settle(*, holds: Sequence[uuid.UUID], spent: Mapping[dt.date, Decimal]) -> None:
    """Count what requests have cost, by the day (UTC), and free what was set aside for them."""
    if holds:
        BudgetHold.objects.filter(Q(pk__in=holds) | Q(expires_at__lt=timezone.now())).delete()
    costs = sorted((day, amount) for day, amount in spent.items() if amount)
    with connection.cursor() as cursor:
        for day, amount in costs:
            cursor.execute(
                "INSERT INTO agents_spending AS s (tenant_id, day, amount) VALUES (%s, %s, %s) "
                "ON CONFLICT (tenant_id, day) DO UPDATE SET amount = least(s.amount + excluded.amount, %s)",
                [current_tenant_id(), day, amount, prices.LARGEST],
            )
    if costs:
        _warn()


def _warn() -> None:
    """Tell once a period that a budget has passed its first mark."""
    today = timezone.now().astimezone(dt.UTC).date()
    begins = {Period.DAY: today, Period.MONTH: today.replace(day=1)}
    midnight = {period: dt.datetime.combine(day, dt.time(), dt.UTC) for period, day in begins.items()}
    due = Q()
    for period, begun in midnight.items():
        due |= Q(period=period) & (Q(warned_at=None) | Q(warned_at__lt=begun))
    budgets = list(Budget.objects.filter(due))
    if not budgets:
        return
    total = spending()
    for budget in budgets:
        spent = total.of(budget)
        passed = level_of(budget, spent) > Level.OK
        again = Q(warned_at=None) | Q(warned_at__lt=midnight[Period(budget.period)])
        # Another process may be at it: whoever changes the row tells.
        if passed and Budget.objects.filter(again, pk=budget.pk).update(warned_at=timezone.now()):
            detail: dict[str, object] = {"spent": str(spent), "amount": str(budget.amount)}
            record_audit(actor="askwell", action="budget.warned", target=str(budget), detail=detail)
            warned.send(sender=Budget, budget=budget, spent=spent)


def change_budget(*, budget: Budget, actor: str, fields: Sequence[str]) -> Budget:
    """Keep a new or changed budget of the tenant in scope; it warns anew."""
    budget.warned_at = None
    budget.save()
    detail: dict[str, object] = {"fields": list(fields), "amount": str(budget.amount)}
    record_audit(actor=actor, action="budget.edited", target=str(budget), detail=detail)
    return budget

"""Budgets hold, however many ask at once."""

import datetime as dt
import threading
import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from agents import budgets
from agents.budgets import (
    Level,
    change_budget,
    current_level,
    level_of,
    reserve,
    settle,
    spending,
    spending_level,
    warned,
)
from agents.models import Budget, BudgetHold, Period, Spending
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

CENT = Decimal("0.01")


@pytest.fixture(autouse=True)
def nothing_remembered():
    budgets._levels.clear()


def today():
    return timezone.now().astimezone(dt.UTC).date()


def day_budget(amount, **columns):
    return Budget.objects.create(period=Period.DAY, amount=Decimal(amount), **columns)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("spent", "level"),
    [("0", Level.OK), ("79.99", Level.OK), ("80", Level.WARN), ("94.99", Level.WARN), ("95", Level.ECONOMISE),
     ("99.99", Level.ECONOMISE), ("100", Level.STOP), ("250", Level.STOP)],
)  # fmt: skip
def test_levels_are_shares_of_the_amount(spent, level):
    assert level_of(Budget(amount=Decimal(100)), Decimal(spent)) is level


@pytest.mark.unit
def test_nothing_may_be_spent_of_nothing():
    assert level_of(Budget(amount=Decimal(0)), Decimal(0)) is Level.STOP


def test_days_and_months_are_counted_apart(scope):
    first = today().replace(day=1)
    Spending.objects.create(day=first - dt.timedelta(days=1), amount=100)
    Spending.objects.create(day=first, amount=3)
    if first != today():
        Spending.objects.create(day=today(), amount=2)
    spent = spending()
    assert (spent.day, spent.month) == ((3, 3) if first == today() else (2, 5))


def test_the_strictest_budget_decides(scope):
    day_budget(100)
    Budget.objects.create(period=Period.MONTH, amount=10)
    Spending.objects.create(day=today(), amount=9)
    assert current_level() is Level.WARN
    Spending.objects.update(amount=10)
    assert current_level() is Level.STOP


def test_another_tenants_money_is_its_own(tenant, other_tenant):
    with tenant_scope(other_tenant.pk):
        Spending.objects.create(day=today(), amount=100)
        BudgetHold.objects.create(amount=100, expires_at=timezone.now() + dt.timedelta(hours=1))
    with tenant_scope(tenant.pk):
        day_budget(10)
        assert reserve(hold=uuid.uuid4(), amount=CENT, cheap=True) is Level.OK


def test_without_budgets_there_is_no_level(scope):
    Spending.objects.create(day=today(), amount=999_999)
    assert current_level() is Level.OK


def test_what_is_set_aside_cannot_be_spent_twice(scope):
    day_budget("0.01")
    assert reserve(hold=uuid.uuid4(), amount=CENT, cheap=True) is Level.OK
    assert reserve(hold=uuid.uuid4(), amount=CENT, cheap=True) is Level.STOP
    assert BudgetHold.objects.count() == 1


def test_what_a_dead_process_set_aside_is_free_again(scope):
    day_budget("0.01")
    hold = uuid.uuid4()
    reserve(hold=hold, amount=CENT, cheap=True)
    BudgetHold.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert reserve(hold=uuid.uuid4(), amount=CENT, cheap=True) is Level.OK
    settle(holds=[uuid.uuid4()], spent={})
    assert not BudgetHold.objects.filter(pk=hold).exists()


def test_dear_models_wait_while_economising(scope):
    day_budget(100)
    Spending.objects.create(day=today(), amount=96)
    assert reserve(hold=uuid.uuid4(), amount=CENT, cheap=False) is Level.ECONOMISE
    assert BudgetHold.objects.count() == 0
    assert reserve(hold=uuid.uuid4(), amount=CENT, cheap=True) is Level.ECONOMISE
    assert BudgetHold.objects.count() == 1


def test_costs_of_a_day_add_up(scope):
    for _ in range(3):
        settle(holds=[], spent={today(): Decimal("0.0000000001"), today() - dt.timedelta(days=1): Decimal(0)})
    assert [(s.day, s.amount) for s in Spending.objects.all()] == [(today(), Decimal("0.0000000003"))]


@pytest.fixture
def told():
    heard = []

    def hear(budget, spent, **_):
        heard.append((budget.period, spent))

    warned.connect(hear)
    yield heard
    warned.disconnect(hear)


def test_owners_are_told_once_a_period(scope, told):
    budget = day_budget(1)
    settle(holds=[], spent={today(): Decimal("0.79")})
    assert told == []
    for _ in range(3):
        settle(holds=[], spent={today(): CENT})
    assert told == [("day", Decimal("0.80"))]
    assert AuditEvent.objects.get(action="budget.warned").detail == {"spent": "0.8000000000", "amount": "1.0000"}
    Budget.objects.update(warned_at=timezone.now() - dt.timedelta(days=1))
    settle(holds=[], spent={today(): CENT})
    assert len(told) == 2
    change_budget(budget=budget, actor="alice", fields=["amount"])
    settle(holds=[], spent={today(): CENT})
    assert len(told) == 3
    assert AuditEvent.objects.filter(action="budget.edited", actor="alice").count() == 1


async def test_a_tenant_without_budgets_costs_no_visit(monkeypatch):
    async def never(*_):
        raise AssertionError("a visit")

    monkeypatch.setattr(budgets, "in_tenant", never)
    assert await spending_level(1, ()) is Level.OK
    assert await spending_level(1, (Budget(amount=0),)) is Level.STOP


async def test_the_level_is_remembered_for_a_while(monkeypatch):
    visits = []

    async def visit(tenant_id, _):
        visits.append(tenant_id)
        budgets._levels[tenant_id] = (budgets.time.monotonic() + 5, Level.WARN)
        return Level.WARN

    monkeypatch.setattr(budgets, "in_tenant", visit)
    for _ in range(3):
        assert await spending_level(7, (Budget(amount=1),)) is Level.WARN
    assert visits == [7]


@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_at_once_on_the_last_cent_one_goes_ahead(tenant):
    with tenant_scope(tenant.pk):
        day_budget(1, degrade_percent=100)
        Spending.objects.create(day=today(), amount=Decimal("0.99"))
    levels, together = [], threading.Barrier(20)

    def turn():
        together.wait(30)
        for _ in range(5):
            hold = uuid.uuid4()
            with tenant_scope(tenant.pk):
                level = reserve(hold=hold, amount=CENT, cheap=True)
            levels.append(level)
            if level < Level.STOP:
                with tenant_scope(tenant.pk):
                    settle(holds=[hold], spent={today(): CENT})
        connection.close()

    threads = [threading.Thread(target=turn) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(levels) == 100
    assert [level for level in levels if level < Level.STOP] == [Level.WARN]
    with tenant_scope(tenant.pk):
        assert spending().day == 1
        assert BudgetHold.objects.count() == 0


def test_a_day_never_outgrows_its_column(scope):
    for _ in range(2):
        settle(holds=[], spent={today(): Decimal(900_000)})
    assert Spending.objects.get().amount == 999_999

"""The cost page against the server's own log: mixed turns through the whole runner, faults included."""

import asyncio
import uuid
from contextlib import aclosing
from decimal import Decimal

import pytest

from agents import budgets, memory, preparation, usage
from agents.context import PastMessage, Turn
from agents.events import Delta, Finished, Step
from agents.llm import ledger, prices, registry
from agents.llm.scripted_server import Profile, Reply, Script
from agents.models import Budget, BudgetHold, LanguageModel, ModelCall, Spending
from agents.runner import run
from agents.services import Services
from agents.usage import Month
from tenants.scope import in_tenant

pytestmark = pytest.mark.django_db(transaction=True)

PRICES = {"small": (Decimal("0.40"), Decimal("1.60")), "stand-in": (Decimal("2.5"), Decimal(10))}
ANSWER = "The battery of the X1 lasts up to 12 hours [1], and it charges in two hours [1]."
TURNS = {
    "How long does the battery last?": 14,
    "How long does the battery last? [error]": 3,
    "How long does the battery last? [refuse]": 2,
    "How long does the battery last? [cut]": 4,
    "How long does the battery last? [unfinished]": 2,
    "And how long does it charge?": 3,
    "How long does the battery last? [stopped]": 3,
}


def choose(request):
    """Faults of the first model, by what the customer wrote; the second one always answers."""
    said = str(request["messages"][-1]["content"])
    fault = next((profile for profile in Profile if f"[{profile}]" in said), Profile.NORMAL)
    if "standalone" in str(request["messages"][0]["content"]) and "And how long" in said:
        return Reply(say="How long does the X1 charge?")
    return Reply(say=ANSWER, profile=fault if request["model"] == "small" else Profile.NORMAL)


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for remembered in (preparation._remembered, budgets._levels):
        remembered.clear()
    ledger._waiting.clear()
    monkeypatch.setattr(memory, "REWRITE_LIMIT", 60)  # a busy machine must not leave rewritings unsent
    yield
    ledger._waiting.clear()


@pytest.fixture
async def served(tenant, scripted_server, monkeypatch):
    monkeypatch.setattr(registry.settings, "ASKWELL_PRIVATE_MODELS", True)
    scripted_server.script = Script(token_ms=2)
    scripted_server.choose = choose

    def keep():
        for role, name in (("primary", "small"), ("fallback", "stand-in")):
            price = PRICES[name]
            LanguageModel.objects.create(
                role=role, base_url=scripted_server.base_url, model=name, input_price=price[0], output_price=price[1]
            )

    await in_tenant(tenant.pk, keep)
    return scripted_server


@pytest.fixture
def services(battery):
    async def search(tenant_id, query):
        return battery

    async def understand(turn):
        return None

    return Services(search=search, understand=understand)


def turn_of(tenant, question):
    past = (PastMessage("customer", "How long does the X1 last?"), PastMessage("assistant", "12 hours."))
    ids = str(uuid.uuid4()), str(uuid.uuid4())
    history = past if question.startswith("And") else ()
    return Turn(tenant.pk, "Acme", "en", ids[0], question, history, reply=ids[1], actor="visitor 1", eventful=False)


async def answer(turn, services, *, leave=False):
    """The answer of a turn; None where the customer leaves after the first words."""
    async with aclosing(run(turn, services)) as events:
        async for event in events:
            if leave and isinstance(event, Delta):
                return None
            if isinstance(event, Finished):
                return event.answer
    raise AssertionError("no answer")


def charged(logged):
    return sum(
        (reads * entry.prompt_tokens + writes * entry.completion_tokens) / 1_000_000
        for entry in logged
        for reads, writes in [PRICES[entry.model]]
    )


async def test_the_page_says_what_the_servers_log_says(tenant, served, services):
    asked = [question for question, times in TURNS.items() for _ in range(times)]
    turns = [turn_of(tenant, question) for question in asked]
    answers = await asyncio.gather(*(answer(turn, services, leave="[stopped]" in turn.question) for turn in turns))
    await ledger.flush()
    async with asyncio.timeout(10):
        while len(served.log) < len(served.requests) - refused(served):
            await asyncio.sleep(0.01)

    calls = await in_tenant(tenant.pk, lambda: list(ModelCall.objects.order_by("pk")))
    assert len(calls) == len(served.requests)

    # Where the server told its count, nothing differs at all.
    reported = [entry for entry in served.log if entry.reported]
    counted = [call for call in calls if not call.estimated and call.outcome == "ok"]
    assert len(reported) == len(counted)
    assert sum(call.cost for call in counted) == charged(reported)
    # Where it broke off, or the customer left, our estimate is to the cent what it would charge for.
    totals = await in_tenant(tenant.pk, usage.totals, Month.now())
    assert totals.cost.quantize(Decimal("0.01")) == charged(served.log).quantize(Decimal("0.01"))
    assert abs(totals.cost - charged(served.log)) < Decimal("0.0001")
    assert totals.estimated == sum(not entry.reported for entry in served.log) > 0
    outcomes = {call.outcome for call in calls}
    assert {"ok", "truncated", "stopped", "status"} <= outcomes
    assert {call.feature for call in calls} == {"answer", "rewrite"}

    # What was counted for each reply is what the reply says.
    spent = {str(turn.reply): turn for turn in turns}
    for turn, reply in zip(turns, answers, strict=True):
        mine = [call for call in calls if str(call.reply) == turn.reply]
        assert mine, spent[turn.reply].question
        if reply is not None:
            assert reply.cost == sum(call.cost for call in mine)
            assert reply.usage.prompt_tokens == sum(call.prompt_tokens for call in mine)
            assert reply.trace["cost"] == str(reply.cost)
    day = await in_tenant(tenant.pk, lambda: Spending.objects.get().amount)
    assert day == totals.cost


def refused(server):
    """Requests that the server charges nothing for."""
    return sum(
        request["model"] == "small"
        and any(f"[{f}]" in str(request["messages"][-1]["content"]) for f in ("error", "refuse"))
        for request in server.requests
    )


async def test_a_hundred_turns_at_once_on_the_last_cent(tenant, served, services):
    """All get an answer; models give one of them, and the others quote the documents."""
    dear = prices.cost_of(registry.Model("primary", "small", "", "", *PRICES["small"]), 300, 1024)

    def last_cent():
        Budget.objects.create(period="day", amount=1, degrade_percent=100)
        Spending.objects.create(day=usage.today(), amount=Decimal("0.999"))

    await in_tenant(tenant.pk, last_cent)
    question = next(iter(TURNS))
    answers = await asyncio.gather(*(answer(turn_of(tenant, question), services) for _ in range(100)))
    await ledger.flush()
    assert all("12 hours" in reply.text for reply in answers)
    by_models = [reply for reply in answers if reply.model in PRICES]
    assert len(by_models) == len(served.requests) >= 1
    spent = await in_tenant(tenant.pk, budgets.spending)
    assert spent.held == 0
    assert spent.day - 1 <= max(reply.cost for reply in by_models) <= dear
    assert spent.day == Decimal("0.999") + sum(reply.cost for reply in answers)


async def test_a_turn_without_money_is_answered_by_the_documents(tenant, served, services):
    await in_tenant(tenant.pk, Budget.objects.create, period="month", amount=0)
    events = [event async for event in run(turn_of(tenant, next(iter(TURNS))), services)]
    assert events[-1].answer.model == "extractive"
    assert events[-1].answer.degraded
    assert any(isinstance(event, Step) and event.kind == "degraded" for event in events)
    assert events[-1].answer.cost == 0
    assert served.requests == []
    assert await in_tenant(tenant.pk, BudgetHold.objects.count) == 0

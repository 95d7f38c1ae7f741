"""Every request makes one row, whatever becomes of it."""

import asyncio
import contextlib
import uuid
from contextlib import aclosing
from decimal import Decimal

import pytest
from django.db import OperationalError
from django.utils import timezone

from agents.llm import ledger
from agents.llm.base import Finished, LLMError, Message, Options, TextDelta, ToolCallDelta, Usage
from agents.llm.metering import Account, Metered
from agents.llm.registry import Model
from agents.llm.scripted import Pause, Scripted, says
from agents.models import Budget, BudgetHold, Feature, ModelCall, Spending
from tenants.scope import in_tenant, tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = [Message("system", "Be kind."), Message("user", "How long does it last?")]
PROMPT = (8 + 22) // 4
MODEL = Model("primary", "small", "http://127.0.0.1/v1", "key", Decimal(1), Decimal(2))
UNPRICED = Model("primary", "small", "http://127.0.0.1/v1", "key")
DOWN = LLMError("no", kind="connect", retryable=True)


@pytest.fixture
def account(tenant):
    return Account(tenant.pk, str(uuid.uuid4()), str(uuid.uuid4()), "visitor 1", intent="battery")


@pytest.fixture(autouse=True)
def nothing_waits():
    ledger._waiting.clear()
    yield
    ledger._waiting.clear()


async def listen(provider, *, options=Options(), leave_after=None):  # noqa: B008 (frozen)
    """What a provider says, or until it has said so many chunks."""
    heard = []
    async with aclosing(provider.stream(ASKED, (), options)) as chunks:
        async for chunk in chunks:
            heard.append(chunk)
            if len(heard) == leave_after:
                break
    return heard


async def rows(tenant):
    await ledger.flush()
    return await in_tenant(tenant.pk, lambda: list(ModelCall.objects.order_by("pk")))


async def test_a_complete_answer(tenant, account):
    metered = Metered(Scripted(says("Twelve hours.", usage=Usage(100, 10, estimated=False))), MODEL, account)
    assert await listen(metered) == [
        TextDelta("Twelve "), TextDelta("hours."), Usage(100, 10, estimated=False), Finished("stop"),
    ]  # fmt: skip
    [call] = await rows(tenant)
    assert (call.feature, call.provider, call.model, call.outcome) == ("answer", "scripted", "scripted", "ok")
    assert (call.prompt_tokens, call.completion_tokens, call.estimated, call.priced) == (100, 10, False, True)
    assert call.cost == account.cost == Decimal("0.00012")
    assert (str(call.conversation), str(call.reply)) == (account.conversation, account.reply)
    assert (call.customer, call.intent, call.status) == ("visitor 1", "battery", None)
    assert 0 <= call.first_ms <= call.total_ms


@pytest.mark.parametrize(
    ("script", "outcome", "tokens", "estimated"),
    [
        (["Twelve hours."], "truncated", (PROMPT, 3), True),
        ([], "empty", (PROMPT, 0), True),
        (["Twelve hours.", LLMError("silence", kind="idle", retryable=True)], "idle", (PROMPT, 3), True),
        ([LLMError("silence", kind="first_content", retryable=True)], "first_content", (PROMPT, 0), True),
        ([DOWN], "connect", (0, 0), False),
        ([LLMError("no", kind="status", retryable=True, status=429)], "status", (0, 0), False),
        ([LLMError("a page", kind="protocol", retryable=False)], "protocol", (0, 0), False),
        (["Twelve hours.", LLMError("broken", kind="protocol", retryable=True)], "protocol", (PROMPT, 3), True),
        (says("Twelve hours."), "ok", (PROMPT, 3), True),
        ([ToolCallDelta(0, "a", "find", '{"q": 1}'), Finished("tool_calls")], "ok", (PROMPT, 3), True),
    ],
)
async def test_whatever_becomes_of_it(tenant, account, script, outcome, tokens, estimated):
    with contextlib.suppress(LLMError):
        await listen(Metered(Scripted(script), MODEL, account))
    [call] = await rows(tenant)
    assert call.outcome == outcome
    assert (call.prompt_tokens, call.completion_tokens) == tokens
    assert call.estimated is estimated
    assert call.cost == (tokens[0] * 1 + tokens[1] * 2) / Decimal(1_000_000)
    assert call.status == (429 if outcome == "status" else None)


@pytest.mark.parametrize(
    "claimed", [Usage(0, 3, estimated=False), Usage(10**9, 3, estimated=False), Usage(9, 10**9, estimated=False),
                Usage(-5, 3, estimated=False), Usage(9, -3, estimated=False), Usage()],
)  # fmt: skip
async def test_a_count_that_cannot_be_is_estimated(tenant, account, claimed):
    await listen(Metered(Scripted(says("Twelve hours.", usage=claimed)), MODEL, account))
    [call] = await rows(tenant)
    assert (call.prompt_tokens, call.completion_tokens, call.estimated) == (PROMPT, 3, True)


async def test_left_in_the_middle(tenant, account):
    await listen(Metered(Scripted(says("Up to twelve hours.")), MODEL, account), leave_after=2)
    [call] = await rows(tenant)
    assert (call.outcome, call.completion_tokens, call.estimated) == ("stopped", 1, True)


async def test_left_behind_the_end_is_complete(tenant, account):
    await listen(Metered(Scripted([*says("Yes."), "more"]), MODEL, account), leave_after=2)
    [call] = await rows(tenant)
    assert call.outcome == "ok"


async def test_cancelled_while_nothing_has_come(tenant, account):
    task = asyncio.ensure_future(listen(Metered(Scripted([Pause(60)]), MODEL, account)))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [call] = await rows(tenant)
    assert (call.outcome, call.first_ms, call.prompt_tokens) == ("stopped", None, PROMPT)


async def test_each_request_of_a_turn_counts(tenant, account):
    with pytest.raises(LLMError):
        await listen(Metered(Scripted(["Tw", LLMError("cut", kind="connection", retryable=True)]), MODEL, account))
    await listen(
        Metered(Scripted(says("Yes.", usage=Usage(9, 1, estimated=False))), MODEL, account),
        options=Options(feature=Feature.REWRITE),
    )
    first, second = await rows(tenant)
    assert (first.feature, second.feature) == ("answer", "rewrite")
    assert account.cost == first.cost + second.cost
    assert account.usage == Usage(PROMPT + 9, 1, estimated=True)
    assert account.calls == 2


async def test_a_price_that_nobody_set_counts_as_nothing_and_is_noted(tenant, account):
    await listen(Metered(Scripted(says("Yes.")), UNPRICED, account))
    [call] = await rows(tenant)
    assert (call.cost, call.priced) == (0, False)


async def test_the_intent_may_be_known_later(tenant, account):
    account.intent = ""
    await listen(Metered(Scripted(says("Yes.")), MODEL, account))
    assert (await rows(tenant))[0].intent == ""
    account.understood("battery")
    assert (await rows(tenant))[0].intent == "battery"


async def test_it_is_written_soon_by_itself(tenant, account, monkeypatch):
    monkeypatch.setattr(ledger, "FLUSH_SECONDS", 0.01)
    await listen(Metered(Scripted(says("Yes.")), MODEL, account))
    async with asyncio.timeout(5):
        while not await in_tenant(tenant.pk, ModelCall.objects.count):
            await asyncio.sleep(0.01)


def test_what_waits_is_written_when_the_process_ends(tenant, account):
    asyncio.run(listen(Metered(Scripted(says("Yes.")), MODEL, account)))
    ledger._write_at_exit()
    with tenant_scope(tenant.pk):
        assert ModelCall.objects.count() == 1


async def test_what_cannot_be_written_waits(tenant, account, monkeypatch):
    def away(_):
        raise OperationalError("away")

    await listen(Metered(Scripted(says("Yes.")), MODEL, account))
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "_write", away)
        await ledger.flush()
    assert [call.outcome for call in await rows(tenant)] == ["ok"]


async def test_a_tenant_that_is_gone_keeps_nobody_from_being_counted(tenant, account):
    await listen(Metered(Scripted(says("Yes.")), MODEL, Account(tenant.pk + 1000)))
    await listen(Metered(Scripted(says("Yes.")), MODEL, account))
    assert len(await rows(tenant)) == 1


# ----- budgets -----


async def budget(tenant, amount, **columns):
    return await in_tenant(tenant.pk, Budget.objects.create, period="day", amount=Decimal(amount), **columns)


async def test_money_is_set_aside_and_freed(tenant, account):
    account.budgets = (await budget(tenant, "5"),)
    provider = Scripted([*says("Yes.", usage=Usage(9, 1, estimated=False))])
    metered = Metered(provider, MODEL, account)
    async with aclosing(metered.stream(ASKED, (), Options(max_tokens=1000))) as chunks:
        await anext(chunks)
        held = await in_tenant(tenant.pk, lambda: list(BudgetHold.objects.all()))
        assert [hold.amount for hold in held] == [Decimal(PROMPT + 2000) / 1_000_000]
    await ledger.flush()
    assert await in_tenant(tenant.pk, BudgetHold.objects.count) == 0
    spent = await in_tenant(tenant.pk, lambda: Spending.objects.get().amount)
    assert spent == account.cost


async def test_without_money_nothing_is_sent(tenant, account):
    account.budgets = (await budget(tenant, "0.0001"),)
    provider = Scripted(says("Yes.", usage=Usage(100, 10, estimated=False)))
    metered = Metered(provider, MODEL, account)
    await listen(metered)
    await ledger.flush()
    with pytest.raises(LLMError) as refused:
        await listen(metered)
    assert (refused.value.kind, refused.value.retryable) == ("budget", False)
    assert len(provider.calls) == 1
    assert len(await rows(tenant)) == 1


async def test_a_budget_of_zero_stops_whatever_the_price(tenant, account):
    account.budgets = (await budget(tenant, "0"),)
    provider = Scripted(says("Yes."))
    for model in (MODEL, UNPRICED):
        with pytest.raises(LLMError, match="stop"):
            await listen(Metered(provider, model, account))
    assert provider.calls == []


@pytest.mark.parametrize("limited", [True, False])
async def test_without_budgets_or_prices_the_database_is_not_asked(tenant, account, limited, monkeypatch):
    async def never(*_, **__):
        raise AssertionError("a visit")

    account.budgets = (await budget(tenant, "5"),) if limited else ()
    monkeypatch.setattr("agents.llm.metering.in_tenant", never)
    assert await listen(Metered(Scripted(says("Yes.")), UNPRICED if limited else MODEL, account))


async def test_a_reservation_that_is_given_up_is_freed(tenant, account):
    account.budgets = (await budget(tenant, "5"),)
    task = asyncio.ensure_future(listen(Metered(Scripted(says("Yes.")), MODEL, account)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        while True:
            await ledger.flush()
            if not await in_tenant(tenant.pk, BudgetHold.objects.count):
                break
            await asyncio.sleep(0.02)
    assert await rows(tenant) == []


async def test_while_economising_only_the_primary_model_is_asked(tenant, account):
    account.budgets = (await budget(tenant, "1", degrade_percent=1),)
    await in_tenant(tenant.pk, Spending.objects.create, day=timezone.now().date(), amount=Decimal("0.5"))
    primary, strong = Scripted(says("Yes."), name="primary"), Scripted(says("Yes."), name="strong")
    await listen(Metered(primary, MODEL, account))
    with pytest.raises(LLMError, match="economise"):
        await listen(Metered(strong, MODEL, account))
    account.feature = Feature.TRIAL
    await listen(Metered(strong, MODEL, account))
    assert (len(primary.calls), len(strong.calls)) == (1, 1)

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from agents import budgets
from agents.context import PastMessage
from agents.guardrails.redaction import Own, Redacting
from agents.llm import plan
from agents.llm.metering import Account, Metered
from agents.llm.plan import Choice, may_ask_intents, plan_turn, reading_model
from agents.llm.registry import Model, TenantModels
from agents.llm.router import Rule
from agents.models import AnswerPolicy, Budget, ToolCall
from agents.preparation import Prepared

LONG = Rule("long", min_characters=50)
OWN = Own(1)
QUESTION = "Why does the blue lamp of my X1 blink twice and then three times?"


def model(name):
    return Model(name, f"{name}-model", "http://127.0.0.1:1", "key")


PRIMARY, STRONG, FALLBACK, SECOND = (model(name) for name in ("primary", "strong", "fallback", "fallback 2"))
BOTH = TenantModels(PRIMARY, STRONG, (FALLBACK, SECOND))


def prepared(models=BOTH, *, routing="on", rules=(LONG,), **more):
    return Prepared(models=models, answers=AnswerPolicy(routing=routing), routing_rules=rules, **more)


@pytest.fixture
def planned(make_turn):
    """Plan a turn: the models' names in order, and the choice; `planned.looked` counts the looks at its intents."""

    async def plan_it(known, question=QUESTION, *past, intents=(), **more):
        async def find():
            plan_it.looked += 1
            return intents

        turn = replace(make_turn(question, *past), **more)
        found = await plan_turn(turn, known, Account.of(turn), Own.of(turn), find)
        return [provider.name for provider in found.providers], found.routing

    plan_it.looked = 0
    return plan_it


async def test_without_models_there_is_no_plan(planned, make_turn):
    assert await planned(prepared(TenantModels())) == ([], None)
    assert reading_model(prepared(TenantModels()), Account.of(make_turn(QUESTION)), OWN) is None


async def test_one_model_and_its_fallbacks_leave_nothing_to_choose(planned, monkeypatch):
    monkeypatch.setattr(plan, "detect_language", None)  # nobody looks at the question
    rules = (Rule("r", intents=("refund",), languages=("de",)),)
    known = prepared(TenantModels(PRIMARY, None, (FALLBACK,)), rules=rules)
    assert await planned(known) == (["primary", "fallback"], None)
    assert planned.looked == 0
    assert not may_ask_intents(known)


async def test_a_strong_model_alone_answers_all(planned):
    assert await planned(prepared(TenantModels(None, STRONG, (FALLBACK,)))) == (["strong", "fallback"], None)


async def test_a_rule_that_fits_sends_the_turn_to_the_strong_model(planned):
    order, choice = await planned(prepared())
    assert order == ["strong", "primary", "fallback", "fallback 2"]
    assert choice == Choice("strong", "strong", "long", "on")
    assert choice.as_record() == {
        "chosen": "strong",
        "would": "strong",
        "rule": "long",
        "mode": "on",
        "economy": False,
    }


async def test_others_stay_and_the_strong_model_stands_in_last(planned):
    order, choice = await planned(prepared(), "Hello there?")
    assert order == ["primary", "fallback", "fallback 2", "strong"]
    assert choice == Choice("primary", "primary", "", "on")


async def test_a_rule_can_keep_turns_with_the_primary_model(planned):
    order, choice = await planned(prepared(rules=(replace(LONG, strong=False), Rule("all"))))
    assert order[0] == "primary"
    assert choice == Choice("primary", "primary", "long", "on")


async def test_shadow_only_notes_what_would_have_been_chosen(planned):
    order, choice = await planned(prepared(routing="shadow"))
    assert order == ["primary", "fallback", "fallback 2"]
    assert choice == Choice("primary", "strong", "long", "shadow")


async def test_switched_off_the_strong_model_is_never_asked(planned):
    assert await planned(prepared(routing="off")) == (["primary", "fallback", "fallback 2"], None)


async def test_what_came_before_counts(planned):
    lots = tuple(f"message {n}" for n in range(6))
    rules = (Rule("talk", min_messages=6), Rule("tools", min_tools=2), Rule("again", failed_before=True))
    known = prepared(rules=rules)
    assert (await planned(known, "And now?", *lots[:5]))[1].rule == ""
    assert (await planned(known, "And now?", *lots))[1].rule == "talk"
    called = replace(known, calls={"a": [ToolCall()], "b": [ToolCall()]})
    assert (await planned(called, "And now?"))[1].rule == "tools"
    assert (await planned(known, "And now?", failed_before=True))[1].rule == "again"


async def test_the_language_is_that_of_the_question(planned):
    known = prepared(rules=(Rule("german", languages=("de",)),))
    assert (await planned(known, "Warum blinkt die Lampe von meinem Gerät und was ist das?"))[1].rule == "german"
    assert (await planned(known, QUESTION))[1].rule == ""


async def test_intents_are_looked_for_where_they_decide(planned):
    known = prepared(rules=(Rule("trouble", intents=("complaint",), min_characters=20),))
    assert may_ask_intents(known)
    assert (await planned(known, "Hello there?"))[1].rule == ""
    assert planned.looked == 0
    assert (await planned(known, intents=("complaint",)))[1].rule == "trouble"
    assert planned.looked == 1


async def test_every_model_is_counted_on_the_one_account(make_turn):
    turn = make_turn(QUESTION, "Before?")
    assert turn.history == (PastMessage("customer", "Before?"),)
    account = Account.of(turn)
    found = await plan_turn(turn, prepared(), account, OWN, lambda: asyncio.sleep(0, ()))
    assert all(isinstance(provider, Metered) and provider.account is account for provider in found.providers)
    reader = reading_model(prepared(), account, OWN)
    assert (reader.name, reader.model, reader.account) == ("primary", "primary-model", account)


@pytest.mark.parametrize("level", [budgets.Level.ECONOMISE, budgets.Level.STOP])
async def test_a_budget_that_is_nearly_spent_keeps_turns_from_the_strong_model(planned, monkeypatch, level):
    monkeypatch.setattr(budgets, "remembered_level", lambda _: level)
    known = prepared(budgets=(Budget(period="day", amount=Decimal(1)),))
    order, choice = await planned(known)
    assert order == ["primary", "fallback", "fallback 2"]
    assert choice == Choice("primary", "strong", "long", "on", economy=True)


async def test_a_warning_changes_nothing(planned, monkeypatch):
    monkeypatch.setattr(budgets, "remembered_level", lambda _: budgets.Level.WARN)
    known = prepared(budgets=(Budget(period="day", amount=Decimal(1)),))
    assert (await planned(known))[0][0] == "strong"


async def test_providers_are_sent_placeholders_where_the_tenant_wants_that(make_turn):
    turn = make_turn(QUESTION)
    known = replace(prepared(), answers=AnswerPolicy(redact=True))
    account = Account.of(turn)
    found = await plan_turn(turn, known, account, OWN, lambda: asyncio.sleep(0, ()))
    assert [type(provider) for provider in found.providers] == [Redacting] * 4
    assert [provider.name for provider in found.providers] == ["strong", "primary", "fallback", "fallback 2"]
    assert isinstance(reading_model(known, account, OWN), Redacting)

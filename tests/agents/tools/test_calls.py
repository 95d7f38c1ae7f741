"""Calls of a model: run together within their limits, told as text whatever happens, and recorded."""

import asyncio
import json
import threading
import time
import uuid
from dataclasses import replace

import pytest
from django.db import connection

from agents.context import Turn
from agents.identity.proofs import LOCKED
from agents.llm.base import ToolRequest
from agents.models import Action, HttpTool, ToolCall, ToolKind, ToolSetting
from agents.tools import calls, registry
from agents.tools.base import Card, Tool, ToolError, ToolResult
from agents.tools.calls import CALLS_AT_ONCE, WAITING, Round, call_tools, run_calls
from agents.tools.rates import may_call
from agents.tools.registry import PROOF, built_in, tools_of
from agents.tools.results import MAX_RESULT
from commerce.exchange import export_shop, import_shop
from commerce.models import Customer
from tenants.scope import in_tenant, tenant_scope
from tests.commerce.little_shop import little_shop

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": [], "additionalProperties": False}


def made(name, function, **options):
    return Tool(name, "Does it.", ToolKind.READ, TEXT, function, **options)


@pytest.fixture
def run(tenant, make_context):
    """Runs calls of (name, arguments) with these tools."""
    context = make_context()
    asked = Round(tenant.pk, context.conversation, context.reply, number=2, position=32)

    async def go(*wanted, tools, factory=lambda: context):
        requests = [ToolRequest(f"id-{n}", name, arguments) for n, (name, arguments) in enumerate(wanted)]
        return await run_calls(asked, requests, tools, factory)

    go.asked = asked
    return go


async def recorded(tenant):
    return await in_tenant(tenant.pk, lambda: list(ToolCall.objects.order_by("position")))


async def test_a_call_is_told_as_json_and_recorded(run, tenant):
    card = Card("products", {"products": []})
    tool = made("look", lambda context, text="": ToolResult({"said": text, "to": context.tenant_name}, (card,)))
    [outcome] = await run(("look", '{"text": "hé"}'), tools=[tool])
    assert outcome.text == '{"said": "hé", "to": "Acme"}'
    assert (outcome.error, outcome.cards, outcome.data["said"]) == ("", (card,), "hé")
    [row] = await recorded(tenant)
    assert (row.pk, row.name, row.arguments, row.result) == (outcome.call.pk, "look", {"text": "hé"}, outcome.text)
    assert (row.round, row.position, row.call_id, row.conversation) == (2, 32, "id-0", run.asked.conversation)
    assert row.ms == outcome.ms > 0


async def test_plain_texts_are_told_as_they_are(run):
    [outcome] = await run(("look", ""), tools=[made("look", lambda _: "ann_1")])
    assert outcome.text == "ann_1"


async def test_several_reads_run_together_and_answer_in_their_order(run):
    together = threading.Barrier(3, timeout=5)  # none gets past it before all three are there

    def wait(_context, text=""):
        together.wait()
        time.sleep(0.05 if text == "first" else 0)
        return text

    wanted = [("wait", json.dumps({"text": text})) for text in ("first", "second", "third")]
    outcomes = await run(*wanted, tools=[made("wait", wait)])
    assert [outcome.text for outcome in outcomes] == ["first", "second", "third"]


async def test_whoever_proves_who_the_customer_is_goes_first(run):
    order = []

    def noted(name):
        return lambda _context: order.append(name)

    tools = [made("read", noted("read")), made("prove", noted("prove"), tags=frozenset({PROOF}))]
    outcomes = await run(("read", ""), ("prove", ""), tools=tools)
    assert order == ["prove", "read"]
    assert [outcome.request.name for outcome in outcomes] == ["read", "prove"]


async def test_an_unknown_tool_is_told_with_those_there_are(run, tenant):
    [outcome] = await run(("drop_tables\x00" + "x" * 300, "{}"), tools=[made("look", str), made("see", str)])
    assert "look, see" in json.loads(outcome.text)["error"]
    assert outcome.error == "unknown_tool"
    [row] = await recorded(tenant)
    assert (row.error, len(row.name)) == ("unknown_tool", 60)


@pytest.mark.parametrize(
    "arguments", ["{", "[1]", '{"text": {"a": 1}}', '{"other": 1}', '{"text": "\\u0000', "x" * 99_999]
)
async def test_invalid_arguments_run_nothing(run, tenant, arguments):
    ran = []
    [outcome] = await run(("look", arguments), tools=[made("look", ran.append)])
    assert outcome.error == "invalid"
    assert "Nothing was done" in json.loads(outcome.text)["error"]
    assert ran == []
    assert [row.error for row in await recorded(tenant)] == ["invalid"]


async def test_a_query_that_never_ends_is_ended(run):
    def forever(_context):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    started = time.perf_counter()
    [slow, quick] = await run(
        ("forever", ""), ("look", ""), tools=[made("forever", forever, limit_ms=300), made("look", lambda _: "here")]
    )
    assert time.perf_counter() - started < 3
    assert (slow.error, quick.text) == ("timeout", "here")
    assert "within 0.3 seconds" in slow.text


@pytest.mark.parametrize("options", [{}, {"scoped": False}, {"external": True}])
async def test_a_tool_that_never_ends_is_left(run, options):
    stop = threading.Event()
    try:
        [outcome] = await run(("wait", ""), tools=[made("wait", lambda _: stop.wait(20), limit_ms=200, **options)])
    finally:
        stop.set()
    assert outcome.error == "timeout"
    assert 150 < outcome.ms < 3000
    await asyncio.sleep(0.1)  # the thread ends before the test's database does


async def test_the_time_limit_of_one_call_is_not_left_to_the_next(run, tenant):
    def limit(_context):
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return cursor.fetchone()[0]

    [outcome] = await run(("limit", ""), tools=[made("limit", limit, limit_ms=700)])
    assert outcome.text == "700ms"
    assert await in_tenant(tenant.pk, limit, None) != "700ms"


async def test_a_result_of_five_megabytes_is_cut_and_says_so(run, tenant):
    tools = [made("text", lambda _: "x" * 5_000_000), made("json", lambda _: {"rows": ["y" * 50] * 100_000})]
    for outcome in await run(("text", ""), ("json", ""), tools=tools):
        assert len(outcome.text) == MAX_RESULT
        assert "Cut here" in outcome.text[-80:]
        assert "beginning of 5" in outcome.text[-80:]
    assert all(len(row.result) == MAX_RESULT for row in await recorded(tenant))


async def test_html_is_told_as_text(run):
    page = (
        "<!doctype html><html><head><style>p{}</style><script>steal()</script></head>"
        "<body><h1>Stock</h1><p>3 &lt; 4<br>left <img src=x onerror=alert(1)></body>"
    )
    [outcome] = await run(("page", ""), tools=[made("page", lambda _: page)])
    assert outcome.text.split() == ["Stock", "3", "<", "4", "left"]


async def test_texts_that_the_database_could_not_keep_are_kept(run, tenant):
    [outcome] = await run(("odd", '{"text": "a\\u0000"}'), tools=[made("odd", lambda _, text: text + "\0\ud800")])
    assert outcome.text == "a?"
    assert [row.result for row in await recorded(tenant)] == ["a?"]


async def test_errors_of_a_tool_are_told_and_what_it_wrote_stays(run, tenant):
    def counted(_context):
        ToolSetting.objects.create(name="attempts")
        raise ToolError("Wrong again.", code="not_found")

    [outcome] = await run(("counted", ""), tools=[made("counted", counted)])
    assert (json.loads(outcome.text), outcome.error) == ({"error": "Wrong again."}, "not_found")
    assert await in_tenant(tenant.pk, ToolSetting.objects.count) == 1


async def test_a_broken_tool_is_a_failure_without_its_details(run, tenant, caplog):
    def broken(_context):
        ToolSetting.objects.create(name="half")
        raise ValueError("the password is 1234")

    [outcome] = await run(("broken", ""), tools=[made("broken", broken)])
    assert outcome.error == "tool_failure"
    assert "1234" not in outcome.text
    assert "1234" in caplog.text
    assert await in_tenant(tenant.pk, ToolSetting.objects.count) == 0


async def test_a_person_helps_a_customer_whose_attempts_to_prove_who_they_are_are_used_up(run, tenant):
    def refuse(code):
        def fail(_context, text=""):
            raise ToolError("No more.", code=code)

        return fail

    proofs = [
        replace(made(name, refuse(code)), tags=frozenset({PROOF}))
        for name, code in (("locked", "too_many"), ("wrong", "not_found"))
    ]
    tools = [*proofs, made("other", refuse("too_many"))]
    locked, *others = await run(("locked", '{"text": "x"}'), ("wrong", "{}"), ("other", "{}"), tools=tools)
    assert (locked.error, locked.handover, locked.summary) == ("too_many", "policy_restriction", LOCKED)
    assert (locked.text, locked.arguments) == ('{"error": "No more."}', {"text": "x"})
    assert [outcome.handover for outcome in others] == ["", ""]
    assert [row.error for row in await recorded(tenant)] == ["too_many", "not_found", "too_many"]


async def test_too_many_calls_at_once_are_not_made(run):
    outcomes = await run(*[("look", "")] * (CALLS_AT_ONCE + 3), tools=[made("look", lambda _: "x")])
    assert [outcome.error for outcome in outcomes] == [""] * CALLS_AT_ONCE + ["too_many"] * 3
    proof = replace(made("look", lambda _: "x"), tags=frozenset({PROOF}))
    proofs = await run(*[("look", "")] * (CALLS_AT_ONCE + 3), tools=[proof])
    assert {outcome.handover for outcome in proofs} == {""}  # who asks for too much at once has not failed to prove


async def test_calls_a_minute_are_limited_for_each_tenant(run, tenant, other_tenant):
    tool = made(f"often_{uuid.uuid4().hex}", lambda _: "x", per_minute=2)
    outcomes = await run(*[(tool.name, "")] * 12, tools=[tool])
    assert sorted(outcome.error for outcome in outcomes) == ["", ""] + ["rate_limit"] * 10
    assert may_call(other_tenant.pk, tool.name, 2)


async def test_no_transaction_is_open_while_another_server_is_waited_for(run):
    def outside(context):
        return {"inside": connection.in_atomic_block, "customer": context.customer}

    [outcome] = await run(("out", ""), tools=[made("out", outside, external=True)])
    assert json.loads(outcome.text) == {"inside": False, "customer": None}


async def test_a_database_that_is_away_while_calls_are_recorded_loses_no_answer(run, monkeypatch, caplog):
    from django.db import OperationalError

    real = calls.in_tenant

    async def away(tenant_id, function, *args, **kwargs):
        if function.__name__ == "record":
            raise OperationalError("away")
        return await real(tenant_id, function, *args, **kwargs)

    monkeypatch.setattr(calls, "in_tenant", away)
    [outcome] = await run(("look", ""), tools=[made("look", lambda _: "here")])
    assert (outcome.text, outcome.call) == ("here", None)


@pytest.fixture
def shop(tenant):
    with tenant_scope(tenant.pk):
        import_shop(little_shop(), actor="test")
    return tenant


@pytest.fixture
def ask(shop):
    """Asks for tools in a conversation in which the customer typed these messages."""
    conversation = uuid.uuid4()

    async def go(*wanted, typed=(), number=0):
        turn = Turn(shop.pk, "Acme", "en", str(conversation), "?", reply=str(uuid.uuid4()))
        tools = await in_tenant(shop.pk, tools_of, shop.pk)
        requests = [ToolRequest(f"id-{n}", name, json.dumps(arguments)) for n, (name, arguments) in enumerate(wanted)]
        return await call_tools(turn, tools, requests, round_number=number, typed=lambda _: tuple(typed))

    return go


EMAIL = ("find_user_id_by_email", {"email": "ann.archer@example.com"})


async def test_a_proof_counts_for_the_calls_beside_it(ask):
    order = ("get_order_details", {"order_id": "#W1"})
    before = await ask(order)
    assert before[0].error == "not_verified"
    [found, proved] = await ask(order, EMAIL, typed=["I am ann.archer@example.com"])
    assert proved.text == "ann_1"
    assert json.loads(found.text)["user_id"] == "ann_1"
    [later] = await ask(order)
    assert later.error == ""


async def test_a_change_waits_and_changes_nothing(ask, shop):
    cancel = ("cancel_pending_order", {"order_id": "#W1", "reason": "No longer needed"})
    [_, outcome] = await ask(EMAIL, cancel, typed=["ann.archer@example.com"], number=1)
    told = json.loads(outcome.text)
    assert told["status"] == WAITING
    assert outcome.proposed.action == told["action"]
    assert "#W1" in told["summary"]

    def stored():
        return Action.objects.get(), export_shop()["orders"]["#W1"]["status"], ToolCall.objects.get(position=17)

    action, status, call = await in_tenant(shop.pk, stored)
    assert (str(action.pk), action.call_id, status) == (told["action"], outcome.call.pk, "pending")
    assert (call.pk, call.result, call.arguments["reason"]) == (outcome.call.pk, outcome.text, "no longer needed")
    [again] = await ask(cancel)
    assert json.loads(again.text)["action"] == told["action"]


async def test_a_change_that_is_not_possible_is_told_at_once(ask, shop):
    wanted = {"order_id": "#W2", "reason": "no longer needed"}
    [_, outcome] = await ask(EMAIL, ("cancel_pending_order", wanted), typed=["ann.archer@example.com"])
    assert outcome.error == "wrong_status"
    assert outcome.proposed is None
    assert await in_tenant(shop.pk, Action.objects.count) == 0
    errors = await in_tenant(shop.pk, lambda: list(ToolCall.objects.values_list("error", flat=True)))
    assert sorted(errors) == ["", "wrong_status"]


def test_tools_of_a_tenant_with_documents_alone(tenant):
    with tenant_scope(tenant.pk):
        assert [tool.name for tool in tools_of(tenant.pk)] == ["search_knowledge", "transfer_to_human_agents"]
        Customer.objects.create(code="c")
        assert len(tools_of(tenant.pk)) == len(built_in())


def test_tools_are_switched_off_and_adjusted_in_one_tenant(tenant, other_tenant):
    for owner in (tenant, other_tenant):
        with tenant_scope(owner.pk):
            Customer.objects.create(code="c")
    with tenant_scope(tenant.pk):
        ToolSetting.objects.create(name="calculate", enabled=False)
        ToolSetting.objects.create(name="find_products", limit_ms=1234, per_minute=9)
        HttpTool.objects.create(name="weather", description="Weather.", url="https://w.example/", arguments=[])
        HttpTool.objects.create(name="off", description="Off.", url="https://w.example/", enabled=False)
        HttpTool.objects.create(name="calculate", description="Not mine.", url="https://w.example/")
        ToolSetting.objects.create(name="weather", per_minute=3)
        mine = {tool.name: tool for tool in tools_of(tenant.pk)}
        assert registry.find_tool(tenant.pk, "calculate") is None
        assert registry.find_tool(tenant.pk, "weather").external
    assert "calculate" not in mine
    assert "off" not in mine
    assert (mine["find_products"].limit_ms, mine["find_products"].per_minute) == (1234, 9)
    assert mine["weather"].per_minute == 3
    with tenant_scope(other_tenant.pk):
        theirs = {tool.name: tool for tool in tools_of(other_tenant.pk)}
    assert theirs == built_in()
    assert replace(mine["find_products"], limit_ms=5000, per_minute=None) == theirs["find_products"]

"""Replies that show no progress: the customer hears of it and a person is called, while the reply goes on."""

import asyncio
import time
from contextlib import aclosing

import pytest

from agents.events import Answer, CardShown, Delta, Finished, Handover, Reset, Step
from agents.llm.base import Message as Said
from agents.llm.base import Options, TextDelta
from agents.llm.openai_compatible import OpenAICompatible, close_clients
from agents.llm.scripted_server import ScriptedServer
from agents.models import AnswerPolicy
from chat import handover, upkeep, watchdog
from chat.models import Conversation, Handler, HandoverReason, Message, ServerProcess, State
from chat.models import Handover as Called
from tenants.models import Role, Tenant
from tenants.scope import in_tenant, in_thread
from tests.conftest import person

pytestmark = pytest.mark.django_db(transaction=True)
NO_PID = 2**22 + 1
PATIENCE = 0.4  # seconds of the tenants here: the column holds whole ones


@pytest.fixture
def rows(tenant):
    return lambda function: in_tenant(tenant.pk, function)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(upkeep, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watchdog, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(watchdog, "PATIENCE", PATIENCE)
    monkeypatch.setattr(watchdog, "_progress_seconds", lambda: PATIENCE)


async def called(rows):
    """The hand-over that is open, once there is one."""
    async with asyncio.timeout(5):
        while not (found := await rows(lambda: Called.objects.filter(reason="no_progress").first())):
            await asyncio.sleep(0.02)
    return found


async def test_a_model_that_hangs_is_told_of_and_a_person_is_called(processes, impatient, tenant, new_customer, rows):
    async def ask_model(turn):
        yield Step("search", "Searching")
        model = OpenAICompatible(name="primary", model="m:hang", base_url=server.base_url, api_key="k")
        async with aclosing(model.stream([Said("user", turn.question)], (), Options())) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextDelta):
                    yield Delta(chunk.text)

    async with ScriptedServer() as server:
        process = await processes(ask_model)
        customer = await new_customer(process.hub)
        began = time.monotonic()
        await customer.ask()
        turn = await customer.until("handover.requested")
        took = time.monotonic() - began
        slow = [f for f in turn if f["type"] == "run.step"][-1]
        assert (slow["kind"], "a colleague has been told" in slow["label"]) == ("slow", True)
        assert turn[-1]["reason"] == "no_progress"
        assert PATIENCE <= took < PATIENCE + 2
        handover_row = await called(rows)
        assert handover_row.summary.startswith("Wants: How long?")
        assert await rows(lambda: Conversation.objects.get().handled_by) == Handler.QUEUE
        assert await rows(lambda: Message.objects.get(role="assistant").state) == State.RUNNING
        await process.close()
        await close_clients()


async def test_a_reply_that_comes_after_all_says_so_to_whoever_was_called(customer, impatient, script, rows, verify):
    gate = script.gate(2)
    await customer.ask()
    await customer.until("handover.requested")
    await asyncio.sleep(PATIENCE * 2)  # it is told once a reply
    gate.set()
    turn = await customer.until("message.done")
    assert turn[-1]["text"] == script.text
    kinds = [f["type"] for f in customer.frames]
    assert (kinds.count("run.step"), kinds.count("handover.requested")) == (1, 1)
    verify(customer.frames)
    summary = (await called(rows)).summary
    assert summary.endswith(f"\nAnswered meanwhile: {script.text}")
    assert await rows(lambda: Conversation.objects.get().handled_by) == Handler.QUEUE


async def test_a_handover_that_the_reply_asks_for_then_is_the_same_one(customer, impatient, script, rows):
    script.events = [Handover("missing_knowledge"), Delta("Not known."), Finished(Answer("Not known."))]
    gate = script.gate(0)
    await customer.ask()
    await customer.until("handover.requested")
    gate.set()
    await customer.until("message.done")
    assert [f["reason"] for f in customer.frames if f["type"] == "handover.requested"] == ["no_progress"]
    assert await rows(Called.objects.count) == 1


@pytest.mark.parametrize(
    "make",
    [lambda n: Step("tools", f"Looking {n}"), lambda _: Delta("More. "), lambda n: CardShown("choices", {"n": n})],
)
async def test_whatever_the_customer_sees_is_progress(customer, monkeypatch, impatient, make):
    async def slowly(turn):
        for n in range(4):
            await asyncio.sleep(0.5)
            yield make(n)
        yield Finished(Answer("More. " * 4 if isinstance(make(0), Delta) else "Done."))

    monkeypatch.setattr(watchdog, "PATIENCE", 1.5)
    monkeypatch.setattr(watchdog, "_progress_seconds", lambda: 1.5)

    customer.hub._run = slowly
    turn = await customer.say()
    assert turn[-1]["type"] == "message.done"
    assert "slow" not in [f.get("kind") for f in turn]


async def test_beginning_again_is_no_progress(customer, impatient, rows):
    async def in_vain(turn):
        yield Delta("It ")
        while not done.is_set():
            await asyncio.sleep(PATIENCE / 3)
            yield Reset("fallback")
        yield Finished(Answer("At last."))

    done, customer.hub._run = asyncio.Event(), in_vain
    await customer.ask()
    await customer.until("handover.requested")
    done.set()
    assert (await customer.until("message.done"))[-1]["text"] == "At last."


async def test_a_person_who_comes_stops_the_reply(customer, impatient, script, rows, tenant):
    script.gate(2)
    await customer.ask()
    await customer.until("handover.requested")
    maya = await in_thread(person, tenant, "maya", Role.AGENT)
    which = (await called(rows)).conversation_id
    await rows(lambda: handover.take_over(conversation_id=which, by=maya))
    turn = await customer.until("message.done")
    assert turn[-1]["finish"] == "stopped"
    assert "Answered" not in (await called(rows)).summary


async def test_a_conversation_that_waits_for_a_person_already_stays_as_it_is(customer, impatient, script, rows):
    script.events = [Handover("customer_request"), Finished(Answer("Soon."))]
    await customer.say("A person, please")
    script.events = None
    gate = script.gate(1)
    await customer.ask("And meanwhile?")
    while (await customer.next()).get("kind") != "slow":
        pass
    gate.set()
    await customer.until("message.done")
    found = await rows(Called.objects.get)
    assert (found.reason, "Answered" in found.summary) == (HandoverReason.CUSTOMER, False)


async def test_a_person_is_called_though_the_reply_came_first(customer, script, rows):
    turn = await customer.say()
    await rows(lambda: handover.call_for_reply(reply=turn[-1]["message"]))
    assert (await called(rows)).summary.endswith(f"Answered meanwhile: {script.text}")
    assert (await customer.until("handover.requested"))[-1]["reason"] == "no_progress"


async def test_how_patient_a_tenant_is_stands_in_its_policy(hub, tenant, rows, monkeypatch):
    monkeypatch.setattr(watchdog, "REMEMBERED", 0.05)
    dog = watchdog.Watchdog(hub)

    assert dog._patience(tenant.pk) == 15
    await rows(lambda: AnswerPolicy.objects.create(progress_seconds=7))
    async with asyncio.timeout(10):
        while dog._patience(tenant.pk) != 7:
            await asyncio.sleep(0.02)


async def test_the_customer_is_told_in_the_language_of_the_tenant(hub, tenant, impatient, script, new_customer):
    await in_thread(lambda: Tenant.objects.filter(pk=tenant.pk).update(language="de"))
    someone = await new_customer()
    script.gate(1)
    await someone.ask()
    while (told := await someone.next()).get("kind") != "slow":
        pass
    assert "ein Kollege weiß Bescheid" in told["label"]


async def test_a_customer_hears_soon_of_a_process_that_dies_while_nothing_comes(
    processes, impatient, script, new_customer, hub, verify
):
    doomed = await processes()
    customer = await new_customer(doomed.hub)
    script.gate(2)
    await customer.ask()
    await customer.until("handover.requested")
    window = await new_customer(hub, visitor=customer.visitor)
    await window.resume(customer.last, conversation=customer.conversation)
    for loop in doomed._loops:
        loop.cancel()
    doomed.hub.write = None
    await doomed.hub.close()
    await in_thread(lambda: ServerProcess.objects.filter(pk=doomed.hub.server).update(pid=NO_PID))
    died = time.monotonic()
    async with asyncio.timeout(10):
        while (frame := await window.line.receive()) and '"message.failed"' not in frame["text"]:
            pass
    assert time.monotonic() - died < 10

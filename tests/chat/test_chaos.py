"""Many customers whose lines are cut at random: two processes, a database that stumbles, a process that dies."""

import asyncio
import random

import pytest
from django.db import OperationalError

from agents.events import Answer, Delta, Finished, Reset, Step
from chat import hub as hub_module
from chat.models import Conversation, Message, ServerProcess, State
from tenants.scope import in_tenant, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMERS = 24
NO_PID = 2**22 + 1


def talkative(seed):
    """An agent that says something of random length and pace, and sometimes starts again."""
    dice = random.Random(seed)

    async def run(turn):
        yield Step("search", "Searching")
        text = ""
        for n in range(dice.randrange(5, 40)):
            if dice.random() < 0.03:
                yield Reset("fallback")
                text = ""
            piece = f"{turn.question} {n} é\n"
            text += piece
            yield Delta(piece)
            await asyncio.sleep(dice.random() * 0.02)
        yield Finished(Answer(text, summary=turn.summary + "."))

    return run


async def converse(customer, hubs, dice, questions=3):
    """Asks, loses the line again and again, and resumes, until every question has an end."""
    await customer.connect(dice.choice(hubs))
    for number in range(questions):
        text, client_id = f"question {number}", f"id {number}"
        resumed = True
        async with asyncio.timeout(30):
            while not ended(customer, client_id):
                try:
                    if not resumed:
                        await customer.connect(dice.choice(hubs))
                        if customer.conversation:
                            await customer.resume(customer.last)
                        resumed = True
                    if not any(
                        f.get("client_id") == client_id and f["type"] == "message.accepted" for f in customer.frames
                    ):
                        await customer.ask(text, client_id=client_id)
                    async with asyncio.timeout(dice.random() * 0.4):
                        await customer.until("message.done", "message.failed", "error")
                except TimeoutError:
                    if dice.random() < 0.7:
                        await customer.cut()
                        drain(customer)
                        resumed = False
                if customer.frames[-1]["type"] == "error":
                    await asyncio.sleep(0.05)
    await customer.cut()


def drain(customer):
    """What was on the line when it was cut is lost with it."""
    customer.line.outbound = asyncio.Queue()


def ended(customer, client_id):
    mine = {
        f["message"] for f in customer.frames if f.get("client_id") == client_id and f["type"] == "message.accepted"
    }
    runs = {f["message"] for f in customer.frames if f["type"] == "run.started" and f["reply_to"] in mine}
    return any(f["type"] in ("message.done", "message.failed") and f["message"] in runs for f in customer.frames)


def stumble(monkeypatch, dice):
    """Fails one in ten of the hub's calls: before they do anything, or after their commit."""
    for name in ("in_tenant", "in_thread"):

        def faulty(call):
            async def called(*args, **kwargs):
                fate = dice.random()
                if fate < 0.05:
                    raise OperationalError("away")
                result = await call(*args, **kwargs)
                if fate > 0.95:
                    raise OperationalError("cut after the commit")
                return result

            return called

        monkeypatch.setattr(hub_module, name, faulty(getattr(hub_module, name)))


@pytest.mark.parametrize("faults", [False, True])
async def test_every_customer_gets_every_answer_whole(
    new_customer, processes, hub, tenant, verify, monkeypatch, faults
):
    dice = random.Random(7)
    hubs = [(await processes(talkative(n))).hub for n in range(2)]
    crowd = [await new_customer(hubs[0]) for _ in range(CUSTOMERS)]
    if faults:
        stumble(monkeypatch, random.Random(8))
    await asyncio.gather(*(converse(customer, hubs, random.Random(dice.random())) for customer in crowd))
    monkeypatch.undo()
    for customer in crowd:
        verify(customer.frames)
        done = {f["message"]: f["text"] for f in customer.frames if f["type"] == "message.done"}
        assert len(done) == 3
        rows = await in_tenant(
            tenant.pk, lambda done=done: dict(Message.objects.filter(pk__in=done).values_list("pk", "text"))
        )
        assert {str(pk): text for pk, text in rows.items()} == done
    left = lambda: Conversation.objects.exclude(server=None).count()  # noqa: E731 (asked again and again)
    async with asyncio.timeout(10):
        while await in_tenant(tenant.pk, left):
            await asyncio.sleep(0.1)


async def test_nothing_accepted_is_lost_when_a_process_dies(new_customer, processes, hub, tenant, verify):
    doomed, survivor = [await processes(talkative(n)) for n in range(2)]
    processes.alive.remove(doomed)
    crowd = [await new_customer(doomed.hub) for _ in range(CUSTOMERS)]
    for n, customer in enumerate(crowd):
        for question in range(1 + n % 3):
            await customer.ask(f"question {question}")
            await customer.until("message.accepted")
    await asyncio.sleep(0.15)
    for loop in doomed._loops:
        loop.cancel()
    doomed.hub.write = None
    await doomed.hub.close()
    await in_thread(lambda: ServerProcess.objects.filter(pk=doomed.hub.server).update(pid=NO_PID))
    await survivor._live()
    for customer in crowd:
        while customer.line.outbound.qsize() and random.Random(customer.visitor).random() < 0.8:
            await customer.next()
        await customer.connect(survivor.hub)
        await customer.resume(customer.last)
        asked = {f["message"] for f in customer.frames if f["type"] == "message.accepted"}
        async with asyncio.timeout(20):
            while len([f for f in customer.frames if f["type"] in ("message.done", "message.failed")]) < len(asked):
                await customer.next()
        verify(customer.frames)
    states = await in_tenant(
        tenant.pk, lambda: set(Message.objects.filter(role="assistant").values_list("state", flat=True))
    )
    assert states <= {State.DONE, State.INTERRUPTED}

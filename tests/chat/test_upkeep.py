"""Two processes on one database: one follows the other, stops its replies, and takes over when it dies."""

import asyncio
import uuid

import pytest
from channels.layers import InMemoryChannelLayer

from chat import upkeep as upkeep_module
from chat.framelog import SHOWN_AHEAD
from chat.hints import Hints
from chat.hub import Hub
from chat.models import Conversation, Message, ServerProcess, State
from chat.upkeep import Upkeep, get_hub
from tenants.scope import in_tenant, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
NO_PID = 2**22 + 1  # larger than any process id of Linux


@pytest.fixture
def rows(tenant):
    return lambda function: in_tenant(tenant.pk, function)


@pytest.fixture
async def second(processes, hub):
    return await processes()


async def crash(upkeep):
    """Ends a process as kill -9 would: nothing more is written, and its id is gone."""
    for loop in upkeep._loops:
        loop.cancel()
    upkeep.hub.write = None
    await upkeep.hub.close()
    await in_thread(lambda: ServerProcess.objects.filter(pk=upkeep.hub.server).update(pid=NO_PID))


async def running(customer, script, piece=3):
    """Asks, and waits until the reply is held before a piece of it."""
    gate = script.gate(piece)
    await customer.ask("First", client_id="one")
    await script.reached.wait()
    await customer.until("message.delta")
    return gate


# Following


async def test_a_conversation_is_followed_in_another_process(customer, second, script, new_customer, verify):
    gate = await running(customer, script)
    other = await new_customer(second.hub, visitor=customer.visitor)
    await other.resume(0, customer.conversation)
    gate.set()
    await customer.until("message.done")
    await other.until("message.done")
    assert other.numbered == customer.numbered
    verify(other.frames)
    await asyncio.sleep(0.3)
    stream = next(iter(second.hub.streams.values()))
    assert not stream.active


async def test_a_conversation_goes_on_in_another_process(customer, second, new_customer, verify):
    await customer.say("First")
    other = await new_customer(second.hub, visitor=customer.visitor)
    await other.resume(customer.last, customer.conversation)
    await other.say("Second", conversation=customer.conversation)
    await processes_look(customer)
    await customer.until("message.done")
    await customer.say("Third")
    verify(customer.frames)
    await other.resume(0, customer.conversation)
    await second.follow(list(second.hub.streams.values()))
    await other.until("message.done")
    verify(other.frames)
    assert other.numbered == customer.numbered[-len(other.numbered) :]


async def processes_look(customer):
    await Upkeep(customer.hub).follow(list(customer.hub.streams.values()))


async def test_a_message_sent_elsewhere_waits_for_the_reply_that_runs(
    customer, second, script, new_customer, verify, rows
):
    gate = await running(customer, script)
    other = await new_customer(second.hub, visitor=customer.visitor)
    await other.ask("Second", client_id="two", conversation=customer.conversation)
    await other.until("run.started", "error")
    await customer.until("message.accepted")
    gate.set()
    for someone in (customer, other):
        await someone.until("message.done")
        await someone.until("message.done")
        verify(someone.frames)
    assert [turn.question for turn in script.turns] == ["First", "Second"]
    assert (await rows(Conversation.objects.get)).server is None


async def test_a_reply_is_stopped_from_another_process(customer, second, script, new_customer):
    await running(customer, script)
    other = await new_customer(second.hub, visitor=customer.visitor)
    reply = next(f["message"] for f in customer.frames if f["type"] == "run.started")
    await other.send(type="run.stop", message=reply)
    assert (await customer.until("message.done"))[-1]["finish"] == "stopped"


async def test_hints_make_another_process_prompt(processes, tenant, script, monkeypatch, hub, new_customer):
    monkeypatch.setattr(upkeep_module, "FOLLOW_SECONDS", 100)
    monkeypatch.setattr(upkeep_module, "FLUSHES_PER_LOOK", 1000)
    layer = InMemoryChannelLayer()
    first, second = [await processes(hints=Hints(layer)) for _ in range(2)]
    first.hub.others = second.hub.others = 1
    here = await new_customer(first.hub)
    gate = await running(here, script, piece=1)
    there = await new_customer(second.hub, visitor=here.visitor)
    await there.ask("Second", conversation=here.conversation)
    await here.until("message.accepted")
    await there.until("message.accepted")
    gate.set()
    await there.until("message.delta")


# Dying


async def test_a_reply_whose_process_died_is_interrupted_and_keeps_its_text(
    customer, second, script, processes, rows, verify, new_customer
):
    await running(customer, script)
    await asyncio.sleep(0.3)  # the log has what was shown
    while customer.line.outbound.qsize():
        await customer.next()
    await crash(processes.alive.pop(0))
    await second._live()
    await customer.connect(second.hub)
    await customer.resume(customer.last)
    failed = (await customer.until("message.failed"))[-1]
    assert (failed["text"], failed["retryable"]) == ("Up to 12 ", True)
    verify(customer.frames)
    reply = await rows(lambda: Message.objects.get(role="assistant"))
    assert (reply.state, reply.text) == (State.INTERRUPTED, "Up to 12 ")
    script.gates.clear()
    await customer.send(type="message.retry", message=failed["message"])
    assert (await customer.until("message.done"))[-1]["text"] == script.text
    verify(customer.frames)
    assert (await rows(Conversation.objects.get)).server is None


async def test_clients_ahead_of_the_log_and_behind_it_both_go_on(
    customer, second, script, processes, monkeypatch, new_customer, verify
):
    """The log ends at number 2; one client has seen 5 frames, one 3, one has seen none."""
    monkeypatch.setattr(Hub, "write", lambda *_: asyncio.sleep(0))  # every flush is late
    await running(customer, script)
    await asyncio.sleep(0.05)
    while customer.line.outbound.qsize():
        await customer.next()
    ahead = customer.last
    assert ahead > 3
    monkeypatch.undo()
    await crash(processes.alive.pop(0))
    script.gates.clear()
    early = await new_customer(second.hub, visitor=customer.visitor)
    await early.resume(ahead, customer.conversation)
    assert await early.silent()
    await second._live()
    await early.until("message.failed")
    assert early.numbered[0]["seq"] == ahead + 1
    for after in (0, 2, 3, ahead):
        again = await new_customer(second.hub, visitor=customer.visitor)
        again.frames.extend(f for f in customer.numbered if f["seq"] <= after)
        await again.resume(after, customer.conversation)
        await again.until("message.failed")
        await again.say("Again", conversation=customer.conversation)
        verify(again.frames)


async def test_what_was_queued_in_a_dead_process_is_answered(customer, second, script, processes, verify, rows):
    await running(customer, script)
    await customer.ask("Second")
    await customer.until("message.accepted")
    await customer.ask("Third")
    await customer.until("message.accepted")
    await crash(processes.alive.pop(0))
    script.gates.clear()
    await customer.connect(second.hub)
    await customer.resume(customer.last)
    await second._live()
    for _ in range(2):
        await customer.until("message.done")
    verify(customer.frames)
    assert [turn.question for turn in script.turns] == ["First", "Second", "Third"]
    states = await rows(lambda: list(Message.objects.filter(role="assistant").values_list("state", flat=True)))
    assert states == [State.INTERRUPTED, State.DONE, State.DONE]


async def test_a_process_that_starts_sees_to_what_others_left(customer, script, processes, verify):
    await running(customer, script)
    await crash(processes.alive.pop(0))
    third = await processes()
    await customer.connect(third.hub)
    await customer.resume(customer.last)
    await customer.until("message.failed")
    verify(customer.frames)


async def test_a_process_that_says_good_bye_is_taken_over_at_once(customer, second, script, processes, rows):
    await running(customer, script)
    await processes.alive.pop(0).close()
    await second.take_over()
    assert (await rows(lambda: Message.objects.get(role="assistant"))).state == State.INTERRUPTED


async def test_a_silent_process_is_dead_only_after_a_while_of_regular_beats(second, monkeypatch, processes):
    stranger = uuid.uuid4()
    from django.utils import timezone

    long_ago = timezone.now() - timezone.timedelta(seconds=60)
    await in_thread(
        lambda: ServerProcess.objects.create(
            id=stranger, host="elsewhere", pid=1, started_at=long_ago, beat_at=long_ago
        )
    )
    alive = lambda: ServerProcess.objects.filter(pk=stranger).exists()  # noqa: E731 (asked again and again)
    await second._live()
    assert await in_thread(alive)
    second._regular_since -= upkeep_module.DEAD_AFTER + 1
    await second._live()
    assert not await in_thread(alive)


async def test_a_process_declared_dead_by_mistake_gives_up_and_follows(
    customer, second, script, processes, rows, verify
):
    gate = await running(customer, script)
    first = processes.alive[0]
    await in_thread(lambda: ServerProcess.objects.filter(pk=first.hub.server).delete())
    await second.take_over()
    gate.set()
    failed = (await customer.until("message.failed"))[-1]
    verify(customer.frames)
    assert failed["retryable"]
    reply = await rows(lambda: Message.objects.get(role="assistant"))
    assert reply.state == State.INTERRUPTED
    script.gates.clear()
    await first._live()
    assert (await customer.say("Again"))[-1]["text"] == script.text
    verify(customer.frames)


async def test_a_late_flush_of_a_living_process_is_no_crash(
    customer, second, script, monkeypatch, verify, new_customer
):
    monkeypatch.setattr(Hub, "write", lambda *_: asyncio.sleep(0))
    gate = await running(customer, script)
    while customer.line.outbound.qsize():
        await customer.next()
    other = await new_customer(second.hub, visitor=customer.visitor)
    other.frames.extend(customer.numbered)
    await other.resume(customer.last, customer.conversation)
    await second._live()
    assert await other.silent()
    monkeypatch.undo()
    gate.set()
    await customer.until("message.done")
    await other.until("message.done")
    assert other.numbered == customer.numbered
    assert len(other.numbered) < SHOWN_AHEAD


async def test_a_process_is_forgotten_when_it_ends(processes, hub):
    one = await processes()
    assert await in_thread(ServerProcess.objects.count) == 2
    await processes.alive.pop().close()
    assert await in_thread(lambda: ServerProcess.objects.filter(pk=one.hub.server).count()) == 0


async def test_the_hub_of_a_process_is_started_once(tenant):
    first, second = await asyncio.gather(get_hub(), get_hub())
    assert first is second
    await (await upkeep_module._upkeeps[asyncio.get_running_loop()]).close()

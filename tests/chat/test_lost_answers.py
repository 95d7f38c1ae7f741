"""Commits whose answer is lost, and work that meets other work half-way: each must end as if nothing had happened."""

import asyncio
import threading

import pytest
from django.db import OperationalError

from chat import hub as hub_module
from chat import journal
from chat import upkeep as upkeep_module
from chat.hub import Hub
from chat.models import Conversation, Message, ServerProcess, State
from tenants.scope import in_tenant, in_thread, tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)
NO_PID = 2**22 + 1  # larger than any process id of Linux


@pytest.fixture
def rows(tenant):
    return lambda function: in_tenant(tenant.pk, function)


@pytest.fixture
async def second(processes, hub):
    return await processes()


class Crossings:
    """The hub's calls of the database: `lose` the next answer of one, or `hold` each back until the event is set."""

    def __init__(self, monkeypatch):
        self.lost, self.held, self.waiting = set(), {}, asyncio.Event()
        monkeypatch.setattr(hub_module, "in_tenant", self.watched(hub_module.in_tenant, 1))
        monkeypatch.setattr(hub_module, "in_thread", self.watched(hub_module.in_thread, 0))

    def lose(self, function):
        self.lost.add(function)

    def hold(self, function):
        self.waiting.clear()
        self.held[function] = asyncio.Event()
        return self.held[function]

    def watched(self, call, position):
        async def called(*args, **kwargs):
            function = "post" if position == 0 else args[1]
            result = await call(*args, **kwargs)
            if function in self.held:
                self.waiting.set()
                await self.held[function].wait()
            if function in self.lost:
                self.lost.remove(function)
                raise OperationalError("the connection was cut after the commit")
            return result

        return called


@pytest.fixture
def crossings(monkeypatch):
    return Crossings(monkeypatch)


async def begun(customer, script, piece=3):
    """Asks, and waits until the reply is held before a piece of it."""
    gate = script.gate(piece)
    await customer.ask("First", client_id="one")
    await script.reached.wait()
    await customer.until("message.delta")
    return gate


async def done(customer, times=1):
    for _ in range(times):
        await customer.until("message.done")


async def all_done(rows, replies):
    """Waits until the database holds so many replies, all at their end, and no process has the conversation."""
    async with asyncio.timeout(5):
        while await rows(lambda: Message.objects.filter(role="assistant", state=State.DONE).count()) != replies:
            await asyncio.sleep(0.01)
    assert not await rows(lambda: Conversation.objects.exclude(server=None).exists())


async def test_a_conversation_stays_known_while_its_reply_is_begun_again(
    customer, new_customer, crossings, script, rows, verify
):
    passer_by, window = await new_customer(), await new_customer(visitor=customer.visitor)
    gate = script.gate(3)
    crossings.lose("post")
    await customer.ask("First", client_id="one")
    assert (await customer.next())["code"] == "unavailable"
    begins = crossings.hold(journal.advance)
    await customer.ask("First", client_id="one")
    await crossings.waiting.wait()
    await passer_by.cut()  # whoever leaves drops what is idle
    await window.ask("First", client_id="one")
    await window.silent()
    begins.set()
    await customer.until("message.delta")
    gate.set()
    for someone in (customer, window):
        await done(someone)
        verify(someone.frames)
    assert len(script.turns) == 1
    await all_done(rows, 1)


async def test_a_socket_that_closes_while_its_message_is_taken_is_let_go(customer, crossings, rows):
    taken = crossings.hold("post")
    await customer.ask("First")
    await crossings.waiting.wait()
    await customer.cut()
    taken.set()
    await all_done(rows, 1)
    await asyncio.sleep(0.05)
    assert customer.hub.streams == {}


async def test_a_reply_that_ends_while_a_doubt_is_settled_ends_in_its_row(customer, crossings, script, rows, verify):
    crossings.lose(journal.write_frames)
    settles = crossings.hold(journal.position)
    gate = await begun(customer, script)
    await crossings.waiting.wait()
    gate.set()
    await asyncio.sleep(0.1)
    settles.set()
    await done(customer)
    await all_done(rows, 1)
    await customer.say("Second")
    assert [turn.question for turn in script.turns] == ["First", "Second"]
    verify(customer.frames)


async def test_a_message_that_a_look_found_is_answered_though_the_look_was_lost(
    customer, crossings, script, rows, verify
):
    gate = await begun(customer, script)
    crossings.lose(journal.look)
    await customer.ask("Second")
    await customer.until("message.accepted")
    gate.set()
    await done(customer, 2)
    verify(customer.frames)
    await all_done(rows, 2)


async def test_a_message_taken_between_an_end_and_its_answer_is_answered(
    customer, crossings, script, rows, verify, monkeypatch
):
    monkeypatch.setattr(hub_module, "RETRY_SECONDS", (0.5,))
    gate = await begun(customer, script)
    crossings.lose(journal.finish_reply)
    gate.set()
    async with asyncio.timeout(5):
        while await rows(lambda: Conversation.objects.get().server):
            await asyncio.sleep(0.01)
    crossings.lose("post")
    await customer.ask("Second")
    await done(customer, 2)
    verify([frame for frame in customer.frames if frame["type"] != "error"])
    await all_done(rows, 2)


async def test_a_message_taken_before_a_process_knows_that_it_lost_the_conversation(
    customer, second, script, processes, rows, verify, monkeypatch
):
    gate = await begun(customer, script)
    monkeypatch.setattr(Hub, "write", lambda *_: asyncio.sleep(0))
    await in_thread(lambda: ServerProcess.objects.filter(pk=customer.hub.server).delete())
    await second.take_over()
    script.gates.clear()
    await customer.ask("Second")
    await customer.until("message.failed")
    monkeypatch.undo()
    gate.set()
    await done(customer)
    while not await customer.silent():
        await customer.next()
    verify(customer.frames)
    assert [turn.question for turn in script.turns] == ["First", "Second"]
    await all_done(rows, 1)


async def test_a_resume_that_waited_leaves_what_is_not_logged_yet(customer, new_customer, rows):
    await customer.say()
    stream = next(iter(customer.hub.streams.values()))
    other = await new_customer(visitor=customer.visitor)
    await rows(lambda: Conversation.objects.update(last_seq=stream.seq + 1))
    async with stream.lock:
        await other.resume(stream.seq, customer.conversation)
        while not stream.lock._waiters:
            await asyncio.sleep(0.001)
        stream.busy = True
        for _ in range(2):
            stream.emit("run.step")
    await other.next()
    assert stream.ahead == 2


async def test_a_doubt_that_comes_while_others_are_settled_is_kept(hub, processes, tenant, monkeypatch):
    async def doubting(*args):
        hub.doubts[tenant.pk] = tenant
        return []

    monkeypatch.setattr(upkeep_module, "in_tenant", doubting)
    hub.doubts[tenant.pk] = tenant
    await processes.alive[0]._settle_doubts()
    assert hub.doubts == {tenant.pk: tenant}


# Taking over


async def died(upkeep):
    """Ends a process as kill -9 would: nothing more is written, and its id is gone."""
    for loop in upkeep._loops:
        loop.cancel()
    upkeep.hub.write = None
    await upkeep.hub.close()
    await in_thread(lambda: ServerProcess.objects.filter(pk=upkeep.hub.server).update(pid=NO_PID))


async def interrupted(rows):
    return await rows(lambda: Message.objects.get(role="assistant").state) == State.INTERRUPTED


async def test_what_a_dead_process_has_locked_still_is_taken_over_later(
    customer, second, script, processes, tenant, rows
):
    await begun(customer, script)
    locked, looked = threading.Event(), threading.Event()

    def commit_slowly():
        with tenant_scope(tenant.pk):
            Conversation.objects.select_for_update().get()
            locked.set()
            looked.wait(5)

    last = asyncio.ensure_future(in_thread(commit_slowly))
    await in_thread(locked.wait)
    await died(processes.alive.pop(0))
    await second._live()
    assert not await interrupted(rows)
    looked.set()
    await last
    await second._live()
    assert await interrupted(rows)


async def test_a_take_over_that_failed_is_tried_again(customer, second, script, processes, rows, monkeypatch):
    async def away():
        raise OperationalError("the database is away")

    await begun(customer, script)
    await died(processes.alive.pop(0))
    monkeypatch.setattr(second, "take_over", away)
    await second._live()
    monkeypatch.undo()
    second._dying_until = float("-inf")  # and be it much later
    await second._live()
    assert await interrupted(rows)


async def test_a_conversation_of_nobody_known_is_found_in_the_end(customer, second, script, processes, rows):
    await begun(customer, script)
    dead = processes.alive.pop(0)
    await dead.close()
    await second._live()
    assert not await interrupted(rows)
    second._swept_at -= upkeep_module.SWEEP_SECONDS
    await second._live()
    assert await interrupted(rows)


async def test_a_process_never_takes_over_from_itself(customer, hub, processes, script, rows):
    gate = await begun(customer, script)
    await in_thread(lambda: ServerProcess.objects.all().delete())
    await processes.alive[0].take_over()
    gate.set()
    await done(customer)
    await all_done(rows, 1)

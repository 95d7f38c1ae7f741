"""Replies, queues, stops and resumes in one process, and what a database that goes away does to them."""

import asyncio

import pytest
from django.db import OperationalError

from agents.events import Answer, Delta, Failed, Finished, Handover
from chat import hub as hub_module
from chat.models import Conversation, FrameLog, Message, State
from tenants.scope import in_tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows(tenant):
    """Runs a read in the tenant's scope."""
    return lambda function: in_tenant(tenant.pk, function)


class Database:
    """Makes the hub's calls fail: before they do anything, or after their commit."""

    def __init__(self, monkeypatch):
        self.mode = ""
        for name in ("in_tenant", "in_thread"):
            monkeypatch.setattr(hub_module, name, self.faulty(getattr(hub_module, name)))

    def faulty(self, call):
        async def called(*args, **kwargs):
            if self.mode == "away":
                raise OperationalError("the database is away")
            mode = self.mode
            result = await call(*args, **kwargs)
            if mode == "lost":
                self.mode = ""
                raise OperationalError("the connection was cut after the commit")
            return result

        return called


@pytest.fixture
def database(monkeypatch):
    return Database(monkeypatch)


# Accepted means committed


async def test_a_message_is_in_the_database_before_it_is_acknowledged(customer, rows, script):
    script.gate(0)
    await customer.ask("Where is it?", client_id="mine")
    accepted = (await customer.until("message.accepted"))[-1]
    message = await rows(lambda: Message.objects.get(role="customer"))
    assert (str(message.pk), message.text, message.client_id) == (accepted["message"], "Where is it?", "mine")
    reply = await rows(lambda: Message.objects.get(role="assistant"))
    assert (reply.state, reply.reply_to_id) == (State.RUNNING, message.pk)


async def test_a_finished_reply_is_kept_whole(customer, rows):
    done = (await customer.say("How long?"))[-1]
    reply = await rows(lambda: Message.objects.get(pk=done["message"]))
    assert (reply.state, reply.text, reply.html) == (State.DONE, done["text"], done["html"])
    assert (reply.confidence, reply.intents, reply.model, reply.finish) == (0.9, ["battery"], "script", "stop")
    conversation = await rows(Conversation.objects.get)
    assert (conversation.title, conversation.summary) == ("How long?", "so far")
    assert (conversation.last_seq, conversation.server) == (done["seq"], None)


async def test_the_next_turn_knows_the_one_before(customer, script):
    await customer.say("How long?")
    await customer.say("And to charge?")
    turn = script.turns[1]
    assert [(m.role, m.text) for m in turn.history] == [("customer", "How long?"), ("assistant", script.text)]
    assert (turn.question, turn.summary, turn.tenant_name) == ("And to charge?", "so far", "Acme")


async def test_a_wish_for_a_person_marks_the_conversation(customer, script, rows):
    script.events = [Handover("customer_request"), Delta("Soon."), Finished(Answer("Soon."))]
    turn = await customer.say()
    assert "handover.requested" in [f["type"] for f in turn]
    conversation = await rows(Conversation.objects.get)
    reason = await rows(lambda: conversation.handovers.get().reason)
    assert (conversation.handled_by, reason) == ("queue", "customer_request")


# The same message twice


async def test_a_message_sent_again_is_the_same_message(customer, rows, verify):
    client_id = await customer.ask("Once")
    await customer.until("message.done")
    conversation = customer.conversation
    for where in (conversation, None):
        await customer.send(type="message.send", client_id=client_id, conversation=where, text="Once")
    assert await customer.silent()
    assert await rows(Message.objects.count) == 2
    verify(customer.frames)


async def test_a_message_sent_again_on_a_new_socket_brings_its_conversation(customer, new_customer, verify):
    client_id = await customer.ask("Once")
    await customer.until("message.done")
    again = await new_customer(visitor=customer.visitor)
    await again.ask("Once", client_id=client_id)
    await again.until("message.done")
    assert again.numbered == customer.numbered
    verify(again.frames)


async def test_the_same_message_at_once_on_two_sockets_is_taken_once(customer, new_customer, rows, verify):
    other = await new_customer(visitor=customer.visitor)
    await asyncio.gather(customer.ask("Once", client_id="same"), other.ask("Once", client_id="same"))
    for someone in (customer, other):
        await someone.until("message.done")
        verify(someone.frames)
    assert customer.conversation == other.conversation
    assert await rows(lambda: (Conversation.objects.count(), Message.objects.count())) == (1, 2)


async def test_two_people_may_use_the_same_client_id(customer, new_customer):
    other = await new_customer()
    await customer.say(client_id="same")
    await other.say(client_id="same")
    assert customer.conversation != other.conversation


# Several messages


async def test_a_second_message_is_accepted_at_once_and_answered_after_the_first(customer, script, verify):
    gate = script.gate(2)
    await customer.ask("First", client_id="one")
    await script.reached.wait()
    await customer.until("message.accepted")
    await customer.ask("Second", client_id="two")
    await customer.until("message.accepted")
    gate.set()
    await customer.until("message.done")
    await customer.until("message.done")
    starts = [f["type"] for f in customer.frames if f["type"] in ("message.accepted", "run.started", "message.done")]
    assert starts == [
        "message.accepted", "run.started", "message.accepted", "message.done", "run.started", "message.done",
    ]  # fmt: skip
    assert [turn.question for turn in script.turns] == ["First", "Second"]
    assert [m.text for m in script.turns[1].history] == ["First", script.text]
    verify(customer.frames)


async def test_any_number_of_messages_may_wait(customer, script, verify):
    gate = script.gate(1)
    await customer.ask("0")
    await script.reached.wait()
    await customer.until("message.accepted")
    for n in range(1, 5):
        await customer.ask(str(n))
    for _ in range(4):
        await customer.until("message.accepted")
    gate.set()
    for _ in range(5):
        await customer.until("message.done")
    assert [turn.question for turn in script.turns] == ["0", "1", "2", "3", "4"]
    verify(customer.frames)


async def test_another_window_sees_the_reply_from_its_start(customer, new_customer, script, verify):
    gate = script.gate(3)
    await customer.ask("First")
    await script.reached.wait()
    await customer.until("message.delta")
    other = await new_customer(visitor=customer.visitor)
    await other.ask("Second", conversation=customer.conversation)
    await other.until("message.accepted")
    gate.set()
    for someone in (customer, other):
        await someone.until("message.done")
        await someone.until("message.done")
        verify(someone.frames)
    assert other.numbered == customer.numbered[1:]


# Stopping


async def test_a_stopped_reply_ends_with_the_text_so_far(customer, script, rows, verify):
    script.gate(3)
    await customer.ask()
    await script.reached.wait()
    started = (await customer.until("run.started"))[-1]
    await customer.send(type="run.stop", message=started["message"])
    done = (await customer.until("message.done"))[-1]
    assert (done["finish"], done["text"]) == ("stopped", "Up to 12 ")
    verify(customer.frames)
    reply = await rows(lambda: Message.objects.get(pk=done["message"]))
    assert (reply.state, reply.text) == (State.STOPPED, "Up to 12 ")
    await customer.send(type="run.stop", message=started["message"])
    assert await customer.silent()


async def test_a_reply_is_stopped_from_another_socket_by_its_question(customer, new_customer, script):
    script.gate(1)
    await customer.ask()
    await script.reached.wait()
    accepted = (await customer.until("message.accepted"))[-1]
    other = await new_customer(visitor=customer.visitor)
    await other.send(type="run.stop", message=accepted["message"])
    assert (await customer.until("message.done"))[-1]["finish"] == "stopped"


async def test_a_queued_reply_can_be_stopped(customer, script, rows, verify):
    gate = script.gate(1)
    await customer.ask("First")
    await script.reached.wait()
    await customer.until("message.accepted")
    await customer.ask("Second")
    second = (await customer.until("message.accepted"))[-1]
    await customer.send(type="run.stop", message=second["message"])
    await customer.silent()
    gate.set()
    await customer.until("message.done")
    assert (await customer.until("message.done"))[-1]["finish"] == "stopped"
    assert len(script.turns) == 1
    verify(customer.frames)


async def test_a_closed_socket_leaves_the_reply_running(customer, script, rows):
    gate = script.gate(2)
    await customer.ask()
    await customer.until("run.started")
    await customer.cut()
    gate.set()
    async with asyncio.timeout(5):
        while await rows(lambda: Message.objects.get(role="assistant").state) != State.DONE:
            await asyncio.sleep(0.01)
        while customer.hub.streams:  # the process hears of the commit a moment after others can see it
            await asyncio.sleep(0.01)


async def test_a_message_whose_socket_closes_at_once_is_answered(customer, rows):
    await customer.ask()
    await customer.cut()
    async with asyncio.timeout(5):
        while await rows(lambda: Message.objects.filter(state=State.DONE, role="assistant").count()) != 1:
            await asyncio.sleep(0.01)


# Trying again


@pytest.mark.parametrize("busy", [False, True])
async def test_a_failed_reply_is_tried_again(customer, script, rows, verify, busy):
    script.events = [Failed("Away.", retryable=True, reason="timeout")]
    failed = (await customer.say("How long?"))[-1]
    assert failed["type"] == "message.failed"
    script.events = None
    if busy:
        gate = script.gate(1)
        await customer.ask("Another")
        await script.reached.wait()
    await customer.send(type="message.retry", message=failed["message"])
    await customer.silent()
    if busy:
        await customer.send(type="message.retry", message=failed["message"])
        gate.set()
        await customer.until("message.done")
    done = (await customer.until("message.done"))[-1]
    assert done["message"] != failed["message"]
    assert script.turns[-1].question == "How long?"
    assert script.turns[-1].history == ()
    assert await customer.silent()
    verify(customer.frames)


async def test_a_question_is_no_reply_to_try_again(customer):
    question = (await customer.say())[0]["message"]
    await customer.send(type="message.retry", message=question)
    assert (await customer.next())["code"] == "not_found"


# Coming back


async def test_a_cut_at_any_point_is_resumed_without_a_gap(customer, new_customer, script, verify):
    await customer.say("First")
    await customer.say("Second")
    everything = customer.numbered
    for after in range(len(everything) + 1):
        again = await new_customer(visitor=customer.visitor)
        await again.resume(after, customer.conversation)
        while again.last < len(everything) and after < len(everything):
            await again.next()
        assert again.numbered == everything[after:]
        await again.cut()


async def test_a_cut_while_the_reply_grows_is_resumed_without_a_gap(customer, new_customer, script, verify):
    pieces = 7
    gates = [script.gate(n) for n in range(1, pieces)]
    await customer.ask()
    watchers = []
    for gate in gates:
        await asyncio.sleep(0.04)
        for after in range(0, 8, 2):
            watcher = await new_customer(visitor=customer.visitor) if len(watchers) < 15 else None
            if watcher:
                await watcher.resume(after, (await rows_of(customer))[0]["conversation"])
                watchers.append((after, watcher))
        gate.set()
    await customer.until("message.done")
    for after, watcher in watchers:
        await watcher.until("message.done")
        assert watcher.numbered == customer.numbered[after:]


async def rows_of(customer):
    while not customer.numbered:
        await customer.next()
    return customer.numbered


async def test_a_resume_of_what_one_watches_sends_nothing_twice(customer):
    await customer.say()
    await customer.resume(0)
    assert await customer.silent()
    await customer.say("More")
    assert [f["seq"] for f in customer.numbered] == list(range(1, customer.last + 1))


async def test_a_page_that_is_ahead_of_everything_is_told_to_load_again(customer, new_customer):
    await customer.say()
    again = await new_customer(visitor=customer.visitor)
    await again.resume(1000, customer.conversation)
    assert (await again.next())["code"] == "ahead"


async def test_a_page_gets_rendered_text_while_the_reply_grows(new_customer, script):
    page = await new_customer(html=True)
    gate = script.gate(4)
    await page.ask()
    whisper = (await page.until("message.html"))[-1]
    assert whisper["html"].startswith("<p>Up to 12")
    gate.set()
    await page.until("message.done")


# A database that goes away


async def test_a_message_is_not_acknowledged_while_the_database_is_away(customer, database, rows, verify):
    database.mode = "away"
    await customer.ask("Hello", client_id="mine")
    error = await customer.next()
    assert (error["code"], error["client_id"]) == ("unavailable", "mine")
    database.mode = ""
    await customer.ask("Hello", client_id="mine")
    await customer.until("message.done")
    assert await rows(Message.objects.count) == 2
    verify(customer.frames)


async def test_a_reply_goes_on_while_the_database_is_away_and_ends_when_it_is_back(
    customer, database, script, rows, verify
):
    gate = script.gate(2)
    await customer.ask()
    await script.reached.wait()
    await customer.until("message.delta")
    database.mode = "away"
    gate.set()
    await asyncio.sleep(0.3)
    assert customer.line.outbound.qsize() > 0
    database.mode = ""
    done = (await customer.until("message.done"))[-1]
    verify(customer.frames)
    reply = await rows(lambda: Message.objects.get(pk=done["message"]))
    assert (reply.state, reply.text) == (State.DONE, script.text)
    lines = await rows(lambda: list(FrameLog.objects.order_by("last_seq").values_list("lines", flat=True)))
    assert len("\n".join(lines).split("\n")) == customer.last


async def test_a_commit_whose_answer_is_lost_is_not_made_twice(customer, database, script, new_customer, verify):
    gates = [script.gate(n) for n in range(2, 8)]
    await customer.ask()
    await customer.until("message.delta")
    for gate in gates:
        database.mode = "lost"
        gate.set()
        await asyncio.sleep(0.25)
    await customer.until("message.done")
    verify(customer.frames)
    again = await new_customer(visitor=customer.visitor)
    await again.resume(0, customer.conversation)
    await again.until("message.done")
    assert again.numbered == customer.numbered


async def test_a_message_taken_without_an_answer_is_answered_when_it_is_sent_again(customer, database, rows, verify):
    database.mode = "lost"
    await customer.ask("Hello", client_id="mine")
    assert (await customer.next())["code"] == "unavailable"
    await customer.ask("Hello", client_id="mine")
    await customer.until("message.done")
    assert await rows(Message.objects.count) == 2
    verify(customer.frames)


async def test_a_message_taken_without_an_answer_is_answered_even_if_nobody_asks_again(
    customer, database, processes, rows
):
    database.mode = "lost"
    await customer.ask("Hello")
    await customer.next()
    await processes.alive[0]._live()
    async with asyncio.timeout(5):
        while await rows(lambda: Message.objects.filter(state=State.DONE, role="assistant").count()) != 1:
            await asyncio.sleep(0.01)


async def test_queued_replies_survive_a_lost_answer(customer, database, script, verify):
    gate = script.gate(1)
    await customer.ask("First")
    await script.reached.wait()
    await customer.until("message.accepted")
    await customer.ask("Second")
    await customer.until("message.accepted")
    database.mode = "lost"
    gate.set()
    await customer.until("message.done")
    database.mode = "lost"
    await customer.until("message.done")
    verify(customer.frames)

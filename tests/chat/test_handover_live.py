"""Hand-overs while customers watch: which frames come, from any process, and that somebody always has each one."""

import asyncio
import contextlib
import random
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db.models import Count, Q
from django.utils import timezone

from agents.events import ActionDone, Answer, Delta, Finished, Handover
from agents.models import Action
from chat import answering, handover
from chat.framelog import tell
from chat.handover import HandoverError
from chat.models import OPEN_HANDOVERS, Conversation, Handler, Message, Notice, Role, ServerProcess, State
from chat.queries import NotFoundError
from tenants.models import Role as MemberRole
from tenants.scope import in_tenant, in_thread
from tests.conftest import person as make_person

pytestmark = pytest.mark.django_db(transaction=True)
NO_PID = 2**22 + 1  # larger than any process id of Linux
ENDED = ("message.done", "message.failed")


@pytest.fixture
def rows(tenant):
    return lambda function: in_tenant(tenant.pk, function)


@pytest.fixture
def maya(tenant):
    return make_person(tenant, "maya", MemberRole.AGENT)


@pytest.fixture
def noah(tenant):
    return make_person(tenant, "noah", MemberRole.AGENT)


@pytest.fixture
def person_does(tenant):
    """Does one of the services' things as a person would, in a transaction of its own."""

    async def done(service, **options):
        return await in_tenant(tenant.pk, lambda: service(**options))

    return done


@pytest.fixture
async def waits(customer, script, rows):
    """The customer has asked for a person."""
    script.events = [Handover("customer_request"), Delta("Soon."), Finished(Answer("Soon."))]
    turn = await customer.say("A person, please")
    script.events = None
    assert [f["type"] for f in turn][-2:] == ["handover.requested", "message.done"]
    return uuid.UUID(customer.conversation)


@pytest.fixture
async def taken(customer, waits, person_does, maya):
    await person_does(handover.take_over, conversation_id=waits, by=maya)
    assert (await customer.until("handover.taken"))[-1]["name"] == "maya"
    return waits


async def test_a_person_is_heard_at_once_and_heard_out(customer, taken, person_does, maya, verify):
    began = asyncio.get_running_loop().time()
    await person_does(answering.write_message, conversation_id=taken, by=maya, text="Hello, I am here.", client_id="1")
    done = (await customer.until("message.done"))[-1]
    assert asyncio.get_running_loop().time() - began < 2
    assert (done["author"], done["text"]) == ({"name": "maya"}, "Hello, I am here.")
    await person_does(handover.give_back, conversation_id=taken, by=maya)
    await customer.until("handover.returned")
    verify(customer.frames)


async def test_the_assistant_is_silent_until_it_is_given_back(customer, taken, person_does, maya, script, verify):
    turns = len(script.turns)
    await customer.ask("Are you there?")
    accepted = (await customer.until("message.accepted"))[-1]
    assert accepted["handled_by"] == "person"
    assert await customer.silent(0.3)
    assert len(script.turns) == turns
    await person_does(handover.close, conversation_id=taken, by=maya)
    await customer.until("handover.closed")
    assert (await customer.say("And you?"))[-1]["text"] == script.text
    verify(customer.frames)


async def test_while_it_waits_the_assistant_answers(customer, waits, script, rows):
    assert (await customer.say("And meanwhile?"))[-1]["text"] == script.text
    assert await rows(lambda: Conversation.objects.get().handled_by) == Handler.QUEUE


async def test_a_reply_under_way_is_broken_off(customer, waits, script, person_does, maya, rows, verify):
    gate = script.gate(2)
    await customer.ask("A long story, please")
    await customer.until("run.started")
    await script.reached.wait()
    await person_does(handover.take_over, conversation_id=waits, by=maya)
    turn = await customer.until("message.done")
    gate.set()
    assert (turn[-1]["finish"], "handover.taken" in [f["type"] for f in turn]) == ("stopped", True)
    broken = await rows(lambda: Message.objects.get(state=State.STOPPED))
    assert broken.error == "taken_over"
    assert await customer.silent(0.3)
    verify(customer.frames)


async def test_questions_that_wait_behind_it_are_left_to_the_person(customer, waits, script, person_does, maya, rows):
    gate = script.gate(2)
    await customer.ask("First")
    await script.reached.wait()
    await customer.until("run.started")
    await customer.ask("Second")
    await customer.until("message.accepted")
    turns = len(script.turns)
    await person_does(handover.take_over, conversation_id=waits, by=maya)
    ends = [await customer.until("message.done") for _ in range(2)]
    gate.set()
    assert [turn[-1]["finish"] for turn in ends] == ["stopped", "stopped"]
    assert len(script.turns) == turns
    assert await rows(lambda: Conversation.objects.get().server) is None


async def test_what_is_decided_is_carried_out_without_a_word_more(customer, taken, script, rows, verify):
    reply = await rows(lambda: Message.objects.filter(role=Role.ASSISTANT).first().pk)
    action = await rows(
        lambda: (
            Action.objects.create(
                conversation=taken, reply=reply, summary="Cancel", expires_at=timezone.now() + timedelta(minutes=5)
            ).pk
        )
    )
    script.events = [ActionDone(str(action), True, "Cancelled.", "done"), Finished(Answer(""))]
    await customer.send(type="action.confirm", action=str(action))
    kinds = [f["type"] for f in await customer.until("message.done")]
    assert kinds == ["message.accepted", "run.started", "action.done", "message.done"]
    assert script.turns[-1].quiet
    verify(customer.frames)


async def test_asking_again_is_refused_while_a_person_answers(customer, taken, rows):
    reply = await rows(lambda: Message.objects.filter(role=Role.ASSISTANT).first().pk)
    await customer.send(type="message.retry", message=str(reply))
    error = (await customer.until("error"))[-1]
    assert (error["code"], "colleague" in error["detail"]) == ("person_answers", True)


async def test_another_process_shows_it_too(
    customer, new_customer, processes, script, person_does, maya, waits, verify
):
    """The reply runs in one process, the customer watches it from another as well, and a person takes over."""
    other = await processes()
    window = await new_customer(other.hub, visitor=customer.visitor)
    await window.resume(0, conversation=customer.conversation)
    gate = script.gate(3)
    await customer.ask("A long story, please")
    await script.reached.wait()
    await person_does(handover.take_over, conversation_id=waits, by=maya)
    await person_does(answering.write_message, conversation_id=waits, by=maya, text="Let me.", client_id="1")
    for someone in (customer, window):
        while not any(f.get("author") for f in someone.frames):
            await someone.next()
        verify(someone.frames)
    gate.set()
    assert window.numbered[-1]["seq"] == customer.numbered[-1]["seq"]


async def test_what_a_person_wrote_outlives_the_process_that_was_to_tell_it(
    new_customer, processes, hub, person_does, maya, waits, customer, script, rows, verify
):
    doomed, survivor = await processes(), await processes()
    processes.alive.remove(doomed)
    someone = await new_customer(doomed.hub, visitor=customer.visitor)
    await someone.resume(0, conversation=customer.conversation)
    script.gate(2)
    await someone.ask("A long story, please", conversation=customer.conversation)
    await script.reached.wait()
    for loop in doomed._loops:
        loop.cancel()
    await doomed.hub.close()
    await person_does(handover.take_over, conversation_id=waits, by=maya)
    await person_does(answering.write_message, conversation_id=waits, by=maya, text="I am here.", client_id="1")
    assert await rows(Notice.objects.count) == 2
    await in_thread(lambda: ServerProcess.objects.filter(pk=doomed.hub.server).update(pid=NO_PID))
    await survivor._live()
    await someone.connect(survivor.hub)
    await someone.resume(someone.last, conversation=customer.conversation)
    while not any(f.get("author") for f in someone.frames):
        await someone.next()
    verify(someone.frames)
    assert await rows(Notice.objects.count) == 0
    assert [f["type"] for f in someone.frames].count("handover.taken") == 1


async def test_a_process_that_dies_before_it_is_told_of_loses_the_wish_and_the_word_of_it(
    customer, script, processes, hub, rows
):
    """`handover.requested` is not shown before the inbox has the row."""
    script.events = [Handover("customer_request"), Delta("Soon."), Finished(Answer("Soon."))]
    script.gate(2)
    await customer.ask("A person, please")
    await customer.until("message.delta")
    assert "handover.requested" not in [f["type"] for f in customer.frames]
    assert await rows(lambda: Conversation.objects.get().handled_by) == Handler.BOT


# Every path

CROWD = 4
STEPS = 40


def somebody_has_each(rows):
    """The invariant: an open conversation has the assistant, a place in the queue, or a person."""

    def wrong():
        opened = Count("handovers", filter=Q(handovers__state__in=OPEN_HANDOVERS))
        taken = Count("handovers", filter=Q(handovers__state="taken", handovers__taken_by__isnull=False))
        found = Conversation.objects.annotate(opened=opened, taken=taken)
        fine = Q(handled_by="bot", opened=0) | Q(handled_by="queue", opened=1, taken=0)
        return list(found.exclude(fine | Q(handled_by="person", opened=1, taken=1)).values())

    return rows(wrong)


def moody(seed):
    """An agent that now and then asks for a person, or breaks."""
    dice = random.Random(seed)

    async def run(turn):
        mood = dice.random()
        if mood < 0.4:
            yield Handover("missing_knowledge", "stuck")
        if mood > 0.9:
            raise RuntimeError("broken")
        for word in ("One ", "moment ", "please."):
            yield Delta(word)
            await asyncio.sleep(dice.random() * 0.05)
        yield Finished(Answer("One moment please."))

    return run


def anything(dice, conversation, user, others, text):
    """Something that a person may try."""
    here = {"conversation_id": conversation, "by": user}
    taking = partial(handover.take_over, **here, instead_of=dice.choice([None, *others]))
    writing = partial(answering.write_message, **here, text=text, client_id=text)
    requesting = partial(handover.request_handover, conversation_id=conversation, reason="approval", announce=True)
    ending = [partial(handover.give_back, **here, note=dice.choice(["", "x"])), partial(handover.close, **here)]
    return dice.choice([taking, taking, writing, writing, writing, requesting, requesting, *ending])


async def colleague(tenant, user, others, conversations, dice, written):
    """A person who does anything at any time; what cannot be done is said, and does no harm."""
    for _ in range(STEPS):
        conversation, text = dice.choice(conversations), uuid.uuid4().hex
        with contextlib.suppress(HandoverError, NotFoundError):
            done = await in_tenant(tenant.pk, anything(dice, conversation, user, others, text))
            if isinstance(done, Message):
                written[done.text] = str(conversation)
        await asyncio.sleep(dice.random() * 0.03)


async def chatter(customer, dice):
    """A customer who asks at any time, and reads."""
    for number in range(4):
        await customer.ask(f"Question {number}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1 + dice.random() * 0.3):
                await customer.until(*ENDED, "error")


@pytest.mark.parametrize("seed", range(3))
async def test_somebody_always_has_each_conversation(new_customer, processes, hub, tenant, maya, noah, verify, seed):
    dice = random.Random(seed)
    hubs = [(await processes(moody(seed * 10 + n))).hub for n in range(2)]
    rows = lambda function: in_tenant(tenant.pk, function)  # noqa: E731 (as the fixture of this name)
    crowd = [await new_customer(dice.choice(hubs)) for _ in range(CROWD)]
    for customer in crowd:
        await customer.say("Hello")
    conversations = [uuid.UUID(customer.conversation) for customer in crowd]
    written: dict[str, str] = {}
    ids = [maya.pk, noah.pk]
    people = [
        colleague(tenant, user, ids, conversations, random.Random(dice.random()), written) for user in (maya, noah)
    ]
    customers = [chatter(customer, random.Random(dice.random())) for customer in crowd]
    work = asyncio.gather(*people, *customers)
    while not work.done():
        assert await somebody_has_each(rows) == []
        await asyncio.sleep(0.02)
    await work
    async with asyncio.timeout(20):
        while await rows(lambda: Conversation.objects.exclude(server=None).exists() or Notice.objects.exists()):
            await asyncio.sleep(0.1)
    assert await somebody_has_each(rows) == []
    assert written
    for customer in crowd:
        last = await rows(lambda c=customer: Conversation.objects.get(pk=c.conversation).last_seq)
        async with asyncio.timeout(10):
            while customer.last < last:
                await customer.next()
        verify(customer.frames)
        told = [f["text"] for f in customer.frames if f["type"] == "message.done" and f.get("author")]
        assert sorted(told) == sorted(text for text, where in written.items() if where == customer.conversation)


async def test_two_people_take_it_at_once_and_one_has_it(waits, tenant, maya, noah, rows):
    takes = [in_tenant(tenant.pk, lambda u=u: handover.take_over(conversation_id=waits, by=u)) for u in (maya, noah)]
    results = await asyncio.gather(*takes, return_exceptions=True)
    assert [type(result) for result in results].count(HandoverError) == 1
    assert await somebody_has_each(rows) == []


async def test_a_customer_who_posts_while_it_is_taken_gets_one_of_both(new_customer, hub, tenant, maya, rows, script):
    """Either the assistant began before the person came, and is stopped, or it says nothing."""
    for number in range(5):
        someone = await new_customer()
        script.events = [Handover("customer_request"), Delta("Soon."), Finished(Answer("Soon."))]
        await someone.say("A person, please")
        script.events = None
        taking = lambda c=someone: handover.take_over(conversation_id=uuid.UUID(c.conversation), by=maya)  # noqa: E731 (one line)
        await asyncio.gather(someone.ask("Now?", client_id=f"now {number}"), in_tenant(tenant.pk, taking))
        async with asyncio.timeout(5):
            while await rows(lambda: Conversation.objects.exclude(server=None).exists()):
                await asyncio.sleep(0.05)
        assert not await rows(lambda: Message.objects.filter(state__in=[State.QUEUED, State.RUNNING]).exists())
        assert await somebody_has_each(rows) == []


async def test_a_frame_waits_for_nobody_where_nothing_runs(customer, waits, rows):
    def told():
        conversation = Conversation.objects.select_for_update().get(pk=waits)
        tell(conversation, ("handover.requested", {"reason": "approval"}))
        return conversation.last_seq

    last = await rows(told)
    assert (await customer.until("handover.requested"))[-1]["seq"] == last

"""Confirming and declining what was proposed: who may, how often, and that a crash loses nothing."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.context import Decision
from agents.events import ActionDone, ActionProposed, Answer, Delta, Finished
from agents.models import Action
from chat import queries
from chat.models import Message, ServerProcess, State
from tenants.scope import in_tenant, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
NO_PID = 2**22 + 1  # larger than any process id of Linux
SUMMARY = "Cancel ORD-1002 and pay $99.00 back"


@pytest.fixture
def rows(tenant):
    return lambda function: in_tenant(tenant.pk, function)


@pytest.fixture
def propose(customer, rows):
    """Proposes a change in the customer's conversation; returns its id."""

    async def proposed(**values):
        reply = (await customer.say("Please cancel it"))[-1]["message"]
        row = {"summary": SUMMARY, "tool": "cancel_pending_order", "expires_at": timezone.now() + timedelta(minutes=15)}
        made = await rows(
            lambda: Action.objects.create(conversation=customer.conversation, reply=reply, **row | values)
        )
        return str(made.pk)

    return proposed


@pytest.fixture
def carry_out(script, rows):
    """The agent carries out a decision with these words; `hold` stops it before the change."""

    async def told(action, text="Cancelled.", *, hold=False, state="done"):
        await rows(lambda: Action.objects.filter(pk=action).update(state=state))
        script.events = [ActionDone(action, state == "done", text, state), Delta(text), Finished(Answer(text))]
        return script.gate(0) if hold else None

    return told


async def test_a_proposal_reaches_the_customer_with_its_card(customer, script, verify):
    action, until = str(uuid.uuid4()), (timezone.now() + timedelta(minutes=15)).isoformat()
    detail = {"title": "Cancel ORD-1002", "amount": "99", "currency": "USD", "confirm": "Cancel the order"}
    script.events = [ActionProposed(action, SUMMARY, detail, until), Delta("Shall I?"), Finished(Answer("Shall I?"))]
    proposed = next(f for f in await customer.say() if f["type"] == "action.proposed")
    assert (proposed["action"], proposed["summary"], proposed["state"]) == (action, SUMMARY, "proposed")
    assert (proposed["detail"], proposed["expires_at"]) == (detail, until)
    assert "Cancel the order</button>" in proposed["html"]
    assert "$99.00" in proposed["html"]
    assert "Open for 15 minutes" in proposed["html"]
    verify(customer.frames)


@pytest.mark.parametrize(
    ("kind", "confirmed", "text"),
    [("action.confirm", True, "Yes, go ahead."), ("action.decline", False, "No, leave it.")],
)
async def test_a_button_is_a_message_whose_turn_carries_the_decision(
    customer, propose, carry_out, script, rows, verify, kind, confirmed, text
):
    action = await propose()
    await carry_out(action)
    await customer.send(type=kind, action=action)
    turn = await customer.until("message.done")
    kinds = [f["type"] for f in turn]
    assert kinds == ["message.accepted", "run.started", "action.done", "message.delta", "message.done"]
    assert (turn[0]["action"], turn[0]["confirmed"], turn[0]["text"]) == (action, confirmed, text)
    assert (turn[2]["action"], turn[2]["ok"], turn[2]["summary"]) == (action, True, "Cancelled.")
    assert f'data-action="{action}"' in turn[2]["html"]
    assert "Cancelled." in turn[2]["html"]
    asked = script.turns[-1]
    assert (asked.decision, asked.question) == (Decision(uuid.UUID(action), confirmed), text)
    assert asked.reply == turn[1]["message"]
    assert (asked.user, asked.actor.split()[0]) == (None, "visitor")
    message = await rows(lambda: Message.objects.get(action=action))
    assert (message.confirmed, message.client_id) == (confirmed, f"action.{action}.{kind.removeprefix('action.')}")
    verify(customer.frames)


async def test_the_button_speaks_the_tenants_language(customer, propose, tenant, rows, script):
    action = await propose()
    tenant.language = "de-CH"
    await in_thread(tenant.save)
    await customer.cut()
    await customer.connect()
    await customer.resume(customer.last)
    await customer.send(type="action.confirm", action=action)
    await customer.until("message.done")
    assert script.turns[-1].question == "Ja, bitte."


async def test_a_signed_in_owner_is_named_in_the_turn(new_customer, bob, rows, script, tenant):
    someone = await new_customer(user=bob)
    reply = (await someone.say())[-1]["message"]
    made = await rows(
        lambda: Action.objects.create(conversation=someone.conversation, reply=reply, expires_at=timezone.now())
    )
    await someone.send(type="action.confirm", action=str(made.pk))
    await someone.until("message.done")
    assert (script.turns[-1].user, script.turns[-1].actor) == (bob.pk, f"user {bob.pk}")


async def test_only_the_person_it_was_proposed_to_may_decide(customer, new_customer, propose, other_tenant, random_id):
    action = await propose()
    stranger = await new_customer()
    abroad = await new_customer(slug="globex", visitor=customer.visitor)
    for someone, which in ((stranger, action), (abroad, action), (customer, random_id())):
        for kind in ("action.confirm", "action.decline"):
            await someone.send(type=kind, action=which)
            error = await someone.next()
            assert (error["type"], error["code"], error["action"]) == ("error", "not_found", which)


async def test_five_presses_on_two_devices_are_one_message(
    customer, new_customer, propose, carry_out, script, rows, verify
):
    action = await propose()
    gate = await carry_out(action, hold=True)
    other = await new_customer(visitor=customer.visitor)
    await other.resume(0, customer.conversation)
    for n in range(5):
        await (customer, other)[n % 2].send(type="action.confirm", action=action)
    await script.reached.wait()
    gate.set()
    for someone in (customer, other):
        while not any(f["type"] == "action.done" for f in someone.frames):
            await someone.next()
        await someone.until("message.done")
        await someone.send(type="action.confirm", action=action)
        assert await someone.silent()
        verify(someone.frames)
        assert not [f for f in someone.frames if f["type"] == "error"]
        assert len([f for f in someone.frames if f["type"] == "action.done"]) == 1
    assert await rows(lambda: Message.objects.filter(action=action).count()) == 1
    assert len(script.turns) == 2


async def test_a_device_that_does_not_follow_the_conversation_gets_the_end_of_it(
    customer, new_customer, propose, carry_out, verify
):
    action = await propose()
    await carry_out(action)
    await customer.send(type="action.confirm", action=action)
    await customer.until("message.done")
    late = await new_customer(visitor=customer.visitor)
    await late.send(type="action.confirm", action=action)
    assert (await late.until("action.done"))[-1]["ok"]
    await late.until("message.done")
    verify(late.frames)


async def test_declining_after_confirming_is_a_message_of_its_own(customer, propose, carry_out, script, verify):
    action = await propose()
    await carry_out(action)
    await customer.send(type="action.confirm", action=action)
    await customer.until("message.done")
    await carry_out(action, "It is cancelled already.")
    await customer.send(type="action.decline", action=action)
    turn = await customer.until("message.done")
    assert [turn.decision.confirmed for turn in script.turns[1:]] == [True, False]
    assert turn[0]["text"] == "No, leave it."
    verify(customer.frames)


async def test_a_button_waits_behind_the_reply_that_runs(customer, propose, script, verify):
    action = await propose()
    gate = script.gate(2)
    await customer.ask("And what else?")
    await script.reached.wait()
    await customer.send(type="action.confirm", action=action)
    await customer.until("message.accepted")
    accepted = (await customer.until("message.accepted"))[-1]
    assert accepted["action"] == action
    gate.set()
    for _ in range(2):
        await customer.until("message.done")
    assert script.turns[-1].decision == Decision(uuid.UUID(action), confirmed=True)
    verify(customer.frames)


async def test_pressing_again_after_a_failure_tries_again(customer, propose, carry_out, script, rows, verify):
    action = await propose()
    script.events = [ZeroDivisionError()]
    await customer.send(type="action.confirm", action=action)
    await customer.until("message.failed")
    await carry_out(action)
    await customer.send(type="action.confirm", action=action)
    turn = await customer.until("message.done")
    assert [f["type"] for f in turn][:2] == ["run.started", "action.done"]
    assert await rows(lambda: Message.objects.filter(action=action).count()) == 1
    verify(customer.frames)


async def test_a_button_that_changed_nothing_may_be_pressed_again(customer, propose, carry_out, script):
    action = await propose()
    await carry_out(action, "The shop does not answer.", state="proposed")
    for presses in (1, 2):
        await customer.send(type="action.confirm", action=action)
        await customer.until("message.done")
        assert len(script.turns) == 1 + presses


async def test_what_was_decided_is_carried_out_before_the_reply_is_stopped(customer, propose, carry_out, script, rows):
    action = await propose()
    gate = await carry_out(action, hold=True)
    await customer.send(type="action.confirm", action=action)
    await script.reached.wait()
    started = (await customer.until("run.started"))[-1]
    await customer.send(type="run.stop", message=started["message"])
    assert await customer.silent()
    gate.set()
    turn = await customer.until("message.done")
    assert [f["type"] for f in turn] == ["action.done", "message.done"]
    assert turn[-1]["finish"] == "stopped"


async def test_retrying_the_reply_to_a_button_decides_again(customer, propose, carry_out, script, verify):
    action = await propose()
    await carry_out(action)
    await customer.send(type="action.confirm", action=action)
    reply = (await customer.until("message.done"))[-1]["message"]
    await customer.send(type="message.retry", message=reply)
    await customer.until("message.done")
    assert script.turns[-1].decision == Decision(uuid.UUID(action), confirmed=True)
    verify(customer.frames)


# A process that dies


async def crash(upkeep):
    """Ends a process as kill -9 would: nothing more is written, and its id is gone."""
    for loop in upkeep._loops:
        loop.cancel()
    upkeep.hub.write = None
    await upkeep.hub.close()
    await in_thread(lambda: ServerProcess.objects.filter(pk=upkeep.hub.server).update(pid=NO_PID))


def states_of(action):
    """The states of the replies to a pressed button, oldest first."""
    replies = Message.objects.filter(reply_to__action=action).order_by("created_at")
    return list(replies.values_list("state", flat=True))


async def test_a_decision_whose_process_died_is_carried_out_by_the_next(
    customer, processes, propose, carry_out, script, rows, verify
):
    action = await propose()
    await carry_out(action, hold=True)
    await customer.send(type="action.confirm", action=action)
    await script.reached.wait()
    await customer.until("run.started")
    await customer.ask("And what else?", client_id="behind")
    await customer.until("message.accepted")
    second = await processes()
    await crash(processes.alive.pop(0))
    script.gates.clear()
    await customer.connect(second.hub)
    await customer.resume(customer.last)
    await second._live()
    failed = (await customer.until("message.failed"))[-1]
    assert not failed["retryable"]
    assert "Nothing is lost" in failed["detail"]
    done = (await customer.until("action.done"))[-1]
    assert (done["action"], done["ok"]) == (action, True)
    for _ in range(2):
        await customer.until("message.done")
    verify(customer.frames)
    assert [turn.question for turn in script.turns[1:]] == ["Yes, go ahead.", "Yes, go ahead.", "And what else?"]
    assert await rows(lambda: states_of(action)) == [State.INTERRUPTED, State.DONE]


@pytest.mark.parametrize(
    ("values", "begins_again"),
    [({}, True), ({"state": "running"}, True), ({"state": "done"}, False), ({"expires_at": timezone.now()}, False)],
)
async def test_a_typed_yes_may_be_lost_no_more_than_a_button(
    customer, processes, propose, script, verify, values, begins_again
):
    await propose(**values)
    script.gate(1)
    await customer.ask("yes")
    await script.reached.wait()
    second = await processes()
    await crash(processes.alive.pop(0))
    script.gates.clear()
    await second._live()
    await customer.connect(second.hub)
    await customer.resume(customer.last)
    failed = (await customer.until("message.failed"))[-1]
    assert failed["retryable"] is not begins_again
    if begins_again:
        await customer.until("message.done")
    assert [turn.question for turn in script.turns].count("yes") == 1 + begins_again
    verify(customer.frames)


async def test_a_message_that_kills_every_process_is_given_up(customer, processes, propose, script, rows):
    action = await propose()
    script.gate(0)
    await customer.send(type="action.confirm", action=action)
    for _ in range(4):
        await script.reached.wait()
        script.reached.clear()
        following = await processes()
        await crash(processes.alive.pop(0))
        await following._live()
        await asyncio.sleep(0.05)
    assert await rows(lambda: states_of(action)) == [State.INTERRUPTED] * 4


# What the agent is told


async def test_what_the_customer_typed_leaves_out_buttons_and_other_voices(customer, propose, rows, tenant):
    action = await propose()
    await customer.send(type="action.confirm", action=action)
    await customer.until("message.done")
    await customer.say("I am sofia@marsh.example")
    conversation = uuid.UUID(customer.conversation)
    typed = await rows(lambda: queries.typed_by_customer(conversation))
    assert typed == ("Please cancel it", "I am sofia@marsh.example")


async def test_a_person_who_wrote_is_on_the_assistants_side(customer, script, rows):
    await customer.say("Hello")
    await rows(
        lambda: Message.objects.bulk_create(
            Message(
                conversation_id=customer.conversation, tenant_id=Message.objects.first().tenant_id, role=role,
                text=text, created_at=timezone.now(),
            )
            for role, text in (("person", "Maya here."), ("note", "Be kind."))
        )
    )  # fmt: skip
    await customer.say("Hello Maya")
    assert [(m.role, m.text) for m in script.turns[-1].history][-1] == ("assistant", "Maya here.")

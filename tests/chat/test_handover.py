"""Taking conversations over, answering in them, giving them back: who may, what is told, what is kept."""

import uuid
from datetime import timedelta

import orjson
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from agents.models import Action, Session, ToolCall
from chat import answering, handover, queries, services
from chat.framelog import untold
from chat.handover import HandoverError
from chat.models import Conversation, FrameLog, Handler, Handover, HandoverState, Message, Role, State
from chat.queries import NotFoundError, Person
from commerce.models import Customer
from tenants.models import AuditEvent, Membership
from tenants.models import Role as MemberRole
from tenants.services import add_member
from tests.conftest import person as make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def maya(tenant):
    user = make_person(tenant, "maya", MemberRole.AGENT)
    user.first_name = "Maya"
    user.save()
    return user


@pytest.fixture
def noah(tenant):
    return make_person(tenant, "noah", MemberRole.AGENT)


@pytest.fixture
def talk(scope):
    """A visitor's conversation with one question."""
    made = Conversation.objects.create(visitor=uuid.uuid4(), title="Help", updated_at=timezone.now())
    Message.objects.create(conversation=made, role=Role.CUSTOMER, text="Where is ORD-1002?", created_at=timezone.now())
    Message.objects.update(seq=0)
    return made


@pytest.fixture
def waiting(talk):
    handover.request_handover(conversation_id=talk.pk, reason="customer_request")
    talk.refresh_from_db()
    return talk


@pytest.fixture
def taken(waiting, maya):
    handover.take_over(conversation_id=waiting.pk, by=maya)
    waiting.refresh_from_db()
    return waiting


def check():
    """Looks at the constraints that otherwise wait for the commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def frames(conversation):
    rows = FrameLog.objects.filter(conversation=conversation).order_by("last_seq")
    return [orjson.loads(line) for row in rows for line in row.lines.split("\n")]


def kinds(conversation):
    return [frame["type"] for frame in frames(conversation)]


def handler(conversation):
    check()
    return Conversation.objects.get(pk=conversation.pk).handled_by


def waits_for_approval(conversation, **values):
    return Action.objects.create(
        conversation=conversation.pk, reply=uuid.uuid4(), tool="gone_tool", summary="Refund $900", state="approval",
        expires_at=timezone.now() + timedelta(minutes=5), **values,
    )  # fmt: skip


# Into the inbox


def test_a_request_puts_a_conversation_into_the_inbox_once(talk):
    for reason in ("approval", "customer_request"):
        handover.request_handover(conversation_id=talk.pk, reason=reason)
    assert Handover.objects.get().reason == "approval"
    assert handler(talk) == Handler.QUEUE


def test_a_reason_that_nobody_knows_is_an_unsupported_request(talk):
    handover.request_handover(conversation_id=talk.pk, reason="whatever")
    assert Handover.objects.get().reason == "unsupported_request"


def test_the_summary_says_what_is_wanted_by_whom_and_what_was_tried(talk):
    lee = Customer.objects.create(code="lee", first_name="Ann", last_name="Lee", email="ann@example.com")
    Session.objects.create(conversation=talk.pk, customer=lee, proof="email")
    ToolCall.objects.create(
        conversation=talk.pk, reply=uuid.uuid4(), position=0, name="get_order_details",
        arguments={"order_id": "ORD-7"}, error="not_found",
    )  # fmt: skip
    handover.request_handover(conversation_id=talk.pk, reason="tool_failure", summary="It failed twice.")
    assert Handover.objects.get().summary.split("\n") == [
        "Wants: Where is ORD-1002?",
        "Customer: Ann Lee (ann@example.com, email)",
        "Orders: ORD-1002, ORD-7",
        "Tried: get_order_details (not_found)",
        "The assistant: It failed twice.",
    ]


def test_a_deleted_conversation_is_not_put_into_the_inbox(talk):
    Conversation.objects.update(deleted_at=timezone.now())
    handover.request_handover(conversation_id=talk.pk, reason="approval")
    assert not Handover.objects.exists()


# Taking over, giving back, closing


def test_a_person_takes_over_and_the_customer_is_told_who(taken, maya):
    assert handler(taken) == Handler.PERSON
    assert frames(taken)[-1]["type"] == "handover.taken"
    assert frames(taken)[-1]["name"] == "Maya"
    assert AuditEvent.objects.filter(action="handover.taken", actor="maya").exists()
    handover.take_over(conversation_id=taken.pk, by=maya)
    assert kinds(taken).count("handover.taken") == 1


def test_a_colleague_is_asked_before_it_is_taken_from_them(taken, maya, noah):
    with pytest.raises(HandoverError, match="Maya has this conversation"):
        handover.take_over(conversation_id=taken.pk, by=noah)
    handover.take_over(conversation_id=taken.pk, by=noah, instead_of=maya.pk)
    assert Handover.objects.get().taken_by == noah
    with pytest.raises(HandoverError, match="noah has"):
        answering.write_message(conversation_id=taken.pk, by=maya, text="Hello", client_id="1")


def test_who_has_it_changes_only_if_it_is_who_was_seen(taken, maya, noah, alice):
    handover.take_over(conversation_id=taken.pk, by=noah, instead_of=maya.pk)
    with pytest.raises(HandoverError, match="noah has"):
        handover.take_over(conversation_id=taken.pk, by=alice, instead_of=maya.pk)


def test_a_reply_under_way_is_asked_to_stop(waiting, maya):
    question = Message.objects.get()
    run = Message.objects.create(
        conversation=waiting, role=Role.ASSISTANT, reply_to=question, state=State.RUNNING, created_at=timezone.now()
    )
    handover.take_over(conversation_id=waiting.pk, by=maya)
    run.refresh_from_db()
    assert run.stop_asked


def test_it_is_given_back_with_a_note_that_the_customer_never_sees(taken, maya):
    handover.give_back(conversation_id=taken.pk, by=maya, note="  Angry.\0 ")
    assert handler(taken) == Handler.BOT
    assert Handover.objects.get().state == HandoverState.RETURNED
    assert kinds(taken)[-1] == "handover.returned"
    note = Message.objects.get(role=Role.NOTE)
    assert (note.text, note.author) == ("Angry.", maya)
    assert note not in queries.messages_of(taken)
    assert "Angry" not in str(frames(taken))
    assert (
        queries.history_before(taken.pk, Message(created_at=timezone.now())).messages[-1].text == "Where is ORD-1002?"
    )


def test_a_closed_conversation_is_the_assistants_again_and_may_come_back(taken, maya):
    handover.close(conversation_id=taken.pk, by=maya)
    assert (handler(taken), kinds(taken)[-1]) == (Handler.BOT, "handover.closed")
    handover.request_handover(conversation_id=taken.pk, reason="customer_request")
    assert handler(taken) == Handler.QUEUE
    assert Handover.objects.count() == 2


def test_one_that_waits_may_be_closed_or_left_to_the_assistant_by_anybody(waiting, noah):
    handover.close(conversation_id=waiting.pk, by=noah)
    assert handler(waiting) == Handler.BOT


@pytest.mark.parametrize("act", [handover.give_back, handover.close])
def test_what_a_colleague_has_is_theirs(taken, noah, act):
    with pytest.raises(HandoverError, match="Maya has"):
        act(conversation_id=taken.pk, by=noah)


def test_nothing_can_be_done_where_nobody_is_asked_for(talk, maya):
    with pytest.raises(HandoverError, match="nobody is asked for"):
        handover.take_over(conversation_id=talk.pk, by=maya)
    with pytest.raises(HandoverError, match="assistant again"):
        answering.write_message(conversation_id=talk.pk, by=maya, text="Hello", client_id="1")


def test_only_agents_and_owners_may(waiting, alice, bob, charlie, tenant):
    reviewer = make_person(tenant, "rita", MemberRole.REVIEWER)
    for user in (bob, charlie, reviewer):
        for act in (handover.take_over, handover.give_back, handover.close):
            with pytest.raises(PermissionDenied):
                act(conversation_id=waiting.pk, by=user)
        with pytest.raises(PermissionDenied):
            answering.write_note(conversation_id=waiting.pk, by=user, text="x")
    handover.take_over(conversation_id=waiting.pk, by=alice)


def test_a_deleted_or_foreign_conversation_is_not_there(waiting, maya, random_id):
    with pytest.raises(NotFoundError):
        handover.take_over(conversation_id=random_id(), by=maya)
    person = Person(None, waiting.visitor)
    services.delete_conversation(person=person, conversation_id=waiting.pk)
    assert Handover.objects.get().state == HandoverState.CLOSED
    assert handler(waiting) == Handler.BOT
    with pytest.raises(NotFoundError):
        handover.take_over(conversation_id=waiting.pk, by=maya)


def test_what_somebody_had_who_leaves_waits_again(taken, maya):
    Membership.objects.filter(user=maya).delete()
    assert handler(taken) == Handler.QUEUE
    row = Handover.objects.get()
    assert (row.state, row.taken_by) == (HandoverState.WAITING, None)
    assert kinds(taken)[-1] == "handover.requested"


def test_who_keeps_another_role_that_answers_keeps_what_they_have(taken, maya):
    add_member(user=maya, role=MemberRole.OWNER)
    Membership.objects.filter(user=maya, role=MemberRole.AGENT).delete()
    assert handler(taken) == Handler.PERSON


# The database's own fence


@pytest.mark.parametrize("handled_by", [Handler.BOT, Handler.QUEUE])
def test_the_database_takes_no_conversation_that_says_otherwise_than_its_handover(taken, handled_by):
    Conversation.objects.update(handled_by=handled_by)
    with pytest.raises(IntegrityError, match="handled by"):
        check()


def test_the_database_lets_no_handover_go_alone(taken):
    Handover.objects.all().delete()
    with pytest.raises(IntegrityError, match="its hand-over says bot"):
        check()


def test_the_database_takes_no_new_conversation_that_waits_for_nobody(scope):
    Conversation.objects.create(visitor=uuid.uuid4(), updated_at=timezone.now(), handled_by=Handler.QUEUE)
    with pytest.raises(IntegrityError):
        check()


# Writing


def test_a_message_is_told_whole_with_who_wrote_it(taken, maya):
    message = answering.write_message(conversation_id=taken.pk, by=maya, text=" It is **on its way**.\0", client_id="a")
    started, delta, done = frames(taken)[-3:]
    assert [started["type"], delta["type"], done["type"]] == ["run.started", "message.delta", "message.done"]
    assert started["message"] == delta["message"] == done["message"] == str(message.pk)
    assert delta["text"] == done["text"] == "It is **on its way**."
    assert (done["author"], done["finish"], done["citations"]) == ({"name": "Maya"}, "person", [])
    assert "<strong>on its way</strong>" in done["html"]
    assert [f["seq"] for f in frames(taken)] == list(range(1, len(frames(taken)) + 1))
    shown = queries.messages_of(taken).last()
    assert (shown.text, shown.author, shown.role) == ("It is **on its way**.", maya, Role.PERSON)


def test_the_same_message_sent_twice_is_one(taken, maya):
    for _ in range(2):
        answering.write_message(conversation_id=taken.pk, by=maya, text="Hello", client_id="a")
    assert Message.objects.filter(role=Role.PERSON).count() == 1
    assert kinds(taken).count("message.done") == 1


@pytest.mark.parametrize("text", ["", " \0 ", "x" * 8001])
def test_nothing_and_too_much_are_refused(taken, maya, text):
    with pytest.raises(HandoverError):
        answering.write_message(conversation_id=taken.pk, by=maya, text=text, client_id="a")


def test_one_takes_over_before_one_writes(waiting, maya):
    with pytest.raises(HandoverError, match="Take this conversation over first"):
        answering.write_message(conversation_id=waiting.pk, by=maya, text="Hello", client_id="a")


def test_html_of_a_person_is_as_harmless_as_any(taken, maya):
    answering.write_message(conversation_id=taken.pk, by=maya, text="<script>alert(1)</script>", client_id="a")
    assert "<script" not in frames(taken)[-1]["html"]


def test_while_a_process_runs_the_conversation_what_is_told_waits_for_it(taken, maya):
    Conversation.objects.update(server=uuid.uuid4(), attention=False)
    before = frames(taken)
    answering.write_message(conversation_id=taken.pk, by=maya, text="Hello", client_id="a")
    handover.close(conversation_id=taken.pk, by=maya)
    assert frames(taken) == before
    assert Conversation.objects.get().attention
    assert [kind for item in untold(taken.pk) for kind, _ in item.frames] == [
        "run.started", "message.delta", "message.done", "handover.closed",
    ]  # fmt: skip


# Changes


def test_a_refused_change_is_told_with_its_reason(taken, maya):
    action = waits_for_approval(taken)
    answering.refuse_action(action_id=action.pk, by=maya, reason="Too late")
    told = frames(taken)
    done = next(f for f in told if f["type"] == "action.done")
    assert (done["action"], done["ok"], done["state"]) == (str(action.pk), False, "refused")
    assert "Too late" in done["html"]
    assert "Too late" in told[-1]["text"]
    assert told[-1]["type"] == "message.done"
    answering.refuse_action(action_id=action.pk, by=maya)
    assert frames(taken) == told
    assert handler(taken) == Handler.PERSON


def test_a_conversation_that_waited_for_approval_alone_leaves_the_queue(talk, maya):
    first, second = waits_for_approval(talk), waits_for_approval(talk)
    handover.request_handover(conversation_id=talk.pk, reason="approval")
    answering.refuse_action(action_id=first.pk, by=maya)
    assert handler(talk) == Handler.QUEUE
    answering.approve_action(action_id=second.pk, by=maya)  # of a tool that is gone: it fails, and that is told
    assert handler(talk) == Handler.BOT
    assert kinds(talk)[-1] == "handover.returned"
    assert Action.objects.get(pk=second.pk).state == "failed"


def test_only_agents_decide(taken, bob):
    action = waits_for_approval(taken)
    for decide in (answering.approve_action, answering.refuse_action):
        with pytest.raises(PermissionDenied):
            decide(action_id=action.pk, by=bob)


# An address


def test_a_customer_leaves_an_address_and_takes_it_back(waiting):
    person = Person(None, waiting.visitor)
    handover.leave_email(person=person, conversation_id=waiting.pk, address=" ann@example.com ")
    assert Handover.objects.get().email == "ann@example.com"
    with pytest.raises(ValidationError):
        handover.leave_email(person=person, conversation_id=waiting.pk, address="nonsense")
    handover.leave_email(person=person, conversation_id=waiting.pk, address="")
    assert Handover.objects.get().email == ""


@pytest.mark.parametrize("own", [True, False])
def test_nobody_leaves_an_address_where_none_is_asked_for(talk, own):
    person = Person(None, talk.visitor if own else uuid.uuid4())
    with pytest.raises(NotFoundError):
        handover.leave_email(person=person, conversation_id=talk.pk, address="a@example.com")


# Silence


def post(tenant, conversation, text="And now?", client_id="c1"):
    new = services.NewMessage(conversation.pk, False, client_id, text)
    return services.post_message(
        server=uuid.uuid4(), tenant=tenant, person=Person(None, conversation.visitor), message=new
    )


def test_while_a_person_answers_a_message_gets_no_reply(taken, tenant):
    posted = post(tenant, taken)
    assert (posted.job, posted.server) == (None, None)
    assert not Message.objects.filter(role=Role.ASSISTANT).exists()
    accepted = frames(taken)[-1]
    assert (accepted["type"], accepted["handled_by"]) == ("message.accepted", "person")


def test_while_it_waits_the_assistant_still_answers(waiting, tenant):
    posted = post(tenant, waiting)
    assert posted.job is not None
    assert not posted.job.turn.quiet


def test_after_it_is_given_back_the_next_message_is_answered(taken, maya, tenant):
    post(tenant, taken)
    handover.give_back(conversation_id=taken.pk, by=maya)
    posted = post(tenant, taken, "Hello?", "c2")
    assert posted.job is not None
    assert [past.text for past in posted.job.turn.history][-1] == "And now?"

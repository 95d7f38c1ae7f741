"""Past turns that prompts are tried on."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.context import PastMessage
from agents.prompts.past_turns import SOURCES
from chat.models import Conversation, Message, Role, State
from chat.past_turns import ChatTurns
from tenants.scope import tenant_scope


@pytest.fixture
def talk(scope):
    """Two questions with their replies, and a pressed button with its own."""
    begun = timezone.now()
    conversation = Conversation.objects.create(visitor=uuid.uuid4(), updated_at=begun, summary="Asked before: all")
    replies = []
    for number, text in enumerate(["How long?", "And the other?", ""]):
        at = begun + timedelta(seconds=number)
        action = None if text else uuid.uuid4()
        said = {"conversation": conversation, "created_at": at}
        asked = Message.objects.create(**said, role=Role.CUSTOMER, text=text, action=action)
        said["created_at"] += timedelta(microseconds=1)
        answer = {"role": Role.ASSISTANT, "reply_to": asked, "model": "m-1", "text": f"Answer {number}"}
        replies.append(Message.objects.create(**said, **answer))
    return replies


def test_the_latest_replies_to_questions_come_first(talk):
    assert isinstance(SOURCES.past, ChatTurns)
    assert [past.question for past in ChatTurns().recent(5)] == ["And the other?", "How long?"]
    assert [past.reply for past in ChatTurns().recent(1)] == [talk[1].pk]


@pytest.mark.parametrize("columns", [{"model": "none"}, {"state": State.FAILED}])
def test_greetings_and_failures_are_not_offered(talk, columns):
    Message.objects.filter(pk=talk[1].pk).update(**columns)
    assert [past.question for past in ChatTurns().recent(5)] == ["How long?"]


def test_a_turn_is_asked_again_with_what_came_before_it_alone(talk):
    turn = ChatTurns().turn_of(talk[1].pk)
    assert turn.question == "And the other?"
    assert [(m.role, m.text) for m in turn.history] == [("customer", "How long?"), ("assistant", "Answer 0")]
    assert isinstance(turn.history[0], PastMessage)
    assert (turn.summary, turn.failed_before, turn.decision) == ("", False, None)


def test_what_is_gone_and_a_pressed_button_are_no_turns(talk):
    assert ChatTurns().turn_of(uuid.uuid4()) is None
    assert ChatTurns().turn_of(talk[2].pk) is None


@pytest.mark.django_db
def test_another_tenants_replies_are_not_there(tenant, other_tenant):
    with tenant_scope(other_tenant.pk):
        assert ChatTurns().recent(5) == []

"""What a turn is told of the conversation before it."""

import uuid

import pytest
from django.utils import timezone

from chat.models import Conversation, Feedback, Message, Role, State, Thumb
from chat.queries import Past, history_before


@pytest.fixture
def conversation(scope):
    return Conversation.objects.create(visitor=uuid.uuid4(), updated_at=timezone.now())


@pytest.fixture
def said(conversation):
    """Say something, the customer or the assistant in turn."""

    def say(text, **columns):
        count = Message.objects.count()
        role = Role.ASSISTANT if count % 2 else Role.CUSTOMER
        return Message.objects.create(
            conversation=conversation, role=role, text=text, created_at=timezone.now(), **columns
        )

    return say


def before(conversation):
    return history_before(conversation.pk, Message(created_at=timezone.now()))


def test_nothing_came_before_the_first_question(conversation):
    assert before(conversation) == Past((), failed=False)


def test_what_was_said_is_told_in_order(conversation, said):
    said("How long?")
    said("Twelve hours.")
    past = before(conversation)
    assert [(message.role, message.text) for message in past.messages] == [
        ("customer", "How long?"),
        ("assistant", "Twelve hours."),
    ]
    assert not past.failed


@pytest.mark.parametrize(
    ("columns", "failed"),
    [
        ({"known": False}, True),
        ({"degraded": True}, True),
        ({"state": State.FAILED}, True),
        ({"state": State.STOPPED}, False),
        ({}, False),
    ],
)
def test_how_the_reply_before_went_is_told(conversation, said, columns, failed):
    said("How long?")
    said("I do not know.", **columns)
    assert before(conversation).failed is failed


@pytest.mark.parametrize(
    ("rated", "failed"),
    [({"thumb": Thumb.DOWN}, True), ({"thumb": Thumb.UP}, False), ({"rating": 2}, True), ({"rating": 3}, False)],
)
def test_a_bad_rating_counts_as_failed(conversation, said, rated, failed):
    said("How long?")
    Feedback.objects.create(message=said("Twelve hours."), **rated)
    assert before(conversation).failed is failed


def test_only_the_latest_reply_counts_and_none_that_still_runs(conversation, said):
    said("How long?")
    said("I do not know.", known=False)
    said("And now?")
    said("Twelve hours.")
    said("Really?")
    said("", state=State.RUNNING, known=False)
    assert not before(conversation).failed

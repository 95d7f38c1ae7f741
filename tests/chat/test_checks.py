import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chat import handover
from chat.checks import checks_of, held_answer
from chat.models import Conversation, Message, Role
from tenants.models import Role as MemberRole
from tenants.scope import tenant_scope
from tests.conftest import person

HELD = {"text": "It lasts 15 hours [1]. It charges fast [1].", "why": "ungrounded", "becomes": "held"}
TRACE = {
    "input": {"careful": True, "injection": 0.83, "reasons": ["Asks to set aside the rules"], "abuse": ["insult"]},
    "grounding": {"share": 0.5, "unsupported": [0], "statements": [[0, 22, 0.0, "number"], [23, 43, 0.9, ""]]},
    "suspicious_passages": [{"n": 2, "score": 0.7, "reasons": []}],
    "withdrawn": HELD,
}


def said(tenant, trace, **values) -> Message:
    now = timezone.now()
    with tenant_scope(tenant.pk):
        conversation = Conversation.objects.create(visitor=uuid.uuid4(), title="x", updated_at=now)
        asked = Message.objects.create(conversation=conversation, role=Role.CUSTOMER, text="How long?", created_at=now)
        return Message.objects.create(
            conversation=conversation, role=Role.ASSISTANT, reply_to=asked, text="A colleague checks it.", trace=trace,
            created_at=now + timedelta(microseconds=1), confidence=0.3, **values,
        )  # fmt: skip


def test_an_empty_trace_notices_nothing():
    checks = checks_of({}, "text")
    assert (checks.careful, checks.sentences, checks.supported, checks.withdrawn) == (False, (), None, "")


def test_sentences_are_those_of_the_answer_that_was_held_back():
    checks = checks_of(TRACE, "A colleague checks it.")
    assert [(s.text, s.supported) for s in checks.sentences] == [
        ("It lasts 15 hours [1].", False), ("It charges fast [1].", True),
    ]  # fmt: skip
    assert (checks.unsupported, checks.supported, checks.passages) == (1, 0.5, (2,))
    assert "inbox" in checks.withdrawn_why


@pytest.mark.django_db
def test_reviewers_read_and_filter_what_was_noticed(tenant):
    rita = person(tenant, "rita", MemberRole.REVIEWER)
    noticed = said(tenant, TRACE)
    said(tenant, {"input": {"careful": False}, "grounding": {"share": 1.0}})
    client = Client()
    client.force_login(rita)
    page = client.get(f"/{tenant.slug}/review/{noticed.pk}/").content.decode()
    assert "Asks to set aside the rules" in page
    assert "<mark>It lasts 15 hours [1].</mark>" in page
    for name in ("suspicious", "ungrounded"):
        assert "1 reply waits for you" in client.get(f"/{tenant.slug}/review/?{name}=1").content.decode()
    assert "2 replies wait for you" in client.get(f"/{tenant.slug}/review/").content.decode()


@pytest.mark.django_db
def test_who_takes_over_finds_the_held_answer_in_the_box(tenant):
    anna = person(tenant, "anna", MemberRole.AGENT)
    message = said(tenant, TRACE)
    with tenant_scope(tenant.pk):
        handover.request_handover(conversation_id=message.conversation_id, reason="policy_restriction")
        handover.take_over(conversation_id=message.conversation_id, by=anna)
    client = Client()
    client.force_login(anna)
    page = client.get(f"/{tenant.slug}/inbox/{message.conversation_id}/").content.decode()
    assert HELD["text"] in page.split('id="answer-text"')[1]
    with tenant_scope(tenant.pk):
        conversation = message.conversation
        assert held_answer(conversation) == HELD["text"]
        Message.objects.create(
            conversation=conversation,
            role=Role.PERSON,
            text="Twelve.",
            created_at=timezone.now() + timedelta(seconds=1),
        )
        assert held_answer(conversation) == ""

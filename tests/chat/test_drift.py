"""Which questions the report on drift is made of."""

import datetime as dt

import pytest
from django.utils import timezone

from chat import drift
from chat.models import Conversation, Message, Role, State
from knowledge.models import VectorDrift
from tenants.scope import tenant_scope
from tests.knowledge.conftest import add, embedder, files  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(tenant, bob):
    def ask(text: str, *, days: int = 1, trace: dict | None = None, **values) -> None:
        at = timezone.now() - dt.timedelta(days=days)
        talk = Conversation.objects.create(user=bob, updated_at=at)
        said = Message.objects.create(conversation=talk, role=Role.CUSTOMER, text=text, created_at=at)
        Message.objects.create(
            conversation=talk,
            role=Role.ASSISTANT,
            state=State.DONE,
            reply_to=said,
            created_at=at,
            finished_at=at,
            trace={"answerability": 0.2} if trace is None else trace,
            **values,
        )

    return ask


def test_questions_that_were_searched_for_count_as_they_were_meant(tenant, ask):
    with tenant_scope(tenant.pk):
        ask("And how long?", trace={"rewritten": "How long does the battery last?", "answerability": 0.9})
        ask("My mail is bob@example.com, do you gift-wrap?", days=2)
        ask("Hello", trace={})
        ask("Long ago", days=100)
        found = drift.questions()

    assert (found[0].text, found[0].found) == ("How long does the battery last?", True)
    assert len(found) == 2
    assert "bob@example.com" not in found[1].text
    assert found[1].found is False


def test_the_report_is_kept(tenant, ask, add):  # noqa: F811 (the fixture)
    add("battery", "The battery lasts 40 km.")
    with tenant_scope(tenant.pk):
        ask("How long does the battery last?")
    drift.measure_drift(tenant.pk)

    with tenant_scope(tenant.pk):
        week = VectorDrift.objects.get().figures["weeks"][-1]
    assert (week["questions"], week["unanswered"], week["passages"]) == (1, 1.0, 1)

"""The answer policy in the admin: who may come, what is read of plain lines, and what is refused in plain words."""

import pytest
from django.urls import reverse

from agents.models import AnswerPolicy
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
POLICY = "/admin/agents/answerpolicy/"
FORM = {
    "min_confidence": "0.4",
    "below": "ask",
    "blocked_topics": "politics\n\nlegal advice: lawyer, sue\n",
    "required_phrases": "refund, return => Refunds take => five days.\nalways => See you!",
    "tone": "Warm and brief.",
    "cache": "on",
    "cache_risk": "0.01",
    "progress_seconds": "15",
}


@pytest.fixture
def owner(client, alice):
    client.force_login(alice)
    return alice


def change(tenant):
    with tenant_scope(tenant.pk):
        row = AnswerPolicy.objects.first() or AnswerPolicy.objects.create()
    return reverse("admin:agents_answerpolicy_change", args=[row.pk])


def test_owners_alone_come_in(client, tenant, owner, bob, charlie):
    assert client.get(POLICY, follow=True).status_code == 200
    assert "Topics it does not talk about" in client.get(change(tenant)).content.decode()
    others = (person(tenant, "cora", Role.CURATOR, Role.REVIEWER, Role.AGENT), bob, charlie)
    for outsider in others:
        client.force_login(outsider)
        for url in (POLICY, change(tenant)):
            assert client.get(url).status_code in {302, 403, 404}
            assert client.post(url, FORM).status_code in {302, 403, 404}
    with tenant_scope(tenant.pk):
        assert AnswerPolicy.objects.get().tone == ""


@pytest.mark.usefixtures("owner")
def test_lists_are_plain_lines(client, tenant):
    assert client.post(change(tenant), FORM).status_code == 302
    with tenant_scope(tenant.pk):
        row = AnswerPolicy.objects.get()
        assert row.blocked_topics == ["politics", "legal advice: lawyer, sue"]
        assert row.required_phrases == [
            {"when": ["refund", "return"], "say": "Refunds take => five days."},
            {"when": [], "say": "See you!"},
        ]
        assert (row.min_confidence, row.below, row.tone) == (0.4, "ask", "Warm and brief.")
        assert AuditEvent.objects.filter(action="policy.edited", target="answers").exists()
    page = client.get(change(tenant)).content.decode()
    assert "refund, return =&gt; Refunds take =&gt; five days." in page
    assert "always =&gt; See you!" in page


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("blocked_topics", ": lawyer", "Write the topic before the colon"),
        ("blocked_topics", "x\n" * 51, "at most 50 lines"),
        ("blocked_topics", "x" * 501, "up to 500 characters"),
        ("required_phrases", "Just a sentence.", "Write “refund, return"),
        ("required_phrases", "refund =>", "always"),
        ("below", "answer", "Choose what becomes of answers below"),
        ("min_confidence", "2", "less than or equal to 1"),
        ("tone", "x" * 1001, "at most 1000 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(client, tenant, field, value, said):
    page = client.post(change(tenant), FORM | {field: value})
    assert page.status_code == 200
    assert said in page.content.decode()
    assert "legal advice" in page.content.decode() or field == "blocked_topics"
    with tenant_scope(tenant.pk):
        assert AnswerPolicy.objects.get().blocked_topics == []

"""A reviewed reply's question goes into an evaluation set: by a click, once, without personal data."""

import pytest
from django.test import Client

from chat.erasure import erase_customer
from chat.models import Conversation, Review
from knowledge.models import EvaluationCase, EvaluationSet
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.chat.test_review import HTMX, reply, reviewer, rita
from tests.conftest import person

__all__ = ["reviewer", "rita"]  # fixtures
pytestmark = pytest.mark.django_db

TRACE = {
    "rewritten": "Does the X1 charge faster, asks ann@example.com?",
    "passages": [
        {"document": "manual", "title": "X1 manual", "text": "It charges.", "document_id": 1, "scores": {}},
        {"document": "faq", "title": "Questions", "text": "No.", "document_id": 2, "scores": {}},
    ],
}
CITED = [{"n": 1, "document": "manual", "title": "X1 manual", "document_id": 1, "page": None}]


def address(tenant, shown):
    return f"/{tenant.slug}/review/{shown.pk}/evaluation/"


def cases(tenant):
    with tenant_scope(tenant.pk):
        return list(EvaluationCase.objects.select_related("set"))


def test_a_good_reply_offers_what_it_cites(tenant, reviewer):
    shown = reply(tenant, trace=TRACE, citations=CITED)
    page = reviewer.get(f"/{tenant.slug}/review/{shown.pk}/").content.decode()
    assert 'value="manual" checked' in page
    assert 'value="faq">' in page


def test_a_bad_reply_offers_without_choosing(tenant, reviewer):
    shown = reply(tenant, trace=TRACE, citations=CITED, stars=1)
    page = reviewer.get(f"/{tenant.slug}/review/{shown.pk}/").content.decode()
    assert 'value="manual" checked' not in page


def test_a_click_keeps_the_question_once(tenant, reviewer):
    shown = reply(tenant, trace=TRACE, citations=CITED)
    for documents in (["manual"], ["manual", "faq"]):
        page = reviewer.post(address(tenant, shown), {"documents": documents}, headers=HTMX).content.decode()
        assert "In set “Reviewed replies”" in page
    [case] = cases(tenant)
    assert case.question == "Does the X1 charge faster, asks [email 1]?"
    assert [row["document"] for row in case.expected] == ["manual", "faq"]
    assert case.source == shown.pk
    assert case.expected_answer == ""


def test_the_better_answer_is_what_is_expected(tenant, reviewer, rita):
    shown = reply(tenant, trace=TRACE)
    with tenant_scope(tenant.pk):
        Review.objects.create(message=shown, reviewer=rita, rating=1, corrected="Yes, in an hour.")
    reviewer.post(address(tenant, shown), {"documents": ["manual"]})
    assert cases(tenant)[0].expected_answer == "Yes, in an hour."
    reviewer.post(address(tenant, shown), {"documents": ["manual"], "corrected": "Yes, in two."}, headers=HTMX)
    assert cases(tenant)[0].expected_answer == "Yes, in two."


def test_a_reply_that_a_reviewer_liked_is_the_expected_answer(tenant, reviewer, rita):
    shown = reply(tenant, trace=TRACE, text="Yes, in an hour [1].")
    with tenant_scope(tenant.pk):
        Review.objects.create(message=shown, reviewer=rita, rating=5)
    reviewer.post(address(tenant, shown), {"documents": ["manual"]})
    assert cases(tenant)[0].expected_answer.startswith("Yes, in an hour")
    assert "[1]" not in cases(tenant)[0].expected_answer


def test_nothing_chosen_and_strange_documents_are_refused(tenant, reviewer):
    shown = reply(tenant, trace=TRACE)
    assert "Choose the documents" in reviewer.post(address(tenant, shown), {}, headers=HTMX).content.decode()
    assert "alert" in reviewer.post(address(tenant, shown), {"documents": "x"}, headers=HTMX).content.decode()
    assert cases(tenant) == []


def test_the_set_can_be_chosen(tenant, reviewer):
    with tenant_scope(tenant.pk):
        EvaluationSet.objects.create(name="A")
        chosen = EvaluationSet.objects.create(name="B")
    shown = reply(tenant, trace=TRACE)
    reviewer.post(address(tenant, shown), {"documents": "faq", "set": chosen.pk}, headers=HTMX)
    assert str(cases(tenant)[0].set) == "B"


def test_only_reviewers_and_owners(tenant, other_tenant, reviewer, alice, bob, charlie):
    shown = reply(tenant, trace=TRACE)
    for user in (bob, charlie, person(tenant, "cora", Role.CURATOR), person(other_tenant, "olaf", Role.OWNER)):
        client = Client()
        client.force_login(user)
        assert client.post(address(tenant, shown), {"documents": "faq"}).status_code == 404
    assert cases(tenant) == []
    client = Client()
    client.force_login(alice)
    assert client.post(address(tenant, shown), {"documents": "faq"}).status_code == 302
    assert len(cases(tenant)) == 1
    assert reviewer.get(address(tenant, shown)).status_code == 405


def test_erasing_the_customer_takes_the_question_along(tenant, reviewer, bob):
    shown = reply(tenant, trace=TRACE)
    with tenant_scope(tenant.pk):
        Conversation.objects.filter(pk=shown.conversation_id).update(user=bob, visitor=None)
    reviewer.post(address(tenant, shown), {"documents": "faq"})
    with tenant_scope(tenant.pk):
        assert erase_customer(email="bob@example.com", actor="a")["evaluationcase"] == 1
    assert cases(tenant) == []

"""The admin's pages about intents: who may come, what they change."""

import pytest
from django.urls import reverse

from agents.models import Intent, IntentExample
from agents.routing import teaching
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_fresh_process")]
LIST, ADD = "/admin/agents/intent/", "/admin/agents/intent/add/"
NO_ROWS = {"examples-TOTAL_FORMS": 0, "examples-INITIAL_FORMS": 0}


@pytest.fixture
def curator(tenant, client):
    user = person(tenant, "cora", Role.CURATOR)
    client.force_login(user)
    return user


@pytest.mark.parametrize("url", [LIST, ADD])
def test_only_curators_come_in(client, tenant, curator, bob, charlie, url):
    assert client.get(url).status_code == 200
    for outsider in (bob, charlie, person(tenant, "rita", Role.REVIEWER)):
        client.force_login(outsider)
        assert client.get(url, follow=True).status_code == 403


def test_examples_are_pasted_one_a_line(client, tenant, curator):
    data = {"name": "repair", "enabled": "on", "pasted": "mend my phone\n\n mend  my phone\nfix it", **NO_ROWS}
    assert client.post(ADD, data).status_code == 302
    with tenant_scope(tenant.pk):
        assert set(IntentExample.objects.values_list("text", flat=True)) == {"mend my phone", "fix it"}
        assert set(AuditEvent.objects.filter(actor="cora").values_list("action", flat=True)) == {
            "intent.added",
            "intent.taught",
        }


def test_a_name_that_is_taken_is_said_so_and_nothing_is_lost(client, tenant, curator):
    with tenant_scope(tenant.pk):
        teaching.save_intent(intent=Intent(name="repair"), actor="a")
    response = client.post(ADD, {"name": "repair", "pasted": "mend it", **NO_ROWS})
    assert response.status_code == 200
    assert "mend it" in response.content.decode()
    assert "already exists" in response.content.decode()


def test_an_example_is_deleted_in_the_page_of_its_intent(client, tenant, curator):
    with tenant_scope(tenant.pk):
        intent = teaching.save_intent(intent=Intent(name="repair"), actor="a")
        teaching.add_examples(intent=intent, texts=["mend it", "fix it"], actor="a")
        first = IntentExample.objects.get(text="fix it")
        second = IntentExample.objects.get(text="mend it")
    url = reverse("admin:agents_intent_change", args=[intent.pk])
    assert "mend it" in client.get(url).content.decode()
    rows = {"examples-TOTAL_FORMS": 2, "examples-INITIAL_FORMS": 2}
    for number, example in enumerate((first, second)):
        rows |= {
            f"examples-{number}-id": example.pk,
            f"examples-{number}-intent": intent.pk,
            f"examples-{number}-text": example.text,
        }
    data = {"name": "repair", "enabled": "on", **rows, "examples-0-DELETE": "on"}
    assert client.post(url, data).status_code == 302
    with tenant_scope(tenant.pk):
        assert list(IntentExample.objects.values_list("text", flat=True)) == ["mend it"]


def test_a_sentence_is_tried(client, tenant, curator):
    page = client.get(LIST, {"sentence": "Where is ORD-1002? <script>"}).content.decode()
    assert "order_status" in page
    assert "orders: ORD-1002" in page
    assert '<script>"' not in page
    assert "&lt;script&gt;" in page


def test_an_intent_of_another_tenant_is_not_there(client, curator, other_tenant):
    with tenant_scope(other_tenant.pk):
        intent = teaching.save_intent(intent=Intent(name="theirs"), actor="a")
    assert "theirs" not in client.get(LIST).content.decode()
    assert client.get(reverse("admin:agents_intent_change", args=[intent.pk])).status_code == 302


def test_deleting_is_audited(client, tenant, curator):
    with tenant_scope(tenant.pk):
        intent = teaching.save_intent(intent=Intent(name="repair"), actor="a")
    client.post(reverse("admin:agents_intent_delete", args=[intent.pk]), {"post": "yes"})
    with tenant_scope(tenant.pk):
        assert not Intent.objects.exists()
        assert AuditEvent.objects.filter(action="intent.deleted", actor="cora").count() == 1

"""The list of answers that are given again, in the admin: for curators."""

import pytest
from django.urls import reverse

from agents.models import CachedAnswer
from tenants.models import AuditEvent, Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
LIST = "/admin/agents/cachedanswer/"


def kept(tenant, question="How long does delivery take?"):
    with tenant_scope(tenant.pk):
        return CachedAnswer.objects.create(
            scope="s", digest="d", question=question, vector=[1, 0], answer={"text": "Three days [1]."}, hits=2
        )


def test_only_curators_come_in(client, tenant, bob, charlie):
    kept(tenant)
    client.force_login(person(tenant, "cora", Role.CURATOR))
    assert b"How long does delivery take?" in client.get(LIST).content
    for outsider in (bob, charlie, person(tenant, "rita", Role.REVIEWER)):
        client.force_login(outsider)
        assert client.get(LIST, follow=True).status_code == 403


def test_a_curator_drops_one_and_sees_none_of_another_tenant(client, tenant, other_tenant):
    client.force_login(person(tenant, "cora", Role.CURATOR))
    own, other = kept(tenant), kept(other_tenant, "What do others ask?")
    assert b"What do others ask?" not in client.get(LIST).content
    data = {"action": "drop", "_selected_action": [own.pk, other.pk]}
    assert client.post(reverse("admin:agents_cachedanswer_changelist"), data).status_code == 302
    with tenant_scope(tenant.pk):
        assert CachedAnswer.objects.get().dropped_at
        assert AuditEvent.objects.get(action="cache.dropped").actor == "cora"
    with tenant_scope(other_tenant.pk):
        assert CachedAnswer.objects.get().dropped_at is None

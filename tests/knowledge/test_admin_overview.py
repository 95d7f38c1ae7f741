"""The first page of the admin: how the documents stand, and what those see who keep none."""

import re

import pytest
from django.contrib.auth.models import User

from knowledge import services
from knowledge.admin.overview import SHOWN, STANDINGS, overview
from knowledge.sources import NewDocument
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db


def counts(tenant):
    with tenant_scope(tenant.pk):
        return {tile["value"]: tile["count"] for tile in overview()["tiles"]}


def test_every_document_counts_once(add, tenant, other_tenant):
    assert counts(tenant) == dict.fromkeys(STANDINGS, 0)
    add("live")
    add("draft", "Not yet.", publish=False)
    bad = add("bad", data=b"%PDF-1.7 nothing", filename="bad.pdf")
    with tenant_scope(tenant.pk):
        services.archive([add("old", "Old text.")], actor="a")
        services.add_document(NewDocument(external_id="new", text="New."), actor="a")
        found = overview()
    assert counts(tenant) == {"live": 1, "work": 1, "held": 0, "failed": 1, "draft": 1, "archived": 1}
    assert found["total"] == 5
    assert found["failed"] == [bad]
    assert counts(other_tenant) == dict.fromkeys(STANDINGS, 0)


def test_a_live_document_whose_new_version_failed_is_both(add, tenant):
    add("a.md", data=b"# Fine", filename="a.md")
    add("a.md", data=b"%PDF-1.7 nothing", filename="a.pdf")
    assert counts(tenant) == {"live": 1, "work": 0, "held": 0, "failed": 1, "draft": 0, "archived": 0}


def test_lists_are_short_and_begin_with_the_newest(add, tenant):
    for number in range(SHOWN + 2):
        add(f"d{number}", f"Text {number}.")
    with tenant_scope(tenant.pk):
        names = [document.external_id for document in overview()["recent"]]
    assert names == [f"d{number}" for number in range(SHOWN + 1, 1, -1)]


def test_a_curator_is_told_what_to_do(client, tenant, add):
    client.force_login(person(tenant, "cora", Role.CURATOR))
    assert "Add the first ones" in client.get("/admin/").content.decode()
    add("bad", data=b"%PDF-1.7 nothing", filename="bad.pdf")
    page = client.get("/admin/").content.decode()
    assert "damaged" in page
    assert re.search(r'\?is=failed"><span class="aw-figure num">1<', page)


def test_a_reviewer_sees_no_documents(client, tenant, add):
    add("a", title="Secret plan")
    client.force_login(person(tenant, "rita", Role.REVIEWER))
    page = client.get("/admin/").content.decode()
    assert "Secret plan" not in page
    assert "Open the chat" in page


def test_an_operator_without_tenants_is_led_to_the_first(client):
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "a long enough password"))
    assert "Add a tenant" in client.get("/admin/").content.decode()

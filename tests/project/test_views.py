"""Pages that belong to no tenant."""

import uuid

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django.utils import timezone
from psycopg_pool import PoolTimeout

from agents.routing import intents
from chat.models import Conversation
from project import views, warm_up
from tenants.access import sign_visitor
from tenants.scope import tenant_scope
from tenants.services import create_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def warm(monkeypatch):
    monkeypatch.setitem(warm_up._state, "now", "ready")


def test_healthy(client, warm):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_not_healthy_while_the_model_loads(client, monkeypatch):
    monkeypatch.setitem(warm_up._state, "now", "loading the embedding model")
    response = client.get("/healthz")
    assert (response.status_code, response.json()["status"]) == (503, "loading the embedding model")


@pytest.mark.parametrize("error", [OperationalError("gone"), PoolTimeout("full")])
def test_not_healthy_without_the_database(client, warm, monkeypatch, error):
    def away():
        raise error

    monkeypatch.setattr(views.connection, "cursor", away)
    assert client.get("/healthz").status_code == 503


def test_what_keeps_it_from_answering_is_named_and_tried_again(monkeypatch):
    tries = []

    def broken_once():
        tries.append(warm_up.state())
        if len(tries) == 1:
            raise RuntimeError("wrong sum")

    monkeypatch.setitem(warm_up._state, "now", "starting")
    monkeypatch.setattr(warm_up, "RETRY_AFTER", 0)
    monkeypatch.setattr(warm_up, "_load_model", broken_once)
    monkeypatch.setattr(warm_up, "_load_replicas", lambda: None)
    monkeypatch.setattr(warm_up, "_load_intents", lambda: None)
    monkeypatch.setattr(warm_up.connections, "close_all", lambda: None)
    warm_up._load()
    assert tries == ["starting", "cannot answer yet: wrong sum"]
    assert warm_up.done()


def test_intents_are_loaded_for_each_tenant_and_one_that_fails_stops_nothing(tenant, other_tenant, monkeypatch, caplog):
    asked = []

    def understand(tenant_id, text, *, language):
        asked.append((tenant_id, language))
        if tenant_id == tenant.pk:
            raise OperationalError("gone")

    monkeypatch.setattr(intents, "understand", understand)
    monkeypatch.setitem(warm_up._state, "now", "starting")
    warm_up._load_intents()
    assert asked == [(tenant.pk, "en"), (other_tenant.pk, "en")]
    assert "The intents of acme could not be loaded" in caplog.text


def test_the_only_tenant_is_where_the_way_in_leads(client, tenant):
    assert client.get("/")["Location"] == "/acme/"


def test_a_choice_between_tenants(client, tenant, other_tenant):
    text = client.get("/").content.decode()
    assert 'href="/acme/"' in text
    assert 'href="/globex/"' in text


def test_a_closed_tenant_is_not_offered(client, tenant, other_tenant):
    closed = create_tenant(slug="closed")
    closed.active = False
    closed.save()
    assert "closed" not in client.get("/").content.decode()


def test_a_missing_page_is_told_in_words(client, db):
    response = client.get("/nobody/")
    assert response.status_code == 404
    assert b"<h1" in response.content


def test_a_database_that_is_away_is_told_as_such():
    request = RequestFactory().get("/acme/")
    try:
        raise OperationalError("gone")  # noqa: TRY301 (handler500 runs while the error is being handled)
    except OperationalError:
        response = views.server_error(request)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_a_defect_is_told_as_such():
    assert views.server_error(RequestFactory().get("/acme/")).status_code == 500


@pytest.mark.parametrize("path", ["/", "/accounts/sign-in/"])
def test_pages_carry_a_strict_policy(client, tenant, other_tenant, path):
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def sign_in(client, name, address):
    return client.post(f"/accounts/sign-in/?next={address}", {"username": name, "password": "a long enough password"})


def test_who_signs_in_keeps_what_they_asked_as_a_visitor(client, tenant, bob):
    visitor = uuid.uuid4()
    with tenant_scope(tenant.pk):
        asked = Conversation.objects.create(visitor=visitor, updated_at=timezone.now())
    client.cookies["askwell_visitor"] = sign_visitor(visitor)
    assert sign_in(client, "bob", "/acme/").status_code == 302
    with tenant_scope(tenant.pk):
        asked.refresh_from_db()
        assert (asked.user_id, asked.visitor) == (bob.pk, None)


def test_another_visitors_questions_are_left_alone(client, tenant, bob):
    with tenant_scope(tenant.pk):
        others = Conversation.objects.create(visitor=uuid.uuid4(), updated_at=timezone.now())
    client.cookies["askwell_visitor"] = sign_visitor(uuid.uuid4())
    sign_in(client, "bob", "/acme/")
    with tenant_scope(tenant.pk):
        others.refresh_from_db()
        assert others.user_id is None


def test_signing_in_from_nowhere_in_particular(client, tenant, bob):
    client.cookies["askwell_visitor"] = sign_visitor(uuid.uuid4())
    assert sign_in(client, "bob", "")["Location"] == "/"
    assert sign_in(client, "bob", "https://elsewhere.example/")["Location"] == "/"

"""What people are told of a tenant's index: where it is, how it searches, and why so."""

import pytest

from knowledge.admin.index import (
    ASKED_FOR,
    DATABASE,
    ENGINE,
    HOW,
    LOADING,
    MEMORY,
    WORDS,
    index_standing,
    served_by,
)
from knowledge.embedding.base import EmbedderError
from knowledge.indexes.kinds import Kind
from knowledge.indexes.replica import replicas
from knowledge.models import ExternalIndex, SearchSettings
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(add, tenant):
    add("returns")
    add("battery", "The battery lasts twelve hours.")
    return tenant


def standing(tenant):
    with tenant_scope(tenant.pk):
        return index_standing(tenant.pk)


def test_a_small_tenant_is_in_memory_and_flat(shop):
    found = standing(shop)
    assert (found.where, found.passages, found.megabytes, found.how) == (MEMORY, 2, 1, HOW[Kind.FLAT])
    assert found.why == "Looking at every passage is fastest below 50,000 passages."


def test_what_the_operator_asked_for_is_said(shop, settings):
    settings.ASKWELL_INDEX = "pgvector"
    assert (standing(shop).where, standing(shop).why) == (DATABASE, ASKED_FOR)


def test_what_does_not_fit_says_what_it_needs(shop, settings, monkeypatch):
    monkeypatch.setattr(replicas, "get", lambda _: None)
    assert standing(shop).why == LOADING
    monkeypatch.setattr("knowledge.admin.index._count", lambda: 1_000_000)
    settings.ASKWELL_INDEX_MEMORY = 1024
    assert standing(shop).why == "In memory they would take about 2,861 MB, and ASKWELL_INDEX_MEMORY allows 1,024 MB."


def test_without_a_model_words_are_left(shop, monkeypatch):
    def fails(_):
        raise EmbedderError("No such model.")

    monkeypatch.setattr(replicas, "get", fails)
    assert (standing(shop).where, standing(shop).why) == (WORDS, "The embedding model cannot be used: No such model.")


def test_a_vector_engine_says_how_far_it_is_behind(shop, settings):
    with tenant_scope(shop.pk):
        engine = ExternalIndex.objects.create(version=1, model="any")
    assert standing(shop).where == MEMORY
    assert "“manage.py move_index” goes on" in standing(shop).beside
    settings.ASKWELL_QDRANT_URL = "http://127.0.0.1:1"
    with tenant_scope(shop.pk):
        ExternalIndex.objects.filter(pk=engine.pk).update(serves=True)
    found = standing(shop)
    assert (found.where, found.passages) == (ENGINE, 2)
    assert found.beside.endswith("It is 1 change behind.")


@pytest.mark.parametrize(("index", "words"), [("faiss", "from memory"), ("qdrant", "by the vector engine Qdrant")])
def test_what_served_a_search_in_words(index, words):
    assert served_by(index) == words


def test_it_is_shown_where_people_look(shop, client):
    with tenant_scope(shop.pk):
        row = SearchSettings.objects.create()
    settings_page, search = f"/admin/knowledge/searchsettings/{row.pk}/change/", "/admin/knowledge/search/"
    for role, pages in (
        (Role.OWNER, (settings_page, search)),
        (Role.CURATOR, (search, f"{search}?q=battery")),
        (Role.REVIEWER, (search,)),
    ):
        client.force_login(person(shop, role.lower(), role))
        for page in pages:
            assert "Looking at every passage is fastest below 50,000 passages." in client.get(page).content.decode()
    client.force_login(person(shop, "anna", Role.AGENT))
    assert {client.get(page).status_code for page in (settings_page, search)} == {403}

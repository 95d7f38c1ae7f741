"""What is gone is never cited from the next question on, and what is new is found by it, whatever replicas do."""

import datetime as dt

import pytest
from django.utils import timezone

from knowledge import services
from knowledge.indexes import replica as module
from knowledge.indexes.replica import replicas
from knowledge.models import Chunk, Document
from knowledge.retrieval.search import search
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
QUERY = "How long does the lantern burn?"


def archive(document):
    services.archive([document], actor="a")


def delete(document):
    services.delete([document], actor="a")


def switch_off(document):
    services.set_chunk_enabled(Chunk.objects.get(document=document), enabled=False, actor="a")


def expire(document):
    yesterday = timezone.now().date() - dt.timedelta(days=1)
    services.set_metadata(document, {"valid_until": yesterday}, actor="a")


def expire_by_time(document):
    """Nobody says anything: a day begins."""
    Document.objects.filter(pk=document.pk).update(valid_until=timezone.now().date() - dt.timedelta(days=1))


ENDS = [archive, delete, switch_off, expire, expire_by_time]


@pytest.fixture(params=["faiss", "pgvector"])
def shop(request, add_all, tenant, settings):
    settings.ASKWELL_INDEX = request.param
    replicas.forget(tenant.pk)
    others = ({"external_id": f"d{n}", "text": f"Chapter {n} tells of parcels and of invoices."} for n in range(4))
    add_all(*others, {"external_id": "lantern", "text": "The lantern burns twelve hours."})
    yield tenant
    replicas.forget(tenant.pk)


def found(tenant) -> list[str]:
    return [passage.document for passage in search(tenant.pk, QUERY).passages]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("working", [True, False])
def test_what_is_gone_is_not_cited_from_the_next_question_on(shop, end, working, monkeypatch):
    """Not even where the replica cannot follow."""
    assert found(shop)[0] == "lantern"
    with tenant_scope(shop.pk):
        end(Document.objects.get(external_id="lantern"))
    if not working:
        monkeypatch.setattr(module, "_advanced", lambda *_: 1 / 0)
        monkeypatch.setattr(replicas, "refresh", lambda _, behind: behind)

    assert sorted(found(shop)) == ["d0", "d1", "d2", "d3"]


@pytest.mark.parametrize("busy", [True, False])
def test_what_is_new_is_found_by_the_next_question(shop, add, busy):
    """While a large change is being applied behind the questions, PostgreSQL finds it."""
    found(shop)
    replicas._entry(shop.pk).busy = busy
    add("torch", "The lantern of the new kind does burn so very long.")

    assert found(shop)[0] == "torch"
    replicas._entry(shop.pk).busy = False


def test_a_thousand_changes_at_once_hide_nothing(shop, add, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 0)
    monkeypatch.setattr(module, "CHANGES_AT_ONCE", 2)
    monkeypatch.setattr(replicas._background, "submit", lambda *_: None)  # the background is slow
    replicas.load(shop.pk)
    with tenant_scope(shop.pk):
        services.archive(Document.objects.filter(external_id__in=["d0", "d1", "d2"]), actor="a")
    add("torch", "The lantern of the new kind does burn so very long.")

    assert found(shop)[0] == "torch"
    assert sorted(found(shop)) == ["d3", "lantern", "torch"]

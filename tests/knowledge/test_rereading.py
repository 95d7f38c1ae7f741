"""Documents that an earlier edition of the readers has read: which they are, and reading them again to the end."""

import pytest

from knowledge import ingestion, rereading, services, tasks
from knowledge.chunking import READER
from knowledge.models import Chunk, Document, DocumentVersion
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
State = DocumentVersion.State


@pytest.fixture
def grow_old(tenant):
    """Has all that was read so far been read by an earlier edition."""

    def grow_old():
        with tenant_scope(tenant.pk):
            DocumentVersion.objects.update(reader=READER - 1)

    return grow_old


def older(tenant):
    with tenant_scope(tenant.pk):
        return set(rereading.older_documents().values_list("external_id", flat=True))


def read_what_waits(tenant):
    with tenant_scope(tenant.pk):
        waiting = list(DocumentVersion.objects.filter(state=State.QUEUED).values_list("pk", flat=True))
    return ingestion.ingest_versions(tenant.pk, waiting)


def test_what_is_read_now_is_not_old(add, tenant, grow_old):
    add("a")
    assert older(tenant) == set()
    grow_old()
    assert older(tenant) == {"a"}


def test_what_is_archived_failed_or_being_read_is_left_alone(add, tenant, grow_old):
    for name in ("kept", "archived", "failed", "waiting"):
        add(name, f"Text of {name}.")
    add("failed", data=b"%PDF-1.7 nothing", filename="failed.pdf")
    with tenant_scope(tenant.pk):
        services.archive(Document.objects.filter(external_id="archived"), actor="a")
        services.reread(Document.objects.filter(external_id="waiting"), actor="a")
    grow_old()
    assert older(tenant) == {"kept"}


def test_all_are_read_again_though_the_worker_is_killed_half_way(add, tenant, grow_old, monkeypatch):
    names = {f"d{number}" for number in range(5)}
    for name in names:
        add(name, f"Text of {name}.")
    grow_old()
    assert rereading.reread_some(tenant.pk, actor="cora", at_once=2) is True  # and then it dies
    assert len(older(tenant)) == 3
    monkeypatch.setattr(rereading.reread_some, "__kwdefaults__", {"at_once": 2})
    tasks.reread_older(tenant.pk, "cora")
    assert older(tenant) == set()
    outcomes = read_what_waits(tenant)
    assert {outcome.external_id for outcome in outcomes} == names
    with tenant_scope(tenant.pk):
        assert set(Document.objects.values_list("current__reader", "current__number")) == {(READER, 2)}
        assert Chunk.objects.count() == len(names)


def test_a_page_of_the_web_is_read_again_though_it_has_not_changed(add, tenant, grow_old, monkeypatch):
    class Page:
        data, filename = b"# Hello\n\nA page.", "page.md"

    monkeypatch.setattr("knowledge.fetching.fetch", lambda _: Page())
    document = add("https://example.com/page.md", None, url="https://example.com/page.md")
    with tenant_scope(tenant.pk):
        services.reread([document], actor="a")
    assert [outcome.state for outcome in read_what_waits(tenant)] == ["skipped"]  # by this edition: nothing to do
    with tenant_scope(tenant.pk):
        DocumentVersion.objects.exclude(number=1).delete()
    grow_old()
    rereading.reread_some(tenant.pk, actor="cora")
    assert [outcome.state for outcome in read_what_waits(tenant)] == ["live"]
    assert older(tenant) == set()

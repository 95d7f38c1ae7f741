"""Replicas that come from the disk: as of now, of this database, and gone with their tenant."""

import pytest
from django.db.models.signals import post_delete

from knowledge import services
from knowledge.indexes import replica as module
from knowledge.indexes import storage
from knowledge.indexes.packing import held_bytes
from knowledge.indexes.replica import Replicas, purpose_of
from knowledge.models import Chunk, KnowledgeChange, KnowledgeState
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


class Immediate:
    """What would happen in the background happens when it is called for, on the test's own connection."""

    def __init__(self) -> None:
        self.later = []

    def submit(self, function, *values):
        self.later.append((function, values))

    def work(self):
        while self.later:
            function, values = self.later.pop(0)
            function(*values)


@pytest.fixture(autouse=True)
def _stored_from_the_first_chunk(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(module, "STORED_FROM", 1)
    monkeypatch.setattr(module.connections, "close_all", lambda: None)


@pytest.fixture
def start():
    """A process that has just been started."""

    def start() -> Replicas:
        replicas = Replicas()
        replicas._background = replicas._storing = Immediate()
        return replicas

    return start


@pytest.fixture
def stored(add, tenant, start):
    """A tenant of ten documents whose snapshot is on disk; the documents."""
    documents = [add(name, f"All about {name}.") for name in "abcdefghij"]
    replicas = start()
    replicas.load(tenant.pk)
    replicas._storing.work()
    assert storage.stored_version(tenant.pk) == 10
    return documents


@pytest.fixture
def no_rows(monkeypatch):
    """The rows of at most two documents may be read: more would be all of them."""
    read = module.read_rows

    def read_rows(chunks, *values):
        rows = read(chunks, *values)
        assert len(rows) <= 2, "everything was loaded anew"
        return rows

    monkeypatch.setattr(module, "read_rows", read_rows)


def chunks(snapshot) -> set[int]:
    return set(snapshot.chunks[snapshot.live].tolist())


def now(tenant) -> set[int]:
    with tenant_scope(tenant.pk):
        return set(Chunk.objects.filter(enabled=True).values_list("pk", flat=True))


def test_after_storing_a_process_goes_on_with_the_files_pages(add, tenant, start):
    add()
    replicas = start()
    before = replicas.load(tenant.pk)
    replicas._storing.work()

    assert replicas.load(tenant.pk) is not before
    assert chunks(replicas.load(tenant.pk)) == chunks(before)
    assert replicas.held() < held_bytes(before) / 2


def test_a_start_reads_the_file_and_not_the_rows(stored, tenant, start, no_rows):
    assert chunks(start().get(tenant.pk)) == now(tenant)


def test_what_changed_since_is_applied(stored, add, tenant, start, no_rows):
    add("k", "All about k.")
    with tenant_scope(tenant.pk):
        services.delete(stored[:1], actor="a")
        services.set_chunk_enabled(Chunk.objects.get(document=stored[1]), enabled=False, actor="a")

    snapshot = start().get(tenant.pk)
    assert chunks(snapshot) == now(tenant)
    assert (len(snapshot), snapshot.version) == (9, 13)


def test_a_file_of_a_database_that_was_put_back_is_not_used(stored, tenant, start):
    with tenant_scope(tenant.pk):
        KnowledgeState.objects.update(version=3)
        KnowledgeChange.objects.filter(version__gt=3).update(version=3)

    assert start().get(tenant.pk).version == 3


def test_a_file_that_lacks_passages_is_not_used(stored, tenant, start):
    """Such as one from before the database was put back and went on, so that versions tell nothing."""
    with tenant_scope(tenant.pk):
        Chunk.objects.filter(document=stored[0]).update(enabled=False)

    assert chunks(start().get(tenant.pk)) == now(tenant)


def test_a_damaged_file_is_made_anew(stored, tenant, start):
    path = storage.snapshot_path(tenant.pk)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\1")
    replicas = start()

    assert chunks(replicas.get(tenant.pk)) == now(tenant)
    replicas._storing.work()
    assert storage.load(purpose_of(tenant.pk)).version == 10


def test_a_file_of_another_tenant_is_not_used(stored, tenant, other_tenant, start):
    storage.snapshot_path(tenant.pk).rename(storage.snapshot_path(other_tenant.pk))

    assert len(start().get(other_tenant.pk)) == 0


def test_a_full_disk_stops_nothing(stored, tenant, start, monkeypatch, caplog):
    storage.delete(tenant.pk)
    monkeypatch.setattr(storage.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    replicas = start()

    assert chunks(replicas.get(tenant.pk)) == now(tenant)
    replicas._storing.work()
    assert "No space left" in caplog.text
    assert chunks(replicas.get(tenant.pk)) == now(tenant)


def test_a_tenant_too_large_for_memory_is_served_where_it_can_be_mapped(stored, tenant, start, monkeypatch):
    own = held_bytes(storage.load(purpose_of(tenant.pk)))
    monkeypatch.setattr(module, "_cap", lambda: own)
    monkeypatch.setattr(module, "BYTES_PER_CHUNK", own)  # the ten of them would not fit

    assert chunks(start().get(tenant.pk)) == now(tenant)
    storage.delete(tenant.pk)
    assert start().get(tenant.pk) is None


def test_a_snapshot_that_proved_too_large_goes(add, tenant, start, monkeypatch, caplog):
    add()
    replicas = start()
    monkeypatch.setattr(module, "BYTES_PER_CHUNK", 0)
    monkeypatch.setattr(module, "_cap", lambda: 1)
    monkeypatch.setattr(storage, "save", lambda *_: False)

    assert replicas.get(tenant.pk) is not None
    replicas._storing.work()
    assert replicas.get(tenant.pk) is None
    assert "ASKWELL_INDEX_MEMORY" in caplog.text


def test_a_snapshot_is_stored_again_when_a_tenth_has_changed(stored, add, tenant, start, monkeypatch):
    replicas = start()
    replicas.load(tenant.pk)
    monkeypatch.setattr(module, "STORED_AGAIN", 0.15)
    add("k", "All about k.")
    replicas.load(tenant.pk)
    assert not replicas._storing.later
    add("l", "All about l.")
    replicas.load(tenant.pk)
    replicas._storing.work()

    assert storage.stored_version(tenant.pk) == 12


def test_the_file_goes_with_its_tenant(stored, tenant, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        post_delete.send(Tenant, instance=tenant)

    assert not storage.snapshot_path(tenant.pk).exists()

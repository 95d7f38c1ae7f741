"""Replicas follow the database, document by document."""

import threading

import pytest

from knowledge import services
from knowledge.indexes import replica as module
from knowledge.indexes.replica import Replicas
from knowledge.models import Chunk
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


def documents(snapshot) -> set[int]:
    return set(snapshot.documents[snapshot.live].tolist())


def test_the_first_reader_of_a_small_tenant_loads_it(add, tenant, replicas):
    document = add()

    snapshot = replicas.get(tenant.pk)

    assert documents(snapshot) == {document.pk}
    assert snapshot.version == 1
    assert replicas.get(tenant.pk) is snapshot


def test_a_tenant_without_documents_has_an_empty_snapshot(tenant, embedder, replicas):
    assert len(replicas.get(tenant.pk)) == 0


def test_changes_are_applied(add, tenant, replicas):
    for name in "abcd":
        add(name, f"All about {name}.")
    snapshot = replicas.load(tenant.pk)
    old, new = add("a", "Something else about a."), add("e", "All about e.")
    with tenant_scope(tenant.pk):
        snapshot = replicas.refresh(tenant.pk, snapshot)

    assert snapshot.version == 6
    assert {old.pk, new.pk} < documents(snapshot)
    assert len(snapshot) == 5
    with tenant_scope(tenant.pk):
        assert set(snapshot.chunks[snapshot.live].tolist()) == set(Chunk.objects.values_list("pk", flat=True))


def test_what_was_archived_or_switched_off_goes(add, tenant, replicas):
    kept, archived, silenced = (add(name, f"All about {name}.") for name in "abc")
    snapshot = replicas.load(tenant.pk)
    with tenant_scope(tenant.pk):
        services.archive([archived], actor="a")
        services.set_chunk_enabled(Chunk.objects.get(document=silenced), enabled=False, actor="a")
        snapshot = replicas.refresh(tenant.pk, snapshot)

    assert documents(snapshot) == {kept.pk}


def test_loading_again_without_changes_keeps_the_snapshot(add, tenant, replicas):
    add()
    snapshot = replicas.load(tenant.pk)

    assert replicas.load(tenant.pk) is snapshot
    add("b", "More.")
    assert len(replicas.load(tenant.pk)) == 2


def test_a_tenant_never_sees_anothers_chunks(add, tenant, other_tenant, replicas):
    add()

    assert len(replicas.get(other_tenant.pk)) == 0
    assert len(replicas.get(tenant.pk)) == 1


def test_who_finds_another_at_it_uses_what_there_is(add, tenant, replicas):
    add()
    behind = replicas.load(tenant.pk)
    add("b", "More.")
    with replicas._entry(tenant.pk).lock, tenant_scope(tenant.pk):
        found = []
        thread = threading.Thread(target=lambda: found.append(replicas.refresh(tenant.pk, behind)))
        thread.start()
        thread.join(5)

    assert found == [behind]


def test_a_large_tenant_is_loaded_behind_the_query(add, tenant, replicas, monkeypatch):
    submitted = []
    monkeypatch.setattr(module, "AT_ONCE", 0)
    monkeypatch.setattr(replicas._background, "submit", lambda function, *values: submitted.append((function, values)))
    monkeypatch.setattr(module.connections, "close_all", lambda: None)  # the test's own connection
    add()

    assert replicas.get(tenant.pk) is None
    for function, values in submitted:
        function(*values)

    assert len(replicas.get(tenant.pk)) == 1


def test_many_changes_to_a_large_tenant_are_loaded_behind_the_query(add, tenant, replicas, monkeypatch):
    add()
    behind = replicas.load(tenant.pk)
    submitted = []
    monkeypatch.setattr(module, "AT_ONCE", 0)
    monkeypatch.setattr(module, "CHANGES_AT_ONCE", 1)
    monkeypatch.setattr(replicas._background, "submit", lambda *values: submitted.append(values))
    add("b", "More.")
    add("c", "Still more.")

    with tenant_scope(tenant.pk):
        assert replicas.refresh(tenant.pk, behind) is None
    assert len(submitted) == 1


def test_a_failed_load_is_logged_and_tried_again(add, tenant, replicas, monkeypatch, caplog):
    add()
    monkeypatch.setattr(module.connections, "close_all", lambda: None)
    with monkeypatch.context() as broken:
        broken.setattr(module, "read_rows", lambda _: 1 / 0)
        replicas._in_background(tenant.pk, replicas._entry(tenant.pk))

    assert "could not be loaded" in caplog.text
    assert len(replicas.get(tenant.pk)) == 1


def test_the_least_recently_used_goes_when_memory_runs_short(add, tenant, other_tenant, replicas, monkeypatch):
    add()
    monkeypatch.setattr(module, "MEMORY_CAP", 1)
    first = replicas.get(tenant.pk)
    replicas.get(other_tenant.pk)

    assert replicas.get(tenant.pk) is not first


def test_forgotten_snapshots_are_loaded_anew(add, tenant, replicas):
    add()
    first = replicas.get(tenant.pk)
    replicas.forget(tenant.pk)

    assert replicas.get(tenant.pk) is not first


def test_without_faiss_there_are_no_replicas(add, tenant, replicas, monkeypatch):
    add()
    monkeypatch.setattr(module, "faiss", None)

    assert replicas.get(tenant.pk) is None
    assert replicas.load(tenant.pk) is None


def test_a_setting_turns_replicas_off(add, tenant, replicas, settings):
    add()
    settings.ASKWELL_INDEX = "pgvector"

    assert replicas.get(tenant.pk) is None
    assert replicas.load(tenant.pk) is None

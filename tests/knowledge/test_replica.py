"""Replicas follow the database, document by document."""

import datetime as dt
from dataclasses import replace

import pytest
from django.utils import timezone

from knowledge import services
from knowledge.indexes import replica as module
from knowledge.indexes.packing import held_bytes
from knowledge.indexes.replica import Replicas
from knowledge.models import Chunk, KnowledgeState
from knowledge.queries import knowledge_version
from knowledge.retrieval.search import search
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


@pytest.fixture
def in_front(replicas, monkeypatch):
    """What would happen in the background happens at once, on the test's own connection, but not inside a lock."""
    monkeypatch.setattr(module.connections, "close_all", lambda: None)
    later = []
    monkeypatch.setattr(replicas._background, "submit", lambda function, *values: later.append((function, values)))
    monkeypatch.setattr(replicas._storing, "submit", lambda function, *values: later.append((function, values)))

    original = replicas.get

    def get(tenant_id):
        while later:
            function, values = later.pop(0)
            function(*values)
        return original(tenant_id)

    monkeypatch.setattr(replicas, "get", get)


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


def test_who_finds_another_at_it_waits_a_little_then_leaves_it_to_pgvector(add, tenant, replicas, monkeypatch):
    add()
    behind = replicas.load(tenant.pk)
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    add("b", "More.")
    with replicas._entry(tenant.pk).lock, tenant_scope(tenant.pk):
        assert replicas.refresh(tenant.pk, behind) is None
    with tenant_scope(tenant.pk):
        assert len(replicas.refresh(tenant.pk, behind)) == 2


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


def test_a_tenant_that_was_small_is_not_loaded_in_a_query_once_it_is_large(add, tenant, replicas, monkeypatch):
    """Most of its documents were archived, and came back."""
    documents = [add(name, f"All about {name}.") for name in "abcdef"]
    with tenant_scope(tenant.pk):
        services.archive(documents[1:], actor="a")
    behind = replicas.load(tenant.pk)
    assert len(behind) == 1
    submitted = []
    monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(module, "CHANGES_AT_ONCE", 2)
    monkeypatch.setattr(module, "read_rows", lambda *_: 1 / 0)
    monkeypatch.setattr(replicas._background, "submit", lambda *values: submitted.append(values))
    with tenant_scope(tenant.pk):
        services.restore(documents, actor="a")
        assert replicas.refresh(tenant.pk, behind) is None
    assert len(submitted) == 1


def test_a_query_does_not_wait_for_a_load_in_another_thread(add, tenant, replicas, monkeypatch):
    add()
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with replicas._entry(tenant.pk).lock:
        assert replicas.get(tenant.pk) is None
    assert len(replicas.get(tenant.pk)) == 1


def test_a_failed_load_is_logged_and_tried_again(add, tenant, replicas, monkeypatch, caplog):
    add()
    monkeypatch.setattr(module.connections, "close_all", lambda: None)
    with monkeypatch.context() as broken:
        broken.setattr(module, "read_rows", lambda _: 1 / 0)
        replicas._in_background(tenant.pk, replicas._entry(tenant.pk))

    assert "could not be loaded" in caplog.text
    assert replicas.get(tenant.pk) is None, "what fails is not tried with every question"
    replicas._entry(tenant.pk).retry_at = 0.0
    assert len(replicas.get(tenant.pk)) == 1


def test_the_least_recently_used_goes_when_memory_runs_short(add, tenant, other_tenant, replicas, monkeypatch):
    add()
    first = replicas.get(tenant.pk)
    assert replicas.get(tenant.pk) is first
    assert replicas.held() == held_bytes(first) > 0
    monkeypatch.setattr(module, "_cap", lambda: held_bytes(first))
    second = replicas.get(other_tenant.pk)

    assert replicas.held() == held_bytes(second)
    assert replicas.get(tenant.pk) is not first


def test_what_does_not_fit_is_left_to_pgvector_and_not_loaded_again_and_again(
    add, tenant, replicas, monkeypatch, caplog
):
    add()
    monkeypatch.setattr(module, "BYTES_PER_CHUNK", 1 << 40)

    assert replicas.get(tenant.pk) is None
    assert replicas.get(tenant.pk) is None
    assert replicas.held() == 0
    assert caplog.text.count("ASKWELL_INDEX_MEMORY allows") == 1
    assert search(tenant.pk, "30 days").index == "pgvector"


def test_many_changes_are_applied_behind_the_query(add, tenant, replicas, monkeypatch, in_front):
    for n in range(8):
        add(f"d{n}", f"All about {n}.")
    behind = replicas.load(tenant.pk)
    monkeypatch.setattr(module, "AT_ONCE", 0)
    monkeypatch.setattr(module, "CHANGES_AT_ONCE", 1)
    for n in range(2):
        add(f"new{n}", "More.")

    with tenant_scope(tenant.pk):
        assert replicas.refresh(tenant.pk, behind) is None
    assert len(replicas.get(tenant.pk)) == 10


def test_a_snapshot_of_another_model_is_of_no_use(add, tenant, replicas):
    add()
    snapshot = replicas.get(tenant.pk)
    replicas._entry(tenant.pk).snapshot = replace(snapshot, model="the one before", version=snapshot.version + 1)

    assert replicas.get(tenant.pk).model == "fake"


def test_what_begins_today_is_found_without_a_worker(add, tenant, replicas, monkeypatch):
    today = timezone.now().date()
    coming = add("sale", "The sale begins.")
    with tenant_scope(tenant.pk):
        services.set_metadata(coming, {"valid_from": today + dt.timedelta(days=1)}, actor="a")
    assert len(replicas.get(tenant.pk)) == 0
    tomorrow = timezone.now() + dt.timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    with tenant_scope(tenant.pk):
        KnowledgeState.objects.update(day=today)

    behind = replicas.get(tenant.pk)
    with tenant_scope(tenant.pk):
        assert knowledge_version() > behind.version
        assert documents(replicas.refresh(tenant.pk, behind)) == {coming.pk}


def test_forgotten_snapshots_are_loaded_anew(add, tenant, replicas):
    add()
    first = replicas.get(tenant.pk)
    replicas.forget(tenant.pk)

    assert replicas.get(tenant.pk) is not first


def test_without_faiss_there_are_no_replicas(add, tenant, replicas, monkeypatch):
    add()
    monkeypatch.setattr(module, "HAS_FAISS", False)

    assert replicas.get(tenant.pk) is None
    assert replicas.load(tenant.pk) is None


def test_a_setting_turns_replicas_off(add, tenant, replicas, settings):
    add()
    settings.ASKWELL_INDEX = "pgvector"

    assert replicas.get(tenant.pk) is None
    assert replicas.load(tenant.pk) is None

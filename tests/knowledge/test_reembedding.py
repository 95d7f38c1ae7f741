"""Vectors of another model: made in the background, complete, switched to, and back."""

import datetime as dt

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from knowledge import reembedding, tasks
from knowledge.drift import as_floats
from knowledge.embedding import provider
from knowledge.embedding.base import EmbedderAwayError, blank_encoding
from knowledge.embedding.serving import serving_name
from knowledge.indexes.replica import replicas
from knowledge.models import ChunkVectors, DocumentVersion, EmbeddingModel, Release, ReleaseGate
from knowledge.reembedding import CannotSwitchError
from knowledge.retrieval.search import search
from tenants.models import AuditEvent
from tenants.scope import tenant_scope
from tenants.secrets import seal
from tests.knowledge.embedding_server import KEY, Script, embedding_server
from tests.knowledge.fake_embedder import FakeEmbedder

pytestmark = pytest.mark.django_db
State = EmbeddingModel.State
TEXTS = {
    "returns": "You have 30 days to return what you bought.",
    "battery": "The battery lasts for 40 km on flat roads.",
    "shipping": "Parcels arrive within two working days.",
}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(provider, "PAUSE", 0.001)
    monkeypatch.setattr(provider, "REST", 0.0)
    with embedding_server(Script()) as script:
        yield script


@pytest.fixture
def shop(tenant, add_all):
    add_all(*({"external_id": name, "text": text} for name, text in TEXTS.items()))
    return tenant


@pytest.fixture
def other(shop, server):
    with tenant_scope(shop.pk):
        return EmbeddingModel.objects.create(
            name="other", base_url=server.url, model="m", sealed_key=seal(KEY), private=True
        )


def begun(row: EmbeddingModel) -> None:
    with tenant_scope(row.tenant_id):
        reembedding.begin(row, actor="alice")


def built(row: EmbeddingModel) -> None:
    begun(row)
    assert not reembedding.embed_missing(row.tenant_id, row.pk)


def fresh(row: EmbeddingModel) -> EmbeddingModel:
    with tenant_scope(row.tenant_id):
        return EmbeddingModel.objects.get(pk=row.pk)


def switched(row: EmbeddingModel, name: str = "") -> None:
    with tenant_scope(row.tenant_id):
        reembedding.serve(name or row.name, actor="alice")


def jobs() -> list[str]:
    return list(ProcrastinateJob.objects.filter(status="todo").values_list("task_name", flat=True))


def test_every_passage_gets_vectors_and_the_model_is_ready(shop, other):
    begun(other)
    assert jobs() == [reembedding.EMBED]

    assert not reembedding.embed_missing(shop.pk, other.pk)

    row = fresh(other)
    assert (row.state, row.progress, row.dimensions) == (State.READY, 100, 48)
    with tenant_scope(shop.pk):
        assert ChunkVectors.objects.filter(model="other").count() == 3
        assert serving_name(shop.pk) == "fake"
    assert len(search(shop.pk, "battery").encoding.vector) == 384


def test_a_slice_ends_and_the_next_goes_on_where_it_stopped(shop, other, server, monkeypatch):
    monkeypatch.setattr(reembedding, "BATCH", 1)
    begun(other)

    assert reembedding.embed_missing(shop.pk, other.pk, seconds=0)
    assert server.batches == []
    tasks.embed(shop.pk, other.pk)
    assert [sum(server.batches), fresh(other).state] == [6, State.READY]  # a passage and its sentence, once each


def test_what_was_killed_in_the_middle_goes_on(shop, other, server, monkeypatch):
    monkeypatch.setattr(reembedding, "BATCH", 1)
    stored = []

    def dying(*arguments):
        if len(stored) == 2:
            raise KeyboardInterrupt
        stored.append(arguments)
        return store(*arguments)

    store = reembedding._store
    monkeypatch.setattr(reembedding, "_store", dying)
    begun(other)
    with pytest.raises(KeyboardInterrupt):
        reembedding.embed_missing(shop.pk, other.pk)
    monkeypatch.setattr(reembedding, "_store", store)
    assert 0 < fresh(other).progress < 100

    with tenant_scope(shop.pk):
        ProcrastinateJob.objects.all()._raw_delete("default")
        reembedding.resume(timezone.now() - dt.timedelta(minutes=2))
        assert jobs() == []
        reembedding.resume(timezone.now())
        assert jobs() == [reembedding.EMBED]
    tasks.embed(shop.pk, other.pk)
    assert (fresh(other).state, sum(server.batches)) == (State.READY, 8)  # one batch was lost


def test_a_switch_and_back(shop, other):
    built(other)
    before = search(shop.pk, "battery")
    switched(other)

    after = search(shop.pk, "battery")
    assert (len(before.encoding.vector), len(after.encoding.vector)) == (384, 48)
    assert after.passages[0].document == "battery"
    assert len(after.passages) == 3
    with tenant_scope(shop.pk):
        assert reembedding.before_this() == "fake"
    switched(other, "fake")
    assert len(search(shop.pk, "battery").encoding.vector) == 384
    with tenant_scope(shop.pk):
        assert EmbeddingModel.objects.get(name="fake").state == State.READY
        assert AuditEvent.objects.filter(action=reembedding.SWITCHED).count() == 2


def test_what_comes_after_a_switch_has_vectors_of_both(shop, add, other):
    built(other)
    switched(other)
    add("lights", "The lights shine 20 m far.")

    switched(other, "fake")
    assert search(shop.pk, "lights").passages[0].document == "lights"


def test_only_a_complete_model_is_switched_to(shop, other, add):
    with tenant_scope(shop.pk):
        for name in ("other", "nowhere"):
            with pytest.raises(CannotSwitchError):
                reembedding.serve(name, actor="alice")
    built(other)
    with tenant_scope(shop.pk):
        ChunkVectors.objects.filter(model="other").first().delete()
        with pytest.raises(CannotSwitchError, match="Not every passage"):
            reembedding.serve("other", actor="alice")


def test_a_bad_server_leaves_nothing_half_written(shop, other, server):
    server.change = lambda items: [{**item, "embedding": [float("nan")] * 48} for item in items]
    begun(other)

    assert not reembedding.embed_missing(shop.pk, other.pk)

    assert fresh(other).state == State.FAILED
    assert "NaN" in fresh(other).error
    with tenant_scope(shop.pk):
        assert not ChunkVectors.objects.filter(model="other").exists()
    server.change = lambda items: items
    built(other)
    assert fresh(other).error == ""


def test_a_server_that_is_away_is_waited_for(shop, other, server):
    server.fails(503)
    begun(other)

    with pytest.raises(EmbedderAwayError):
        tasks.embed(shop.pk, other.pk)

    assert fresh(other).state == State.BUILDING
    assert "503" in fresh(other).error


def test_a_model_that_changes_its_dimension_is_refused(shop, other, server, add):
    built(other)
    server.dimensions = 32
    add("lights", "The lights shine 20 m far.")
    assert fresh(other).state == State.BUILDING

    assert not reembedding.embed_missing(shop.pk, other.pk)
    assert "32 numbers" in fresh(other).error
    with tenant_scope(shop.pk):
        assert {len(as_floats(row.paragraph)) for row in ChunkVectors.objects.filter(model="other")} == {48}


def test_one_can_stop_it(shop, other, server):
    begun(other)
    with tenant_scope(shop.pk):
        assert reembedding.cancel(other, actor="alice")
        assert not reembedding.cancel(other, actor="alice")

    assert not reembedding.embed_missing(shop.pk, other.pk)
    assert server.batches == []


def test_old_vectors_are_deleted_only_when_they_do_not_serve(shop, other):
    built(other)
    switched(other)
    with tenant_scope(shop.pk):
        with pytest.raises(CannotSwitchError, match="serves"):
            reembedding.tidy(other, actor="alice")
        own = EmbeddingModel.objects.get(name="fake")
        assert reembedding.tidy(own, actor="alice") == 3
        with pytest.raises(CannotSwitchError):
            reembedding.serve("fake", actor="alice")
        with pytest.raises(CannotSwitchError, match="serves"):
            reembedding.delete(other, actor="alice")
    assert search(shop.pk, "battery").passages[0].document == "battery"


def test_with_the_release_gate_on_a_switch_is_a_release(shop, other):
    built(other)
    with tenant_scope(shop.pk):
        assert reembedding.switch(other, actor="alice") is None
        reembedding.serve("fake", actor="alice")
        ReleaseGate.objects.create(enabled=True)
        release = reembedding.switch(other, actor="alice")
        assert isinstance(release, Release)
        assert release.change == {"embedding": "other"}
    search(shop.pk, "battery")
    assert serving_name(shop.pk) == "fake"


def test_another_model_of_the_installation_is_noticed_and_made_up_for(shop, embedder, monkeypatch):
    other = FakeEmbedder()
    other.name, other.dimensions = "newer", 96
    monkeypatch.setattr("knowledge.embedding.base._load", lambda: other)
    with tenant_scope(shop.pk):
        reembedding.record_search_change()
    replicas.forget(shop.pk)
    search(shop.pk, "battery")
    assert search(shop.pk, "battery").index == "words"
    assert search(shop.pk, "battery").passages[0].document == "battery"

    tasks.adopt(0)
    with tenant_scope(shop.pk):
        row = EmbeddingModel.objects.get()
        assert (row.name, row.state) == ("newer", State.BUILDING)
        assert reembedding.is_behind()
        assert reembedding.adopt() is None
    tasks.embed(shop.pk, row.pk)

    result = search(shop.pk, "battery")
    assert result.index != "words"
    assert len(result.encoding.vector) == 96
    with tenant_scope(shop.pk):
        assert not reembedding.is_behind()


def test_a_tenant_with_all_its_vectors_is_left_alone(shop, other_tenant):
    tasks.adopt(0)

    with tenant_scope(shop.pk):
        assert not EmbeddingModel.objects.exists()
    assert jobs() == []


def test_a_document_that_failed_for_want_of_the_embedder_is_tried_again(shop, embedder, add, monkeypatch):
    def away(*_):
        raise EmbedderAwayError("The embedding server is away.")

    monkeypatch.setattr(embedder, "encode_passages", away)
    document = add("lights", "The lights shine 20 m far.")
    with tenant_scope(shop.pk):
        version = document.versions.get()
        DocumentVersion.objects.filter(pk=version.pk).update(state="queued")
    tasks.ingest(shop.pk, version.pk)
    monkeypatch.undo()

    with tenant_scope(shop.pk):
        version.refresh_from_db()
        assert version.error.endswith("It is tried again by itself in 1 minute.")
    assert jobs() == [tasks.INGEST_AGAIN]
    tasks.ingest_again(shop.pk, version.pk)
    with tenant_scope(shop.pk):
        assert document.versions.first().in_work
    tasks.ingest_again(shop.pk, version.pk)
    assert jobs().count(tasks.INGEST) == 1


def test_an_encoding_of_nothing_is_as_near_to_everything():
    assert not blank_encoding(3).vector.any()

"""Which model serves, and what is found while it changes or cannot be asked."""

import pytest

from knowledge import ingestion
from knowledge.changes import locked_state, record_search_change
from knowledge.embedding import provider
from knowledge.embedding.base import EmbedderError
from knowledge.embedding.serving import kept_embedders, named_embedder, serving_embedder, serving_name
from knowledge.indexes.replica import replicas
from knowledge.models import ChunkVectors, EmbeddingModel
from knowledge.retrieval.search import search
from tenants.scope import tenant_scope
from tenants.secrets import seal
from tests.knowledge.embedding_server import KEY, Script, embedding_server

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["faiss", "pgvector"])
def index(request, settings):
    settings.ASKWELL_INDEX = request.param
    return request.param


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(provider, "PAUSE", 0.01)
    monkeypatch.setattr(provider, "REST", 0.0)
    with embedding_server(Script()) as script:
        yield script


@pytest.fixture
def other(tenant, server):
    """A model of the tenant's own, of 48 dimensions, which nothing was embedded with yet."""
    with tenant_scope(tenant.pk):
        row = EmbeddingModel(name="other", base_url=server.url, model="m", sealed_key=seal(KEY), private=True)
        row.dimensions = 48
        row.save()
        record_search_change()
    return row


def set_state(row: EmbeddingModel, state: str) -> None:
    with tenant_scope(row.tenant_id):
        EmbeddingModel.objects.filter(pk=row.pk).update(state=state)


def switch(row: EmbeddingModel) -> None:
    with tenant_scope(row.tenant_id):
        state = locked_state()
        state.embedding, state.version = row.name, state.version + 1
        state.save()


def found(tenant, query: str) -> list[str]:
    return [passage.document for passage in search(tenant.pk, query, k=3).passages]


def models_of(tenant) -> dict[str, set[str]]:
    with tenant_scope(tenant.pk):
        rows = ChunkVectors.objects.values_list("chunk__document__external_id", "model")
        return {document: {model for other, model in rows if other == document} for document, _ in rows}


def test_the_installations_model_serves_until_another_one_does(tenant, embedder, other):
    assert serving_embedder(tenant.pk) is embedder

    switch(other)
    with tenant_scope(tenant.pk):
        assert record_search_change()
    search(tenant.pk, "anything")

    assert serving_name(tenant.pk) == "other"
    assert serving_embedder(tenant.pk).dimensions == 48
    assert serving_embedder(tenant.pk) is named_embedder(tenant.pk, "other")
    with pytest.raises(EmbedderError, match="no embedding model gone"):
        named_embedder(tenant.pk, "gone")


def test_another_tenants_model_is_nobodys(tenant, other_tenant, embedder, other):
    with pytest.raises(EmbedderError, match="no embedding model other"):
        named_embedder(other_tenant.pk, "other")
    assert kept_embedders(other_tenant.pk) == []


def test_passages_get_vectors_of_the_models_that_are_kept(tenant, add, other):
    add("before")
    set_state(other, EmbeddingModel.State.BUILDING)
    add("while it is built", "Batteries last 40 km.")
    set_state(other, EmbeddingModel.State.FAILED)
    add("after it failed", "Shipping takes two days.")

    assert models_of(tenant) == {
        "before": {"fake"},
        "while it is built": {"fake", "other"},
        "after it failed": {"fake"},
    }


def test_a_kept_model_that_fails_holds_nothing_up_and_is_complete_no_more(tenant, add, other, server):
    set_state(other, EmbeddingModel.State.READY)
    server.fails(500)
    document = add("returns")

    assert document.state == "live"
    assert models_of(tenant) == {"returns": {"fake"}}
    with tenant_scope(tenant.pk):
        assert EmbeddingModel.objects.get().state == EmbeddingModel.State.BUILDING


def test_a_switch_in_the_middle_of_a_search_never_compares_two_models(tenant, add, other, index, monkeypatch):
    set_state(other, EmbeddingModel.State.READY)
    add("returns", "You have 30 days to return it.")
    add("battery", "The battery lasts 40 km.")
    assert found(tenant, "battery")[0] == "battery"
    fake = serving_embedder(tenant.pk)
    encode = fake.encode_query

    def switching(query):
        switch(other)
        monkeypatch.setattr(fake, "encode_query", encode)
        return encode(query)

    monkeypatch.setattr(fake, "encode_query", switching)

    result = search(tenant.pk, "battery", k=3)

    assert result.passages[0].document == "battery"
    assert len(result.encoding.vector) == 48
    assert {passage.sentence_vectors.shape[1] for passage in result.passages} == {48}


def test_a_model_without_token_vectors_serves_a_tenant_of_three_documents(tenant, add, other, index, server):
    server.dimensions = 1536
    with tenant_scope(tenant.pk):
        EmbeddingModel.objects.update(dimensions=1536)
    switch(other)
    for name, text in (
        ("returns", "You have 30 days to return what you bought."),
        ("battery", "The battery lasts for 40 km on flat roads."),
        ("shipping", "Parcels arrive within two working days."),
    ):
        add(name, text)

    result = search(tenant.pk, "how long does the battery last", k=3)

    assert result.passages[0].document == "battery"
    assert len(result.passages) == 3
    assert "interaction" not in result.passages[0].scores or result.passages[0].scores["interaction"] == 0
    assert models_of(tenant)["battery"] == {"other"}
    assert result.index == index


def test_words_must_do_while_the_model_cannot_be_asked(tenant, add, other, index, server):
    switch(other)
    add("returns", "You have 30 days to return it.")
    add("battery", "The battery lasts 40 km.")
    assert search(tenant.pk, "battery").index == index
    server.fails(500)

    result = search(tenant.pk, "what does the battery do")

    assert result.index == "words"
    assert result.passages[0].document == "battery"
    assert len(result.encoding.vector) == result.passages[0].sentence_vectors.shape[1]
    assert result.answerability > search(tenant.pk, "unheard of matters").answerability


def test_passages_without_vectors_of_the_model_are_found_by_words(tenant, add, other):
    add("returns", "You have 30 days to return it.")
    add("battery", "The battery lasts 40 km.")
    switch(other)  # as if the installation's model had changed
    replicas.forget(tenant.pk)

    result = search(tenant.pk, "battery")

    assert result.index == "words"
    assert result.passages[0].document == "battery"

    set_state(other, EmbeddingModel.State.BUILDING)
    add("lights", "The lights shine 20 m far.")
    assert found(tenant, "lights")[0] == "lights"
    assert found(tenant, "battery")[0] == "battery"


def test_a_document_fails_with_a_sentence_while_the_model_is_away(tenant, add, other, server):
    switch(other)
    server.fails(503)
    document = add("returns")

    assert document.state == "draft"
    with tenant_scope(tenant.pk):
        version = document.versions.get()
        assert version.state == "failed"
        assert "503" in version.error
        assert not ChunkVectors.objects.exists()


def test_a_lost_key_says_so(tenant, embedder, other):
    with tenant_scope(tenant.pk):
        EmbeddingModel.objects.update(sealed_key="not sealed here")
        record_search_change()
    replicas.forget(tenant.pk)
    search(tenant.pk, "anything")

    with pytest.raises(EmbedderError, match="SECRET_KEY has changed"):
        named_embedder(tenant.pk, "other")
    assert kept_embedders(tenant.pk) == []
    assert ingestion.ingest_versions(tenant.pk, []) == []

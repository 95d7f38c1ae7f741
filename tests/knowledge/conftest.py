"""What tests of knowledge share: files of their own, and an embedder that takes no time."""

from typing import Any

import pytest

from knowledge import ingestion
from knowledge.services import add_document, add_documents
from knowledge.sources import NewDocument
from tenants.scope import NoTenantScope, current_tenant_id, tenant_scope
from tests.knowledge.fake_embedder import FakeEmbedder


def scope_is_open() -> bool:
    """Whether a tenant's scope, and with it a transaction, is open here."""
    try:
        current_tenant_id()
    except NoTenantScope:
        return False
    return True


@pytest.fixture
def files(settings, tmp_path):
    """The folder of uploaded files."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


@pytest.fixture
def embedder(monkeypatch) -> FakeEmbedder:
    """The embedder of the whole process, for this test."""
    fake = FakeEmbedder()
    monkeypatch.setattr("knowledge.embedding.base._load", lambda: fake)
    return fake


@pytest.fixture
def add(tenant, files, embedder):
    """Adds a text or a file to the tenant, brings it live at once, and returns its document."""

    def add(external_id: str = "returns", text: str | None = "You have 30 days to return it.", **values):
        with tenant_scope(tenant.pk):
            item = NewDocument(external_id=external_id, text=None if "data" in values else text, **values)
            added = add_document(item, actor="curator", enqueue=False)
        if added.version:
            ingestion.ingest_versions(tenant.pk, [added.version.pk])
        with tenant_scope(tenant.pk):
            added.document.refresh_from_db()
        return added.document

    return add


@pytest.fixture
def add_all(tenant, files, embedder):
    """Adds texts, each given by the keywords of `add`, and brings them live together: faster than one by one."""

    def add_all(*texts: dict[str, Any]) -> None:
        with tenant_scope(tenant.pk):
            added = add_documents([NewDocument(**text) for text in texts], actor="curator", enqueue=False)
        ingestion.ingest_versions(tenant.pk, [one.version.pk for one in added])

    return add_all

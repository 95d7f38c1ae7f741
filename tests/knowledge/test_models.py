"""What the database itself promises about documents."""

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction

from knowledge.changes import record_change
from knowledge.models import Chunk, Document, DocumentVersion, KnowledgeChange, version_path
from knowledge.queries import changes_since, holders, knowledge_version
from knowledge.services import add_documents
from knowledge.sources import NewDocument
from tenants.scope import NoTenantScope, tenant_scope

pytestmark = pytest.mark.django_db


def test_no_document_is_live_without_a_version(scope):
    document = Document.objects.create(external_id="a")
    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(state="live")


def test_an_id_is_unique_in_its_tenant_alone(tenant, other_tenant):
    for owner in (tenant, other_tenant):
        with tenant_scope(owner.pk):
            Document.objects.create(external_id="a")
    with tenant_scope(tenant.pk), pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.create(external_id="a")


def test_nothing_is_read_without_a_scope(tenant):
    with pytest.raises(NoTenantScope):
        Document.objects.exists()


def test_the_policy_holds_without_the_manager(add, tenant, other_tenant):
    """Whatever a query forgets to say, PostgreSQL shows the rows of the tenant in scope only."""
    add()
    tables = ["document", "documentversion", "chunk", "chunkvectors", "knowledgestate", "knowledgechange"]

    def counts():
        with connection.cursor() as cursor:
            return [cursor.execute(f"SELECT count(*) FROM knowledge_{table}").fetchone()[0] for table in tables]  # noqa: S608 (names of this file)

    assert counts() == [0] * 6
    with tenant_scope(other_tenant.pk):
        assert counts() == [0] * 6
    with tenant_scope(tenant.pk):
        assert counts() == [1] * 6


def test_changes_are_numbered_and_told_once_a_document(scope):
    assert (knowledge_version(), changes_since(0)) == (0, (0, []))
    assert record_change([5, 7]) == 1
    assert record_change([7]) == 2
    assert record_change([]) == 2
    assert changes_since(0) == (2, [5, 7])
    assert changes_since(1) == (2, [7])
    assert changes_since(2) == (2, [])
    assert KnowledgeChange.objects.count() == 2


def test_content_is_held_by_the_current_and_the_coming_version(add, tenant):
    document = add(text="Old.")
    with tenant_scope(tenant.pk):
        old = document.current.content_hash
    add(text="New.")
    with tenant_scope(tenant.pk):
        new = Document.objects.get().current.content_hash
        assert dict(holders([old, new, ""])) == {new: [document]}


def test_paths_of_files_tell_nothing_and_stay_in_their_folder(scope):
    version = DocumentVersion(tenant_id=scope.pk, file=ContentFile(b""))
    paths = {version_path(version, "../../Secret plans.PDF/../x.p/../df") for _ in range(5)}
    assert len(paths) == 5
    for path in paths:
        folder, name = path.split("/")
        assert folder == str(scope.pk)
        assert "ecret" not in name


def test_vectors_go_with_their_chunk(add, tenant):
    add()
    with tenant_scope(tenant.pk):
        chunk = Chunk.objects.get()
        assert chunk.vectors.get().tenant_id == tenant.pk


def test_of_many_copies_the_first_are_named(tenant, files, monkeypatch):
    monkeypatch.setattr("knowledge.queries.MAX_HOLDERS", 2)
    with tenant_scope(tenant.pk):
        copies = [NewDocument(external_id=f"copy {n}", text="The same.") for n in range(4)]
        added = add_documents(copies, actor="curator", enqueue=False)
        (found,) = holders(result.version.content_hash for result in added).values()
        assert [document.external_id for document in found] == ["copy 0", "copy 1"]

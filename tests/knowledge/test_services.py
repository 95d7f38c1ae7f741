"""Changes to documents: who gets a version, what is audited, what is told to the replicas."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from knowledge import services
from knowledge.models import Chunk, ChunkVectors, Document, DocumentVersion
from knowledge.queries import changes_since, knowledge_version, live_documents, retrievable_chunks, today
from knowledge.sources import Added, DocumentRefused, NewDocument, Outcome
from tenants.models import AuditEvent
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


def new(external_id="a", text="Some text.", **values):
    return NewDocument(external_id=external_id, text=text, **values)


def jobs():
    return list(ProcrastinateJob.objects.order_by("id").values_list("args__version_id", flat=True))


def actions():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))[1:]  # after tenant.created


def test_a_new_document_comes_with_a_version_a_job_and_an_audit_event(scope, files):
    added = services.add_document(new(title="A", metadata={"category": "faq", "author": "Ann"}), actor="alice")
    document = Document.objects.get()
    assert (document.state, document.category, document.metadata) == ("draft", "faq", {"author": "Ann"})
    assert added.outcome == Outcome.NEW
    assert added.version.state == "queued"
    assert jobs() == [added.version.pk]
    assert actions() == ["document.added"]


def test_a_rollback_leaves_no_document_and_no_job(scope, files):
    with transaction.atomic():
        services.add_document(new(), actor="alice")
        transaction.set_rollback(True)
    assert not Document.objects.exists()
    assert jobs() == []


def test_a_file_is_stored_under_an_unguessable_name_in_the_tenants_folder(scope, files):
    added = services.add_document(NewDocument(external_id="m", filename="Manual.PDF", data=b"%PDF"), actor="a")
    folder, name = added.version.file.name.split("/")
    assert folder == str(scope.pk)
    assert "anual" not in name
    assert name.endswith(".pdf")
    assert len(name) > 30
    assert (files / added.version.file.name).read_bytes() == b"%PDF"


def test_unchanged_content_does_nothing(add, tenant, embedder):
    add(text="The same.")
    calls = embedder.calls
    with tenant_scope(tenant.pk):
        before = knowledge_version(), actions()
        [added] = services.add_documents([new("returns", "The same.")], actor="alice")
        assert (added.version, added.outcome) == (None, Outcome.UNCHANGED)
        assert (knowledge_version(), actions()) == before
    assert embedder.calls == calls


def test_changed_content_is_a_version_beside_the_live_one(add, tenant):
    document = add(text="Old words.")
    with tenant_scope(tenant.pk):
        [added] = services.add_documents([new("returns", "New words.")], actor="alice")
        assert (added.outcome, added.version.number) == (Outcome.NEW_VERSION, 2)
        assert [chunk.text for chunk in retrievable_chunks()] == ["Old words."]
        document.refresh_from_db()
        assert document.current_id != added.version.pk


def test_the_same_id_twice_in_one_call_is_two_versions(scope, files):
    first, second, third = services.add_documents([new("a", "one"), new("b"), new("a", "two")], actor="alice")
    assert (first.version.number, second.version.number, third.version.number) == (1, 1, 2)
    assert first.document == third.document


def test_the_same_content_elsewhere_is_added_and_reported(scope, files):
    first, second = services.add_documents([new("a", "Same."), new("b", "Same.")], actor="alice")
    assert first.duplicates == ("b",)
    assert second.duplicates == ("a",)
    assert Document.objects.count() == 2


def test_content_that_failed_is_tried_again(scope, files):
    services.add_document(new(), actor="alice")
    DocumentVersion.objects.update(state="failed")
    assert services.add_document(new(), actor="alice").version.number == 2


def test_characters_that_postgresql_cannot_hold_are_left_out(scope, files):
    added = services.add_document(new(text="a\x00b", title="t\x00" * 400, metadata={"k\x00": "v\x00"}), actor="a")
    document = Document.objects.get()
    assert (added.version.markdown, len(document.title), document.metadata) == ("ab", 300, {"k": "v"})


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (new("", "text"), "id must have"),
        (new("x" * 501), "id must have"),
        (new("a\x00b"), "id must have"),
        (new("a", "  "), "no text"),
        (NewDocument(external_id="a", data=b""), "empty"),
        (NewDocument(external_id="a"), "no text"),
    ],
)
def test_what_cannot_be_added_is_refused_with_a_sentence(scope, item, reason):
    with pytest.raises(DocumentRefused, match=reason):
        services.add_document(item, actor="alice")
    assert not Document.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_stored(scope, files, monkeypatch):
    monkeypatch.setattr("knowledge.sources.MAX_BYTES", 10)
    big = ContentFile(b"x" * 11, name="big.txt")
    results = services.add_documents([NewDocument(external_id="big", data=big), new("small")], actor="alice")
    assert isinstance(results[0], DocumentRefused)
    assert isinstance(results[1], Added)


def test_metadata_that_does_not_fit_a_field_is_kept_aside(scope):
    fields, rest = services.split_metadata(
        {"url": "https://example.com/a", "lang": "de", "valid_from": "soon", "audience": "x" * 200, "author": "Ann"}
    )
    assert fields == {"source_url": "https://example.com/a", "language": "de"}
    assert rest == {"valid_from": "soon", "audience": "x" * 200, "author": "Ann"}


def test_metadata_of_a_validity_that_ends_before_it_begins_keeps_its_beginning():
    fields, rest = services.split_metadata({"valid_from": "2030-02-01", "valid_until": "2030-01-01"})
    assert fields == {"valid_from": dt.date(2030, 2, 1)}
    assert rest == {"valid_until": "2030-01-01"}


def test_archive_and_restore(add, tenant):
    document = add()
    with tenant_scope(tenant.pk):
        version = knowledge_version()
        assert services.archive([document], actor="alice") == 1
        assert not retrievable_chunks().exists()
        assert services.archive([document], actor="alice") == 0
        assert services.restore([document], actor="alice") == 1
        assert retrievable_chunks().count() == 1
        assert changes_since(version) == (version + 2, [document.pk])
        assert actions()[-2:] == ["document.archived", "document.published"]


def test_a_document_that_was_never_read_cannot_be_published(scope, files):
    added = services.add_document(new(), actor="alice")
    assert services.restore([added.document], actor="alice") == 0


def test_delete_takes_everything_and_tells_the_replicas(add, tenant, django_capture_on_commit_callbacks):
    document = add("m", data=b"# Manual\n\nPress the button.", filename="m.md")
    with tenant_scope(tenant.pk):
        name = DocumentVersion.objects.get().file.name
        assert default_storage.exists(name)
        with django_capture_on_commit_callbacks(execute=True):
            assert services.delete([document], actor="alice") == 1
        assert not default_storage.exists(name)
        for model in (Document, DocumentVersion, Chunk, ChunkVectors):
            assert not model.objects.exists()
        assert changes_since(0)[1] == [document.pk]
        assert actions()[-1] == "document.deleted"


def test_reread_makes_a_version_of_the_same_file_once(add, tenant):
    document = add("m", data=b"# Manual\n\nPress the button.", filename="m.md")
    with tenant_scope(tenant.pk):
        [version] = services.reread([document], actor="alice")
        assert (version.number, version.file.name) == (2, document.versions.get(number=1).file.name)
        assert services.reread([document], actor="alice") == []
        assert retrievable_chunks().count() == 1


def test_metadata_is_changed_audited_and_told(add, tenant):
    document = add()
    with tenant_scope(tenant.pk):
        version = knowledge_version()
        assert services.set_metadata(document, {"category": "faq"}, actor="alice")
        assert not services.set_metadata(document, {"category": "faq"}, actor="alice")
        assert knowledge_version() == version + 1
        assert AuditEvent.objects.first().detail == {"category": ["", "faq"]}


def test_a_new_title_has_the_document_read_again(add, tenant):
    document = add()
    with tenant_scope(tenant.pk):
        services.set_metadata(document, {"title": "Returns"}, actor="alice")
        assert list(document.versions.values_list("number", "state")) == [(2, "queued"), (1, "live")]


def test_metadata_that_does_not_fit_changes_nothing(add, tenant):
    document = add()
    with tenant_scope(tenant.pk), pytest.raises(ValidationError):
        services.set_metadata(document, {"valid_from": today(), "valid_until": dt.date(2001, 1, 1)}, actor="alice")


def test_a_passage_is_switched_off_and_on(add, tenant):
    add()
    with tenant_scope(tenant.pk):
        chunk, version = Chunk.objects.get(), knowledge_version()
        assert services.set_chunk_enabled(chunk, enabled=False, actor="alice")
        assert not services.set_chunk_enabled(chunk, enabled=False, actor="alice")
        assert not retrievable_chunks().exists()
        assert knowledge_version() == version + 1
        assert services.set_chunk_enabled(chunk, enabled=True, actor="alice")
        assert retrievable_chunks().exists()


@pytest.mark.parametrize(
    ("starts", "ends", "found"),
    [(0, 0, True), (-1, 1, True), (1, None, False), (None, -1, False), (None, 0, True), (None, None, True)],
)
def test_only_valid_documents_answer(add, tenant, starts, ends, found):
    document = add()
    with tenant_scope(tenant.pk):
        values = {
            name: None if days is None else today() + dt.timedelta(days)
            for name, days in (("valid_from", starts), ("valid_until", ends))
        }
        services.set_metadata(document, values, actor="alice")
        assert retrievable_chunks().exists() is found
        assert live_documents().exists() is found


def test_another_tenants_documents_are_out_of_reach(add, tenant, other_tenant):
    document = add()
    with tenant_scope(other_tenant.pk):
        assert services.archive([document], actor="mallory") == 0
        assert services.delete([document], actor="mallory") == 0
        assert services.reread([document], actor="mallory") == []
        with pytest.raises(Document.DoesNotExist):
            services.set_metadata(document, {"category": "x"}, actor="mallory")
    with tenant_scope(tenant.pk):
        assert not services.set_chunk_enabled(Chunk(pk=0), enabled=False, actor="mallory")
        assert retrievable_chunks().count() == 1

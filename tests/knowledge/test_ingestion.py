"""From a file to passages: what becomes live, what does not, and what happens when work is lost, late or double."""

import datetime as dt
import time

import numpy as np
import pytest
from django.db import DataError, OperationalError
from django.utils import timezone

from knowledge import ingestion, publishing, services
from knowledge.changes import record_validity
from knowledge.embedding.base import EmbedderError
from knowledge.embedding.passages import Embedded
from knowledge.fetching import Fetched, FetchError
from knowledge.indexes.buffers import unpack_numbers, unpack_tokens
from knowledge.models import Chunk, ChunkVectors, Document, DocumentVersion, KnowledgeState
from knowledge.queries import changes_since, knowledge_version, retrievable_chunks
from knowledge.sources import NewDocument
from tenants.scope import current_tenant_id, tenant_scope

pytestmark = pytest.mark.django_db
MANUAL = b"# Manual\n\nPress the button.\n\n## Care\n\nWipe it with a dry cloth. Never use soap.\n"


@pytest.fixture
def queue(tenant, files, embedder):
    """Adds documents without reading them; returns the ids of their versions."""

    def queue(*items: NewDocument) -> list[int]:
        with tenant_scope(tenant.pk):
            return [added.version.pk for added in services.add_documents(items, actor="a", enqueue=False)]

    return queue


def text(external_id="a", words="Some text.", **values):
    return NewDocument(external_id=external_id, text=words, **values)


def test_a_file_becomes_passages_with_vectors(add, tenant):
    document = add("manual", data=MANUAL, filename="manual.md")
    with tenant_scope(tenant.pk):
        version = document.current
        assert (document.state, document.title, version.state, version.progress) == ("live", "Manual", "live", 100)
        chunks = list(retrievable_chunks().order_by("ordinal"))
        assert [chunk.heading_path for chunk in chunks] == [["Manual"], ["Manual", "Care"]]
        for chunk in chunks:
            assert version.markdown[chunk.start : chunk.end] == chunk.text
            vectors = chunk.vectors.get()
            assert vectors.model == "fake"
            assert len(vectors.paragraph) == 384
            assert len(np.frombuffer(vectors.sentences, np.int8)) == 384 * len(chunk.sentences)
            tokens = len(unpack_numbers(vectors.token_ids))
            assert unpack_tokens(vectors.tokens).shape == (tokens, 64)
            assert len(unpack_numbers(vectors.token_sentences)) == tokens
        assert changes_since(0) == (1, [document.pk])


def test_a_new_version_replaces_the_old_one_whole(add, tenant):
    add(text="Old words.")
    document = add(text="New words.")
    with tenant_scope(tenant.pk):
        assert [chunk.text for chunk in Chunk.objects.all()] == ["New words."]
        assert ChunkVectors.objects.count() == 1
        assert list(document.versions.values_list("number", "state")) == [(2, "live"), (1, "superseded")]


def test_a_failure_keeps_the_last_live_version_and_says_why(add, tenant):
    add("manual", data=MANUAL, filename="manual.md")
    document = add("manual", data=b"\x00\x01\x02" * 50, filename="manual.md")
    with tenant_scope(tenant.pk):
        newest = document.versions.first()
        assert (newest.state, document.state, document.current.number) == ("failed", "live", 1)
        assert newest.error.endswith(".")
        assert retrievable_chunks().count() == 2


def test_one_bad_document_does_not_stop_the_others(queue, tenant):
    bad = NewDocument(external_id="bad", data=b"%PDF-1.7 broken", filename="bad.pdf")
    outcomes = ingestion.ingest_versions(tenant.pk, queue(text("a"), bad, text("c")), threads=2)
    assert [(o.external_id, o.state) for o in outcomes] == [("a", "live"), ("bad", "failed"), ("c", "live")]
    with tenant_scope(tenant.pk):
        assert Document.objects.get(external_id="bad").state == "draft"


def test_a_document_without_words_fails_plainly(queue, tenant):
    [outcome] = ingestion.ingest_versions(
        tenant.pk, queue(NewDocument(external_id="a", data=b"  \n ", filename="a.txt"))
    )
    assert outcome.state == "failed"
    assert "empty" in outcome.error


def test_a_file_that_is_gone_fails_plainly(queue, tenant, files):
    versions = queue(NewDocument(external_id="a", data=b"words", filename="a.txt"))
    for path in files.rglob("*.txt"):
        path.unlink()
    assert "could not be opened" in ingestion.ingest_versions(tenant.pk, versions)[0].error


def test_a_held_version_stays_a_draft(add, tenant):
    document = add(publish=False)
    with tenant_scope(tenant.pk):
        assert (document.state, document.current.state) == ("draft", "live")
        assert not retrievable_chunks().exists()
        services.restore([document], actor="a")
        assert retrievable_chunks().count() == 1


def test_an_archived_document_stays_archived_when_it_is_read_again(add, tenant):
    document = add()
    with tenant_scope(tenant.pk):
        services.archive([document], actor="a")
    assert add(text="Other words.").state == "archived"


def test_passages_switched_off_stay_off_in_the_next_version(add, tenant):
    add("manual", data=MANUAL, filename="manual.md")
    with tenant_scope(tenant.pk):
        services.set_chunk_enabled(Chunk.objects.get(ordinal=1), enabled=False, actor="a")
    add("manual", data=MANUAL.replace(b"Press", b"Push"), filename="manual.md")
    with tenant_scope(tenant.pk):
        assert list(Chunk.objects.order_by("ordinal").values_list("enabled", flat=True)) == [True, False]


def test_running_a_job_twice_changes_nothing(queue, tenant, embedder):
    versions = queue(text())
    ingestion.ingest_versions(tenant.pk, versions)
    calls = embedder.calls
    assert ingestion.ingest_versions(tenant.pk, versions) == []
    assert embedder.calls == calls


def test_what_a_worker_presumed_dead_still_writes_is_refused(queue, tenant, monkeypatch):
    """A second worker takes over while the first is embedding; the first one's passages never arrive."""
    versions = queue(text())
    encode, others = ingestion.Encoding, []

    def slow(*args, **options):
        if not others:
            others.append(True)
            others.append(ingestion.ingest_versions(tenant.pk, versions))
        return encode(*args, **options)

    monkeypatch.setattr(ingestion, "Encoding", slow)
    [late] = ingestion.ingest_versions(tenant.pk, versions)
    assert (late.state, others[1][0].state) == ("skipped", "live")
    with tenant_scope(tenant.pk):
        assert Chunk.objects.count() == 1


def test_a_document_deleted_while_it_is_read_stays_deleted(queue, tenant, monkeypatch):
    versions = queue(text())
    encode = ingestion.Encoding

    def slow(*args, **options):
        with tenant_scope(tenant.pk):
            services.delete(Document.objects.all(), actor="a")
        return encode(*args, **options)

    monkeypatch.setattr(ingestion, "Encoding", slow)
    assert ingestion.ingest_versions(tenant.pk, versions)[0].state == "skipped"
    with tenant_scope(tenant.pk):
        assert not Chunk.objects.exists()


def test_an_older_version_that_ends_late_does_not_take_over(queue, tenant):
    old = queue(text("a", "Old."))
    new = queue(text("a", "New."))
    ingestion.ingest_versions(tenant.pk, new)
    ingestion.ingest_versions(tenant.pk, old)
    with tenant_scope(tenant.pk):
        assert [chunk.text for chunk in Chunk.objects.all()] == ["New."]
        assert Document.objects.get().current_id == new[0]
        assert DocumentVersion.objects.get(pk=old[0]).state == "superseded"


def test_a_large_document_is_never_found_by_half(queue, tenant, monkeypatch):
    monkeypatch.setattr(ingestion, "BLOCK", 2)
    words = "\n\n".join(f"# Part {n}\n\nWords of part {n}." for n in range(5))
    write, seen = publishing.write, []

    def watched(*args):
        with tenant_scope(tenant.pk):
            seen.append((Chunk.objects.count(), retrievable_chunks().count()))
        return write(*args)

    monkeypatch.setattr(publishing, "write", watched)
    ingestion.ingest_versions(tenant.pk, queue(text("a", words)))
    assert seen == [(0, 0), (2, 0), (4, 0)]
    with tenant_scope(tenant.pk):
        assert retrievable_chunks().count() == 5


def test_a_worker_that_died_half_way_leaves_nothing_behind(queue, tenant, monkeypatch):
    monkeypatch.setattr(ingestion, "BLOCK", 2)
    versions = queue(text("a", "\n\n".join(f"# Part {n}\n\nWords of part {n}." for n in range(5))))
    write, calls = publishing.write, []

    def dying(*args):
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("killed")
        return write(*args)

    monkeypatch.setattr(publishing, "write", dying)
    with pytest.raises(OperationalError):
        ingestion.ingest_versions(tenant.pk, versions)
    with tenant_scope(tenant.pk):
        assert (Chunk.objects.count(), retrievable_chunks().count()) == (2, 0)
    assert ingestion.ingest_versions(tenant.pk, versions)[0].state == "live"
    with tenant_scope(tenant.pk):
        assert retrievable_chunks().count() == 5


def test_a_file_that_ends_its_worker_again_and_again_is_given_up(queue, tenant, embedder):
    versions = queue(text())
    with tenant_scope(tenant.pk):
        for _ in range(publishing.MAX_ATTEMPTS):
            assert publishing.begin(versions)
    assert ingestion.ingest_versions(tenant.pk, versions) == []
    with tenant_scope(tenant.pk):
        version = DocumentVersion.objects.get()
        assert version.state == "failed"
        assert "Split it" in version.error


def test_something_the_database_refuses_fails_alone(queue, tenant, monkeypatch):
    write = publishing.write

    def refusing(passages, model, finished):
        if any("poison" in passage.draft.text for passage in passages):
            raise DataError("refused")
        return write(passages, model, finished)

    monkeypatch.setattr(publishing, "write", refusing)
    outcomes = ingestion.ingest_versions(tenant.pk, queue(text("a"), text("b", "poison"), text("c", "More.")))
    assert [outcome.state for outcome in outcomes] == ["live", "failed", "live"]
    assert outcomes[1].error == ingestion.FAULT


@pytest.mark.parametrize("error", [EmbedderError("The model is missing."), ValueError("?")])
def test_an_embedder_that_fails_is_reported(queue, tenant, embedder, error):
    def fail(passages):
        raise error

    embedder.encode_passages = fail
    [outcome] = ingestion.ingest_versions(tenant.pk, queue(text()))
    sentence = str(error) if isinstance(error, EmbedderError) else ingestion.FAULT
    assert (outcome.state, outcome.error) == ("failed", sentence)


def test_progress_moves_while_a_document_is_embedded(queue, tenant, embedder, monkeypatch):
    monkeypatch.setattr(ingestion, "PROGRESS_EVERY", 0)
    monkeypatch.setattr("knowledge.embedding.batches.SLICE", 1)
    seen = []
    note = publishing.note_progress
    monkeypatch.setattr(publishing, "note_progress", lambda work, percent: seen.append(percent) or note(work, percent))
    words = "\n\n".join(f"# Part {n}\n\nWords of part {n}." for n in range(4))
    ingestion.ingest_versions(tenant.pk, queue(text("a", words)))
    assert seen == [40, 60, 80]


def test_no_transaction_is_open_while_a_document_is_embedded(queue, tenant, embedder, monkeypatch):
    from tenants.scope import NoTenantScope

    encode = ingestion.Encoding

    def outside(*args, **options):
        with pytest.raises(NoTenantScope):
            current_tenant_id()
        return encode(*args, **options)

    monkeypatch.setattr(ingestion, "Encoding", outside)
    assert ingestion.ingest_versions(tenant.pk, queue(text()))[0].state == "live"


def test_batches_of_similar_length_come_back_in_order(embedder):
    from concurrent.futures import ThreadPoolExecutor

    inputs = [Embedded("", (), "word " * n, ()) for n in (9, 1, 50, 3, 9, 20)]
    with ThreadPoolExecutor(2) as pool:
        found = ingestion.Encoding(inputs, embedder, pool).finish()
    assert [len(encoding.token_ids) for encoding in found] == [9, 1, 50, 3, 9, 20]
    assert embedder.calls == 5  # the same text once


def test_the_next_block_is_being_embedded_while_one_is_written(queue, tenant, embedder, monkeypatch):
    monkeypatch.setattr(ingestion, "BLOCK", 1)
    write, begun = publishing.write, []

    def waiting(*args):
        deadline = time.monotonic() + 10
        while embedder.calls < min(len(begun) + 2, 3) and time.monotonic() < deadline:
            time.sleep(0.01)
        begun.append(embedder.calls)
        return write(*args)

    monkeypatch.setattr(publishing, "write", waiting)
    words = "\n\n".join(f"# Part {n}\n\nWords of part {n}." for n in range(3))
    assert ingestion.ingest_versions(tenant.pk, queue(text("a", words)))[0].state == "live"
    assert begun == [2, 3, 3]


def test_an_address_is_fetched_kept_and_read(queue, tenant, files, monkeypatch):
    page = Fetched(b"<html><title>Returns</title><p>You have 30 days.</p></html>", "returns.html", "https://x.example/")
    monkeypatch.setattr("knowledge.fetching.fetch", lambda _url: page)
    [outcome] = ingestion.ingest_versions(tenant.pk, queue(NewDocument(external_id="u", url="https://x.example/r")))
    assert outcome.state == "live"
    with tenant_scope(tenant.pk):
        document = Document.objects.select_related("current").get()
        assert (document.title, document.source_url) == ("Returns", "https://x.example/r")
        assert len(document.current.content_hash) == 64
        assert (files / document.current.file.name).read_bytes() == page.data
        [again] = services.reread([document], actor="a")
        version = knowledge_version()
    [outcome] = ingestion.ingest_versions(tenant.pk, [again.pk])
    with tenant_scope(tenant.pk):
        assert (outcome.state, knowledge_version()) == ("skipped", version)  # the page has not changed
        assert retrievable_chunks().exists()


def test_an_address_that_cannot_be_fetched_fails_with_its_sentence(queue, tenant, monkeypatch):
    def refuse(url):
        raise FetchError("That is inside our own network.")

    monkeypatch.setattr("knowledge.fetching.fetch", refuse)
    [outcome] = ingestion.ingest_versions(tenant.pk, queue(NewDocument(external_id="u", url="http://10.0.0.1/")))
    assert (outcome.state, outcome.error) == ("failed", "That is inside our own network.")


def test_versions_of_another_tenant_are_not_touched(queue, tenant, other_tenant):
    assert ingestion.ingest_versions(other_tenant.pk, queue(text())) == []


def test_days_on_which_validity_begins_or_ends_are_told_to_the_replicas(add, tenant):
    today = timezone.now().date()
    begins = add("b", "Begins.", metadata={"valid_from": str(today)})
    ended = add("e", "Ended.", metadata={"valid_until": str(today - dt.timedelta(1))})
    add("n", "Neither.", metadata={"valid_from": "2001-01-01"})
    with tenant_scope(tenant.pk):
        version = knowledge_version()
        assert record_validity() == 0
        KnowledgeState.objects.update(day=today - dt.timedelta(3))
        assert record_validity() == 2
        assert set(changes_since(version)[1]) == {begins.pk, ended.pk}
        assert record_validity() == 0

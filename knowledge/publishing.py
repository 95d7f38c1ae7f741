"""The short transactions of ingestion: begin, note progress, write passages, publish, fail. All need a tenant scope.

`attempt` is a fencing token: it rises whenever a worker begins, and what an earlier worker (stalled, presumed dead)
still wants to write is refused. So a version may be worked on twice, but is published once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from knowledge.changes import locked_state, record_change
from knowledge.chunking import READER, ChunkDraft
from knowledge.embedding.base import PassageEncoding
from knowledge.indexes.buffers import pack_numbers, pack_sentences, pack_tokens
from knowledge.models import FINISHED, Chunk, ChunkVectors, Document, DocumentVersion, EmbeddingModel
from knowledge.readers.base import ReadDocument
from knowledge.releasing import waiting_versions, withdraw_emptied
from tenants.scope import current_tenant_id

MAX_ATTEMPTS = 5  # times that reading a version may end its worker; workers die of other things, too
DEADLY = (
    "Reading this file ended the program {count} times, most likely for want of memory. "
    "Split it into smaller files and add those."
)
State = DocumentVersion.State


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker needs to know of a version, without the database.

    Attributes:
        attempt: the fencing token.
        path: the uploaded file; None when there is a text or an address instead.
    """

    tenant: int
    version: int
    document: int
    external_id: str
    attempt: int
    title: str
    filename: str
    path: Path | None
    url: str
    text: str

    @property
    def is_text(self) -> bool:
        """Whether there is nothing to read or fetch."""
        return self.path is None and not self.url


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """A chunk with its vectors, ready to be written; `others` are those of models that do not serve, by their names."""

    work: Work
    draft: ChunkDraft
    encoding: PassageEncoding
    others: Mapping[str, PassageEncoding] = field(default_factory=dict)


def begin(version_ids: Iterable[int]) -> list[Work]:
    """Claims the versions that are still to be read; those that have ended too many workers fail instead."""
    found = DocumentVersion.objects.filter(pk__in=list(version_ids), state__in=DocumentVersion.IN_WORK)
    versions = list(found.select_for_update(of=("self",)).select_related("document").order_by("pk"))
    works, now = [], timezone.now()
    for version in versions:
        version.attempts, version.changed_at = version.attempts + 1, now
        if version.attempts > MAX_ATTEMPTS:
            version.state, version.error = State.FAILED, DEADLY.format(count=MAX_ATTEMPTS)
        else:
            version.state, version.progress, version.reader = State.READING, 1, READER
            works.append(_work(version))
    _save(versions, "attempts", "state", "error", "progress", "reader", "changed_at")
    retried = [work.version for work in works if work.attempt > 1]
    if retried:
        delete_chunks(Q(version__in=retried))
    return works


def _save(versions: Iterable[DocumentVersion], *fields: str) -> None:
    """Writes these fields, in one statement for all versions that say the same, as nearly all do.

    A `bulk_update` puts a condition together for every field of every row: a twentieth of ingesting short documents.
    """
    alike = defaultdict(list)
    for version in versions:
        alike[tuple(getattr(version, field) for field in fields)].append(version.pk)
    for values, pks in alike.items():
        DocumentVersion.objects.filter(pk__in=pks).update(**dict(zip(fields, values, strict=True)))


def _work(version: DocumentVersion) -> Work:
    document = version.document
    return Work(
        tenant=version.tenant_id,
        version=version.pk,
        document=document.pk,
        external_id=document.external_id,
        attempt=version.attempts,
        title=document.title,
        filename=version.filename,
        path=Path(version.file.path) if version.file else None,
        url="" if version.file else version.url,
        text=version.markdown,
    )


def note_read(work: Work, document: ReadDocument, *, file: str = "", content_hash: str = "") -> bool:
    """Keeps the text that was read, and the file and its hash when it was fetched.

    Returns False when there is nothing more to do: the version is no longer this worker's, or an address gave just what
    the document already says.
    """
    values: dict[str, object] = {"markdown": document.markdown, "pages": list(document.pages)}
    if file:
        values |= {"file": file, "content_hash": content_hash}
    version = _mine([work]).get(work.version)
    if version is None:
        return False
    parent = Document.objects.select_related("current").get(pk=work.document)
    same = content_hash and parent.current and parent.current.content_hash == content_hash
    if same and parent.current.reader == READER:
        _update(work, state=State.SUPERSEDED, progress=FINISHED, **values)
        return False
    return _update(work, state=State.EMBEDDING, **values)


def note_progress(work: Work, percent: int) -> bool:
    """Moves the bar; False when the version is no longer this worker's."""
    return _update(work, progress=min(percent, FINISHED - 1))


def fail(work: Work, sentence: str) -> bool:
    """Keeps the reason; the document's last live version stays as it is."""
    return _update(work, state=State.FAILED, error=sentence)


def _update(work: Work, **values: object) -> bool:
    mine = DocumentVersion.objects.filter(pk=work.version, attempts=work.attempt, state__in=DocumentVersion.IN_WORK)
    return bool(mine.update(changed_at=timezone.now(), **values))


def _mine(works: Iterable[Work]) -> dict[int, DocumentVersion]:
    """The versions that these workers still own, locked after their documents, as everywhere."""
    attempts = {work.version: work.attempt for work in works}
    list(Document.objects.filter(versions__in=attempts).order_by("pk").select_for_update().values_list("pk"))
    versions = DocumentVersion.objects.filter(pk__in=attempts, state__in=DocumentVersion.IN_WORK).defer("markdown")
    locked = versions.order_by("pk").select_for_update()
    return {version.pk: version for version in locked if version.attempts == attempts[version.pk]}


def write(passages: Sequence[EncodedChunk], model: str, finished: dict[int, ReadDocument]) -> set[int]:
    """Writes passages, and publishes the versions they complete, in the transaction of the caller.

    Args:
        passages: of one or many versions.
        model: the name of the embedder.
        finished: the versions that are complete with these passages, and what was read of them.

    Returns:
        The versions that are no longer the worker's; nothing of them was written.
    """
    works = {passage.work.version: passage.work for passage in passages}
    mine = _mine(works.values())
    kept = [passage for passage in passages if passage.work.version in mine]
    silenced = _silenced({mine[pk].document_id for pk in mine})
    chunks = Chunk.objects.bulk_create([_chunk(passage, silenced) for passage in kept])
    ChunkVectors.objects.bulk_create(
        chunk_vectors(chunk, encoding, name)
        for chunk, passage in zip(chunks, kept, strict=True)
        for name, encoding in {model: passage.encoding, **passage.others}.items()
    )
    _publish({pk: (version, finished[pk]) for pk, version in mine.items() if pk in finished})
    if kept:
        _note_incomplete({model, *kept[0].others})
    return works.keys() - mine.keys()


def _chunk(passage: EncodedChunk, silenced: set[tuple[int, str]]) -> Chunk:
    draft, work = passage.draft, passage.work
    return Chunk(
        tenant_id=work.tenant,
        document_id=work.document,
        version_id=work.version,
        ordinal=draft.ordinal,
        text=draft.text,
        kind=draft.kind,
        found_by=draft.found_by,
        start=draft.start,
        end=draft.end,
        heading_path=list(draft.heading_path),
        page=draft.page,
        parent_start=draft.parent_start,
        parent_end=draft.parent_end,
        sentences=[list(span) for span in draft.sentences],
        enabled=draft.says_something and (work.document, draft.text) not in silenced,
    )


def _silenced(documents: set[int]) -> set[tuple[int, str]]:
    """The passages that a curator has switched off; the same words stay off in the next version."""
    return set(Chunk.objects.filter(document__in=documents, enabled=False).values_list("document_id", "text"))


def _note_incomplete(written: set[str]) -> None:
    """Models that these passages have no vectors of are complete no more, until a job has made what is missing."""
    building, ready = EmbeddingModel.State.BUILDING, EmbeddingModel.State.READY
    behind = EmbeddingModel.objects.filter(state__in=[building, ready]).exclude(name__in=written)
    if behind.exists():
        locked_state()  # whoever finds a model complete holds it, too: it has seen these passages, or comes later
        behind.filter(state=ready).update(state=building, changed_at=timezone.now())


def chunk_vectors(chunk: Chunk, encoding: PassageEncoding, model: str) -> ChunkVectors:
    """The row of a chunk's vectors, to be stored."""
    return ChunkVectors(
        tenant_id=chunk.tenant_id,
        chunk=chunk,
        model=model,
        paragraph=encoding.paragraph,
        sentences=pack_sentences(encoding.sentences),
        tokens=pack_tokens(encoding.tokens),
        token_ids=pack_numbers(encoding.token_ids),
        token_sentences=pack_numbers(encoding.token_sentences),
    )


def _publish(finished: dict[int, tuple[DocumentVersion, ReadDocument]]) -> None:
    """Makes versions current that were read to the end, or has them wait where their release is still to come."""
    documents = {
        document.pk: document
        for document in Document.objects.filter(versions__in=list(finished)).select_related("current").distinct()
    }
    waiting = waiting_versions(finished)
    ready, late, described, now = [], [], [], timezone.now()
    for version, read in finished.values():
        version.document = document = documents[version.document_id]
        version.progress, version.changed_at = FINISHED, now
        if document.current and document.current.number > version.number:
            version.state = State.SUPERSEDED  # a later version was quicker
            late.append(version.pk)
            continue
        if _describe(document, read) or version.pk in waiting:  # the others are written below
            described.append(document)
        version.state = State.HELD if version.pk in waiting else State.LIVE
        if version.state == State.LIVE:
            ready.append(version)
    versions = [version for version, _ in finished.values()]
    _save(versions, "state", "progress", "changed_at")
    Document.objects.bulk_update(described, ["title", "language", "metadata", "updated_at"])
    delete_chunks(Q(version__in=late))
    _supersede_waiting(version for version in versions if version.pk not in late)
    make_current(ready)


def _describe(document: Document, read: ReadDocument) -> bool:
    """Fills in what nobody has said of a document and its file says itself; whether there was anything."""
    document.updated_at = timezone.now()
    before = document.title, document.language, document.metadata
    document.title = document.title or read.title[:300]
    document.language = document.language or read.language[:35]
    document.metadata = {**read.metadata, **document.metadata}
    return before != (document.title, document.language, document.metadata)


def make_current(versions: Sequence[DocumentVersion]) -> None:
    """Brings versions into use that were read, in place of those before them; their documents are locked already."""
    old = {version.document.current_id for version in versions} - {None, *(version.pk for version in versions)}
    documents = [version.document for version in versions]
    for version, document in zip(versions, documents, strict=True):
        document.current, document.updated_at = version, timezone.now()
        if document.state == Document.State.DRAFT and version.publish:
            document.state = Document.State.LIVE
    Document.objects.bulk_update(documents, ["current", "state", "updated_at"])
    if old:
        DocumentVersion.objects.filter(pk__in=old).update(state=State.SUPERSEDED)
        delete_chunks(Q(version__in=old))
    record_change(document.pk for document in documents)


def _supersede_waiting(versions: Iterable[DocumentVersion]) -> None:
    """Newer versions take the place of those that still wait for their release."""
    older = [Q(document=version.document_id, number__lt=version.number) for version in versions]
    if older:
        waiting = DocumentVersion.objects.filter(reduce(or_, older), state=State.HELD)
        drop_waiting(list(waiting.values_list("pk", flat=True)), State.SUPERSEDED)
        withdraw_emptied()


def drop_waiting(version_ids: Sequence[int], state: str) -> None:
    """Ends versions that were read and never live."""
    if version_ids:
        now = timezone.now()
        DocumentVersion.objects.filter(pk__in=version_ids).update(state=state, progress=FINISHED, changed_at=now)
        delete_chunks(Q(version__in=version_ids))


def delete_chunks(condition: Q) -> None:
    """Deletes chunks and their vectors, in two statements however many there are."""
    assert current_tenant_id()  # noqa: S101 (raises outside of a scope)
    chunks = Chunk.objects.filter(condition)
    ChunkVectors.objects.filter(chunk__in=chunks.values("pk"))._raw_delete("default")  # noqa: SLF001 (no rows loaded)
    chunks._raw_delete("default")  # noqa: SLF001 (likewise)

"""Changes to a tenant's documents. All need a tenant scope; all are audited and told to the replicas at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Field, Q
from django.utils import timezone

from knowledge import releasing, tasks
from knowledge.changes import record_change
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.publishing import delete_chunks
from knowledge.queries import holders
from knowledge.readers.base import clean
from knowledge.sources import Added, DocumentRefused, NewDocument, Outcome
from tenants.models import AuditEvent
from tenants.scope import current_tenant_id
from tenants.services import record_audit

#: What `set_metadata` may change, and the metadata of an ingested document may name.
FIELDS = ("title", "language", "category", "audience", "product", "source_url", "valid_from", "valid_until")
#: Other names under which documents bring their metadata.
SYNONYMS = {"url": "source_url", "lang": "language"}
MAX_TITLE = 300  # characters


def add_document(item: NewDocument, *, actor: str, enqueue: bool = True) -> Added:
    """`add_documents` of one; raises DocumentRefused instead of returning it."""
    [added] = add_documents([item], actor=actor, enqueue=enqueue)
    if isinstance(added, DocumentRefused):
        raise added
    return added


def add_documents(items: Sequence[NewDocument], *, actor: str, enqueue: bool = True) -> list[Added | DocumentRefused]:
    """Adds documents, or new versions of those whose ids are known; row, file and job commit together.

    Content that a document already has does nothing. Content that only another document has is added all the same;
    `Added.duplicates` names the others.

    Args:
        items: what to add.
        actor: for the audit trail.
        enqueue: False when the caller reads the versions itself at once (`ingestion.ingest_versions`).

    Returns:
        What became of each item, in order: one refused does not stop the others.
    """
    results: list[Added | DocumentRefused | None] = [None] * len(items)
    pending = list(enumerate(items))
    while pending:  # a second item of the same id is a version after the first, so it waits for the next round
        ids: set[str] = set()
        now: list[tuple[int, NewDocument]] = []
        later: list[tuple[int, NewDocument]] = []
        for position, item in pending:
            (later if item.external_id in ids else now).append((position, item))
            ids.add(item.external_id)
        for (position, _), added in zip(now, _add([item for _, item in now], actor), strict=True):
            results[position] = added
        pending = later
    fresh = [added.version for added in results if isinstance(added, Added) and added.version]
    releasing.hold(fresh, actor=actor)
    if enqueue:
        tasks.enqueue(fresh)
    return [result for result in results if result is not None]


def _add(items: Sequence[NewDocument], actor: str) -> list[Added | DocumentRefused]:
    refusals = {item.external_id: refusal for item in items if (refusal := item.refusal())}
    accepted = [item for item in items if item.external_id not in refusals]
    documents = _find_or_create(accepted)
    newest = _newest_versions(documents.values())
    planned = [_plan(item, documents[item.external_id], newest) for item in accepted]
    DocumentVersion.objects.bulk_create([plan.version for plan in planned if plan.version])
    _audit((plan.document for plan in planned if plan.version), "document.added", actor)
    added = {plan.document.external_id: plan for plan in _with_duplicates(planned)}
    return [refusals.get(item.external_id) or added[item.external_id] for item in items]


def _with_duplicates(planned: Sequence[Added]) -> list[Added]:
    same = holders(plan.version.content_hash for plan in planned if plan.version)
    return [
        replace(plan, duplicates=tuple(d.external_id for d in same[plan.version.content_hash] if d != plan.document))
        if plan.version and plan.version.content_hash in same
        else plan
        for plan in planned
    ]


def _find_or_create(items: Sequence[NewDocument]) -> dict[str, Document]:
    """The documents of these ids, locked; two that add the same id at once get the same row."""
    known = set(_by_id(items).values_list("external_id", flat=True))
    fresh = [item for item in items if item.external_id not in known]
    Document.objects.bulk_create([_document(item) for item in fresh], ignore_conflicts=True)
    locked = _by_id(items).select_for_update(of=("self",)).select_related("current").order_by("pk")
    return {document.external_id: document for document in locked}


def _by_id(items: Sequence[NewDocument]) -> Any:
    return Document.objects.filter(external_id__in=[item.external_id for item in items])


def _document(item: NewDocument) -> Document:
    fields, rest = split_metadata(item.metadata)
    document = Document(
        tenant_id=current_tenant_id(),
        external_id=item.external_id,
        source_url=item.url,
        metadata=rest,
    )
    for name, value in ({"title": clean(item.title)[:MAX_TITLE]} | fields).items():
        setattr(document, name, value)
    return document


def split_metadata(metadata: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of a document that metadata names with a value fit for them, and all the rest."""
    fields: dict[str, Any] = {}
    rest: dict[str, str] = {}
    for key, value in ((clean(key), clean(value)) for key, value in metadata.items()):
        name = SYNONYMS.get(key.strip().lower(), key.strip().lower())
        try:
            if name not in FIELDS or not value:
                raise ValidationError(name)  # noqa: TRY301 (the same way out)
            form: Field[Any, Any] = Document._meta.get_field(name)  # type: ignore[assignment] # noqa: SLF001 (plain fields)
            fields[name] = form.clean(value, None)
        except ValidationError:
            rest[key] = value
    if fields.get("valid_from") and fields.get("valid_until") and fields["valid_from"] > fields["valid_until"]:
        rest["valid_until"] = str(fields.pop("valid_until"))
    return fields, rest


def _newest_versions(documents: Iterable[Document]) -> dict[int, DocumentVersion]:
    """The newest version of each document."""
    versions = DocumentVersion.objects.filter(document__in=list(documents)).defer("markdown").order_by("number")
    return {version.document_id: version for version in versions}


def _plan(item: NewDocument, document: Document, newest: dict[int, DocumentVersion]) -> Added:
    last = newest.get(document.pk)
    content_hash = item.content_hash()
    failed = last is not None and last.state in (DocumentVersion.State.FAILED, DocumentVersion.State.WITHDRAWN)
    if last and content_hash and not failed and last.content_hash == content_hash:
        return Added(document, None, Outcome.UNCHANGED)
    current = document.current
    if failed and current and content_hash and current.content_hash == content_hash:
        return Added(document, None, Outcome.UNCHANGED)  # back to what is live, after a version that failed
    version = DocumentVersion(
        tenant_id=document.tenant_id,
        document=document,
        number=last.number + 1 if last else 1,
        filename=item.filename[-255:],
        url=item.url,
        content_hash=content_hash,
        markdown=clean(item.text or ""),
        publish=item.publish,
    )
    if item.data is not None:
        version.file = item.file()
    return Added(document, version, Outcome.NEW_VERSION if last else Outcome.NEW)


def reread(documents: Iterable[Document], *, actor: str) -> list[DocumentVersion]:
    """Reads documents again, from the same file, text or address; what is live stays so until that has worked."""
    locked = list(Document.objects.filter(pk__in=[d.pk for d in documents]).order_by("pk").select_for_update())
    again = [_again(version) for version in _sources(locked)]
    DocumentVersion.objects.bulk_create(again)
    releasing.hold(again, actor=actor)
    tasks.enqueue(again)
    _audit((version.document for version in again), "document.reread", actor)
    return again


def _sources(documents: Sequence[Document]) -> list[DocumentVersion]:
    """The newest version of each document that is not being read anyway."""
    newest = DocumentVersion.objects.filter(document__in=documents).order_by("document", "-number").distinct("document")
    return [version for version in newest.select_related("document") if not version.in_work]


def _again(version: DocumentVersion) -> DocumentVersion:
    fetched = bool(version.url)
    return DocumentVersion(
        tenant_id=version.tenant_id,
        document=version.document,
        number=version.number + 1,
        file=None if fetched else version.file.name,
        filename=version.filename,
        url=version.url,
        content_hash="" if fetched else version.content_hash,
        markdown="" if fetched or version.file else version.markdown,
        publish=version.publish,
    )


def archive(documents: Iterable[Document], *, actor: str) -> int:
    """Takes documents out of use, to be restored at any time; returns how many were in use."""
    return _set_state(documents, ~Q(state=Document.State.ARCHIVED), Document.State.ARCHIVED, "document.archived", actor)


def restore(documents: Iterable[Document], *, actor: str) -> int:
    """Brings archived documents and drafts into use, those that were ever read; returns how many.

    With the release gate on they come into use when their release does.
    """
    ready = ~Q(state=Document.State.LIVE) & Q(current__isnull=False)
    wanted = [document.pk for document in documents]
    if held := releasing.hold_documents(Document.objects.filter(ready, pk__in=wanted), actor=actor):
        return len(releasing.versions_of(held))
    return _set_state(documents, ready, Document.State.LIVE, "document.published", actor)


def _set_state(documents: Iterable[Document], condition: Q, state: str, action: str, actor: str) -> int:
    wanted = Document.objects.filter(condition, pk__in=[document.pk for document in documents])
    changed = list(wanted.order_by("pk").select_for_update())
    Document.objects.filter(pk__in=[d.pk for d in changed]).update(state=state, updated_at=timezone.now())
    _audit(changed, action, actor)
    record_change(document.pk for document in changed)
    return len(changed)


def delete(documents: Iterable[Document], *, actor: str) -> int:
    """Deletes documents with all their versions and files for good; returns how many."""
    wanted = Document.objects.filter(pk__in=[document.pk for document in documents])
    gone = list(wanted.order_by("pk").select_for_update())
    versions = DocumentVersion.objects.filter(document__in=gone)
    files = set(versions.exclude(file="").exclude(file=None).values_list("file", flat=True))
    ids = [document.pk for document in gone]
    delete_chunks(Q(document__in=ids))
    versions.delete()
    Document.objects.filter(pk__in=ids).delete()
    _audit(gone, "document.deleted", actor)
    releasing.withdraw_emptied()
    record_change(ids)
    for name in files:
        transaction.on_commit(partial(default_storage.delete, name), robust=True)
    return len(gone)


def set_metadata(document: Document, values: Mapping[str, Any], *, actor: str) -> bool:
    """Changes the fields named in FIELDS; returns whether anything changed.

    The title is part of what a passage says to the index, so a new one has the document read again.

    Raises:
        ValidationError: a value does not fit.
    """
    document = Document.objects.select_for_update().get(pk=document.pk)
    before = {name: getattr(document, name) for name in FIELDS}
    for name in values.keys() & set(FIELDS):
        setattr(document, name, values[name])
    changed = [name for name in FIELDS if getattr(document, name) != before[name]]
    if not changed:
        return False
    document.full_clean(exclude=["current"])
    document.save(update_fields=[*changed, "updated_at"])
    detail: dict[str, object] = {
        name: [str(before[name] or ""), str(getattr(document, name) or "")] for name in changed
    }
    record_audit(actor=actor, action="document.edited", target=str(document), detail=detail)
    if "title" in changed:
        reread([document], actor=actor)
    record_change([document.pk])
    return True


def set_chunk_enabled(chunk: Chunk, *, enabled: bool, actor: str) -> bool:
    """Switches one passage on or off; returns whether that changed anything."""
    if not Chunk.objects.filter(pk=chunk.pk).exclude(enabled=enabled).update(enabled=enabled):
        return False
    action = "passage.switched_on" if enabled else "passage.switched_off"
    record_audit(actor=actor, action=action, target=str(chunk), detail={"text": chunk.text[:200]})
    record_change([chunk.document_id])
    return True


def _audit(documents: Iterable[Document], action: str, actor: str) -> None:
    tenant_id = current_tenant_id()
    AuditEvent.objects.bulk_create(
        AuditEvent(
            tenant_id=tenant_id,
            actor=actor[:200],
            action=action,
            target=str(document)[:200],
            detail={"id": document.external_id},
        )
        for document in documents
    )

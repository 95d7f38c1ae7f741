"""Many documents at once: added in groups, and read in this process when somebody waits for them."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from knowledge import services
from knowledge.ingestion import ingest_versions
from knowledge.models import DocumentVersion
from knowledge.sources import Added, DocumentRefused, NewDocument
from tenants.scope import tenant_scope

GROUP_DOCUMENTS = 256  # in one transaction
GROUP_BYTES = 32 * 1024 * 1024  # of files and texts held in memory

Item = NewDocument | DocumentRefused


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one document.

    Attributes:
        document: its id.
        state: "live", "failed", "unchanged", "queued", "refused", or "skipped" when something newer took its place.
        error: a sentence, when it failed or was refused.
        duplicates: ids of other documents with the same content.
    """

    document: str
    state: str
    error: str = ""
    chunks: int = 0
    duplicates: tuple[str, ...] = ()


def load(tenant_id: int, items: Iterable[Item], *, actor: str, wait: bool) -> Iterator[Loaded]:
    """Adds documents to a tenant, in no scope of the caller's; yields one result for each, group by group.

    Args:
        tenant_id: whose documents they become.
        items: what to add; refusals are passed through.
        actor: for the audit trail.
        wait: read them here, on all cores, instead of leaving that to a worker.
    """
    for group in _groups(items):
        wanted = [item for item in group if isinstance(item, NewDocument)]
        with tenant_scope(tenant_id):
            added = iter(services.add_documents(wanted, actor=actor, enqueue=not wait))
        results = [item if isinstance(item, DocumentRefused) else next(added) for item in group]
        outcomes = _read_here(tenant_id, results) if wait else {}
        for result in results:
            yield _loaded(result, outcomes)


def _groups(items: Iterable[Item]) -> Iterator[list[Item]]:
    group: list[Item] = []
    size = 0
    for item in items:
        group.append(item)
        size += _size(item)
        if len(group) >= GROUP_DOCUMENTS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _size(item: Item) -> int:
    if isinstance(item, DocumentRefused):
        return 0
    return len(item.data) if isinstance(item.data, bytes) else len(item.text or "")


def _read_here(tenant_id: int, results: list[Added | DocumentRefused]) -> dict[int, Loaded]:
    """The results by document; documents that wait for a worker, from an earlier call, are read here as well."""
    documents = [result.document for result in results if isinstance(result, Added)]
    with tenant_scope(tenant_id):
        versions = DocumentVersion.objects.filter(document__in=documents, state__in=DocumentVersion.IN_WORK)
        found = dict(versions.values_list("pk", "document_id"))
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        found[outcome.version]: Loaded(outcome.external_id, outcome.state, outcome.error, outcome.chunks)
        for outcome in ingest_versions(tenant_id, sorted(found), threads=threads)
    }


def _loaded(result: Added | DocumentRefused, outcomes: dict[int, Loaded]) -> Loaded:
    if isinstance(result, DocumentRefused):
        return Loaded(result.external_id, "refused", str(result))
    done = outcomes.get(result.document.pk)
    if done:
        return Loaded(done.document, done.state, done.error, done.chunks, result.duplicates)
    state = "queued" if result.version else "unchanged"
    return Loaded(result.document.external_id, state, duplicates=result.duplicates)

"""Tells every process that documents have changed, in the transaction of the change itself."""

from collections.abc import Iterable

from knowledge.models import Document, KnowledgeChange, KnowledgeState
from knowledge.queries import today
from tenants.scope import current_tenant_id


def record_change(document_ids: Iterable[int]) -> int:
    """Moves the tenant's knowledge version on for these documents, and returns it.

    The row of the tenant's state stays locked until the transaction ends, so versions are committed in their order: a
    replica that has seen version v has missed nothing before it. Call it last, to hold the lock briefly.
    """
    state = locked_state()
    ids = set(document_ids)
    if not ids:
        return state.version
    state.version += 1
    state.save(update_fields=["version"])
    KnowledgeChange.objects.bulk_create(
        [
            KnowledgeChange(tenant_id=state.tenant_id, version=state.version, document_id=document_id)
            for document_id in sorted(ids)
        ],
        update_conflicts=True,
        unique_fields=["tenant", "document_id"],
        update_fields=["version"],
    )
    return state.version


def record_search_change() -> int:
    """Moves the knowledge version on for what is no document: settings, synonyms, curated answers; returns it."""
    state = locked_state()
    state.version += 1
    state.save(update_fields=["version"])
    return state.version


def record_validity() -> int:
    """Records the documents whose validity has begun or ended since the last call; returns how many there were."""
    state, now = locked_state(), today()
    if state.day >= now:
        return 0
    begun = Document.objects.filter(valid_from__gt=state.day, valid_from__lte=now)
    ended = Document.objects.filter(valid_until__gte=state.day, valid_until__lt=now)
    ids = set(begun.values_list("pk", flat=True)) | set(ended.values_list("pk", flat=True))
    record_change(ids)
    KnowledgeState.objects.update(day=now)
    return len(ids)


def validity_is_recorded() -> bool:
    """Whether the beginnings and ends of validity are recorded up to today, for a question, which waits for no writer.

    Records them itself where that is still to be done, unless somebody is changing the knowledge just now: then the
    next question tries again, and so does the worker.
    """
    if not KnowledgeState.objects.filter(day__lt=today()).exists():
        return True
    free = bool(KnowledgeState.objects.select_for_update(skip_locked=True))
    if free:
        record_validity()
    return free


def locked_state() -> KnowledgeState:
    """The state of the tenant in scope, which nobody else changes until the transaction ends."""
    if not KnowledgeState.objects.exists():
        # Two may come here at once; the second's row is ignored.
        fresh = KnowledgeState(tenant_id=current_tenant_id(), day=today())
        KnowledgeState.objects.bulk_create([fresh], ignore_conflicts=True)
    state: KnowledgeState = KnowledgeState.objects.select_for_update().get()
    return state

"""Changes that wait for the tenant's questions: who asks for a release, which versions wait. All need a tenant scope.

With the gate on, what would change answers goes live when the tenant's questions find no less than before: documents
and new versions of them, prompts, weights, a switch of the embedding model. What takes something out of use (archiving,
deleting, switching off a passage) never waits, nor does the first content of a tenant that has none.

A release is checked elsewhere (`agents.releases`), since prompts are among what can change: its job is deferred by
name.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Q
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge.evaluation.runs import stop_run
from knowledge.models import Document, DocumentVersion, Release, ReleaseGate
from knowledge.queries import live_documents
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from django.db.models import QuerySet

CHECK = "agents.check_release"
"""The task that checks a release, by its name."""
CHECKS = "checks"
"""Its queue."""
MAX_LABEL = 200  # characters
GOES_ON = 1  # priority of a check that was begun: what goes live before its end would have it begin again
NAMED, MAX_NAME = 3, 60  # documents in a label, and characters of each
NOTHING_LEFT = "Nothing of it is left: its documents were deleted, could not be read, or have newer versions."
log = logging.getLogger(__name__)

# Django's own connection: the job commits, or rolls back, with the release.
_jobs = JobManager(DjangoConnector())


def gate_is_on() -> bool:
    """Whether changes of the tenant in scope wait until its questions have been asked."""
    return bool(ReleaseGate.objects.filter(enabled=True).exists())


@transaction.atomic
def request_release(*, change: Mapping[str, Any], label: str, actor: str) -> Release:
    """Have a change checked, and brought live by itself if it makes nothing worse.

    Args:
        change: what is to go live: {"documents": [ids of versions]}, {"prompt": id}, {"embedding": name} or
            {"weights": {"dense": share or None, "rerank": share or None, "diversity": share}}.
        label: what people know the change by.
        actor: for the audit trail.
    """
    release: Release = Release.objects.create(change=dict(change), label=label[:MAX_LABEL], requested_by=actor[:150])
    record_audit(actor=actor, action="release.requested", target=release.label)
    if is_read(release):
        enqueue_check(release)
    return release


def hold(versions: Sequence[DocumentVersion], *, actor: str) -> Release | None:
    """With the gate on, makes one release of new versions; None where they go live by themselves, as without it."""
    if not versions or not gate_is_on() or not live_documents().exists():
        return None
    wanted = [version for version in versions if _would_serve(version)]
    if not wanted:
        return None
    return request_release(change={"documents": [version.pk for version in wanted]}, label=_label(wanted), actor=actor)


def hold_documents(documents: Iterable[Document], *, actor: str) -> Release | None:
    """With the gate on, makes one release of documents that were read before and are to come into use (again)."""
    if not gate_is_on() or not live_documents().exists():
        return None
    versions = [document.current for document in documents if document.current]
    if not versions:
        return None
    change = {"documents": [version.pk for version in versions], "restore": True}
    return request_release(change=change, label=_label(versions), actor=actor)


def _would_serve(version: DocumentVersion) -> bool:
    state = version.document.state
    return bool(state == Document.State.LIVE or (state == Document.State.DRAFT and version.publish))


def _label(versions: Sequence[DocumentVersion]) -> str:
    names = [str(version.document) for version in versions]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(name[:MAX_NAME] for name in names[:NAMED]) + more


def versions_of(release: Release) -> list[int]:
    """The ids of the versions that a release is about; they may be gone."""
    return [pk for pk in release.change.get("documents", ()) if isinstance(pk, int)]


def still_to_come(release: Release) -> QuerySet[DocumentVersion]:
    """The versions of a release that are being read or wait for it, with their documents."""
    waits = Q(state__in=[*DocumentVersion.IN_WORK, DocumentVersion.State.HELD])
    if release.change.get("restore"):
        waits |= Q(document__current=F("pk")) & ~Q(document__state=Document.State.LIVE)
    versions: QuerySet[DocumentVersion] = DocumentVersion.objects.filter(waits, pk__in=versions_of(release))
    return versions.select_related("document").defer("markdown").order_by("document", "pk")


def withdraw_emptied() -> None:
    """Ends releases of documents of which nothing is left: newer versions took their places, or they were deleted."""
    for release in Release.objects.filter(state__in=Release.UNDECIDED, change__has_key="documents"):
        if not still_to_come(release).exists():
            release.state, release.reasons = Release.State.WITHDRAWN, [NOTHING_LEFT]
            release.save(update_fields=["state", "reasons", "changed_at"])
            end_runs(release)


def end_runs(release: Release) -> None:
    """Stop what is still being asked for a release, now that nobody waits for it."""
    for run in (release.baseline, release.candidate):
        if run is not None:
            stop_run(run=run)


def waiting_versions(version_ids: Iterable[int]) -> set[int]:
    """Those of these versions that a release is still to bring live."""
    undecided = Release.objects.filter(state__in=Release.UNDECIDED)
    return set(version_ids) & {pk for release in undecided for pk in versions_of(release)}


def enqueue_checks(version_ids: Collection[int]) -> None:
    """Ask for the checks that waited for these versions to be read, where none of theirs is still being read."""
    for release in Release.objects.filter(state=Release.State.CHECKING):
        if not set(version_ids).isdisjoint(versions_of(release)) and is_read(release):
            enqueue_check(release)


def is_read(release: Release) -> bool:
    """Whether no version of a release is still being read."""
    reading = DocumentVersion.objects.filter(pk__in=versions_of(release), state__in=DocumentVersion.IN_WORK)
    return not reading.exists()


def enqueue_check(release: Release) -> None:
    """Ask a worker to check a release, one of a tenant at a time; harmless when it was asked already.

    One that was begun comes to its end before the next one begins.
    """
    deferrer = configure_task(
        name=CHECK,
        job_manager=_jobs,
        queue=CHECKS,
        lock=f"releases:{release.tenant_id}",
        queueing_lock=f"release:{release.pk}",
        priority=GOES_ON if release.rounds else 0,
    )
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=release.tenant_id, release_id=release.pk)
    except AlreadyEnqueued:
        log.info("Release %s waits already", release.pk)

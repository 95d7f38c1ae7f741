"""Changes that wait for the tenant's questions: what asks for a release, and how one is kept. All need a tenant scope.

A release is checked elsewhere (`agents.releases`), since prompts are among what can change: its job is deferred by
name.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge.models import Release, ReleaseGate
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECK = "agents.check_release"
"""The task that checks a release, by its name."""
CHECKS = "checks"
"""Its queue."""
MAX_LABEL = 200  # characters
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
            {"weights": {"dense": share or None, "rerank": share or None}}.
        label: what people know the change by.
        actor: for the audit trail.
    """
    release: Release = Release.objects.create(change=dict(change), label=label[:MAX_LABEL], requested_by=actor[:150])
    record_audit(actor=actor, action="release.requested", target=release.label)
    enqueue_check(release)
    return release


def enqueue_check(release: Release) -> None:
    """Ask a worker to check a release, one of a tenant at a time; harmless when it was asked already."""
    deferrer = configure_task(
        name=CHECK,
        job_manager=_jobs,
        queue=CHECKS,
        lock=f"releases:{release.tenant_id}",
        queueing_lock=f"release:{release.pk}",
    )
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=release.tenant_id, release_id=release.pk)
    except AlreadyEnqueued:
        log.info("Release %s waits already", release.pk)

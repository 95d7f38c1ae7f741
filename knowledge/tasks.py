"""Jobs: reading documents, and the care that finds what a killed worker left behind."""

import datetime as dt
import logging
from collections.abc import Iterable

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import BigIntegerField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.retry import RetryStrategy
from procrastinate.tasks import configure_task

from knowledge import ingestion
from knowledge.changes import record_validity
from knowledge.evaluation import jobs as evaluation_jobs  # noqa: F401 (a worker knows the jobs that are imported)
from knowledge.models import DocumentVersion
from tenants.models import Tenant
from tenants.scope import tenant_scope

INGEST = "knowledge.ingest"
INGESTION, UPKEEP = "ingestion", "upkeep"  # queues
HEARTBEAT = 2.5  # seconds between two signs of life of a worker
FIRST = 10  # priority: upkeep does not queue behind documents
STALLED_AFTER = 9.0  # seconds without a sign of life after which a worker counts as dead
FORGOTTEN_AFTER = dt.timedelta(minutes=2)  # without progress and without a job
KEEP_JOBS = 24 * 7  # hours
log = logging.getLogger(__name__)

# Django's own connection, in workers too: a job commits, or rolls back, with the rows it is about.
_jobs = JobManager(DjangoConnector())


@app.task(
    name=INGEST,
    queue=INGESTION,
    retry=RetryStrategy(max_attempts=8, exponential_wait=3, retry_exceptions=ingestion.AWAY),
)
def ingest(tenant_id: int, version_id: int) -> None:
    """Brings one version live, or records why not."""
    ingestion.ingest_versions(tenant_id, [version_id])


def enqueue(versions: Iterable[DocumentVersion]) -> None:
    """Asks a worker to read these versions, in the open transaction; harmless when it was asked already."""
    for version in versions:
        deferrer = configure_task(
            name=INGEST,
            job_manager=_jobs,
            queue=INGESTION,
            lock=f"document:{version.document_id}",
            queueing_lock=f"version:{version.pk}",
        )
        try:
            with transaction.atomic():
                deferrer.defer(tenant_id=version.tenant_id, version_id=version.pk)
        except AlreadyEnqueued:
            log.info("Version %s waits already", version.pk)


@app.periodic(cron="* * * * * */4")  # every 4 seconds: with STALLED_AFTER, a dead worker's jobs run again within 15
@app.task(name="knowledge.retry_stalled", queue=UPKEEP, queueing_lock="knowledge.retry_stalled", priority=FIRST)
def retry_stalled_periodically(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Does `retry_stalled` again and again. A worker that was only slow loses to the one that took its place."""
    retry_stalled()


@app.periodic(cron="* * * * * */20")  # every 20 seconds
@app.task(name="knowledge.recover", queue=UPKEEP, queueing_lock="knowledge.recover", priority=FIRST)
def recover_periodically(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Does `recover` again and again."""
    recover()


def recover() -> None:
    """Finds what nobody works on any more: jobs of dead workers, and versions without a job. Harmless at any time."""
    retry_stalled()
    for tenant_id in _tenants():
        with tenant_scope(tenant_id):
            enqueue(forgotten_versions())
            record_validity()


def retry_stalled() -> int:
    """Puts the jobs of workers that gave no sign of life back into the queue; returns how many."""
    stalled = list(async_to_sync(_jobs.get_stalled_jobs)(seconds_since_heartbeat=STALLED_AFTER))
    for job in stalled:
        log.warning("Job %s was left by a dead worker: trying again", job.id)
        async_to_sync(_jobs.retry_job)(job)
    return len(stalled)


def forgotten_versions() -> list[DocumentVersion]:
    """Versions in work that no job is about and that made no progress for a while."""
    about = ProcrastinateJob.objects.filter(task_name=INGEST, status__in=["todo", "doing"])
    ids = about.annotate(version=Cast(KT("args__version_id"), BigIntegerField())).values("version")
    quiet = DocumentVersion.objects.filter(
        state__in=DocumentVersion.IN_WORK, changed_at__lt=timezone.now() - FORGOTTEN_AFTER
    )
    return list(quiet.exclude(pk__in=ids).order_by("created_at", "pk"))


@app.periodic(cron="17 3 * * *")
@app.task(name="knowledge.tidy", queue=UPKEEP, queueing_lock="knowledge.tidy")
def tidy(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Deletes what is left of jobs that ended long ago."""
    async_to_sync(_jobs.delete_old_jobs)(nb_hours=KEEP_JOBS, include_failed=True, include_cancelled=True)


def _tenants() -> list[int]:
    return list(Tenant.objects.order_by("pk").values_list("pk", flat=True))

"""Jobs: reading documents, and the care that finds what a killed worker left behind."""

import datetime as dt
import logging
from collections.abc import Iterable

from asgiref.sync import async_to_sync
from django.conf import settings
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

from knowledge import ingestion, reembedding, wordings  # noqa: F401 (a worker knows the jobs that are imported)
from knowledge.changes import record_validity
from knowledge.embedding.base import EmbedderAwayError, EmbedderError
from knowledge.evaluation import jobs as evaluation_jobs  # noqa: F401 (a worker knows the jobs that are imported)
from knowledge.indexes import engines
from knowledge.indexes.qdrant import EngineError
from knowledge.models import DocumentVersion, EmbeddingModel
from tenants.models import Tenant
from tenants.scope import tenant_scope

INGEST, INGEST_AGAIN = "knowledge.ingest", "knowledge.ingest_again"
MOST_TRIES = 8  # of a document that fails for want of the embedder: four hours in all
INGESTION, UPKEEP = "ingestion", "upkeep"  # queues
HEARTBEAT = 2.5  # seconds between two signs of life of a worker
FIRST = 10  # priority: upkeep does not queue behind documents
STALLED_AFTER = 9.0  # seconds without a sign of life after which a worker counts as dead
WAIT_BEFORE = (0, 10, 30, 90)  # seconds, by how often a job was left before; they may die in a row of something else
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
    """Brings one version live, or records why not; for want of the embedder it is tried again later, by itself."""
    for outcome in ingestion.ingest_versions(tenant_id, [version_id]):
        if outcome.away:
            with tenant_scope(tenant_id):
                _ingest_later(version_id)


def _ingest_later(version_id: int) -> None:
    version = DocumentVersion.objects.select_related("document").get(pk=version_id)
    failed = DocumentVersion.objects.filter(document=version.document, state=DocumentVersion.State.FAILED)
    tries = failed.filter(number__gt=version.document.current.number if version.document.current else 0).count()
    if tries > MOST_TRIES:
        return
    minutes = 2 ** max(tries - 1, 0)
    deferrer = configure_task(name=INGEST_AGAIN, job_manager=_jobs, queue=INGESTION, schedule_in={"minutes": minutes})
    deferrer.defer(tenant_id=version.tenant_id, version_id=version_id)
    sentence = f"{version.error} It is tried again by itself in {minutes} minute{'s' if minutes > 1 else ''}."
    DocumentVersion.objects.filter(pk=version_id).update(error=sentence)


@app.task(name=INGEST_AGAIN, queue=INGESTION)
def ingest_again(tenant_id: int, version_id: int) -> None:
    """Reads a document once more, unless somebody did or the version is no longer its newest."""
    from knowledge import services  # which enqueues the tasks of this module

    with tenant_scope(tenant_id):
        version = DocumentVersion.objects.filter(pk=version_id, state=DocumentVersion.State.FAILED).first()
        newer = DocumentVersion.objects.filter(document__versions=version_id, pk__gt=version_id)
        if version is not None and not newer.exists():
            services.reread([version.document], actor=reembedding.NOBODY)


@app.task(name="knowledge.reread_older", queue=INGESTION)
def reread_older(tenant_id: int, actor: str) -> None:
    """Has all documents read again that an earlier edition of the readers has read; they are read in their turn."""
    from knowledge import rereading  # which enqueues the tasks of this module

    while rereading.reread_some(tenant_id, actor=actor):
        pass


@app.task(
    name=reembedding.EMBED,
    queue=INGESTION,
    retry=RetryStrategy(max_attempts=8, exponential_wait=3, retry_exceptions=(EmbedderAwayError, *ingestion.AWAY)),
)
def embed(tenant_id: int, model_id: int) -> None:
    """Makes vectors that a model lacks, for a while; then documents that wait have their turn."""
    if reembedding.embed_missing(tenant_id, model_id):
        with tenant_scope(tenant_id):
            for row in EmbeddingModel.objects.filter(pk=model_id):
                reembedding.enqueue(row)


@app.periodic(cron="* * * * *")
@app.task(name="knowledge.adopt", queue=UPKEEP, queueing_lock="knowledge.adopt")
def adopt(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Sees to it that passages have vectors of the model that serves, and that no job about vectors was forgotten."""
    for tenant_id in _tenants():
        try:
            with tenant_scope(tenant_id):
                reembedding.adopt()
                reembedding.resume(timezone.now() - FORGOTTEN_AFTER)
        except EmbedderError as error:
            log.warning("Tenant %s: %s", tenant_id, error)


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


@app.periodic(cron="* * * * * */10")  # every 10 seconds; what changed since is looked up in PostgreSQL meanwhile
@app.task(name="knowledge.follow_engines", queue=UPKEEP, queueing_lock="knowledge.follow_engines")
def follow_engines(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Tells vector engines what has changed, where there are any."""
    if not settings.ASKWELL_QDRANT_URL:
        return
    for tenant_id in _tenants():
        try:
            engines.follow(tenant_id)
        except EngineError as error:
            log.warning("The vector engine of tenant %s is not up to date: %s", tenant_id, error)


def retry_stalled() -> int:
    """Puts the jobs of workers that gave no sign of life back into the queue; returns how many.

    Each time a job waits longer: a worker that dies again and again would otherwise always die over the same documents,
    and they would be blamed.
    """
    stalled = list(async_to_sync(_jobs.get_stalled_jobs)(seconds_since_heartbeat=STALLED_AFTER))
    for job in stalled:
        wait = WAIT_BEFORE[min(job.attempts, len(WAIT_BEFORE) - 1)]
        log.warning("Job %s was left by a dead worker: trying again in %s s", job.id, wait)
        async_to_sync(_jobs.retry_job)(job, retry_at=timezone.now() + dt.timedelta(seconds=wait))
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

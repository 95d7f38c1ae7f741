"""Jobs: enqueued with the row, found again after a worker died."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from knowledge import services, tasks
from knowledge.models import DocumentVersion
from knowledge.sources import NewDocument
from project.management.commands import work
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(scope, files, embedder):
    return services.add_document(NewDocument(external_id="a", text="Some text."), actor="a").version


def jobs():
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", "status"))


def set_jobs(**values):
    columns = ", ".join(f"{name} = %s" for name in values)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE procrastinate_jobs SET {columns}", list(values.values()))  # noqa: S608 (names of this file)


def test_asking_twice_for_the_same_version_leaves_one_job_and_the_transaction_usable(version):
    tasks.enqueue([version])
    tasks.enqueue([version])
    assert jobs() == [(tasks.INGEST, "todo")]
    assert DocumentVersion.objects.exists()


def test_jobs_of_one_document_run_one_after_the_other(version):
    services.add_document(NewDocument(external_id="a", text="Other text."), actor="a")
    locks = list(ProcrastinateJob.objects.values_list("lock", flat=True))
    assert locks == [f"document:{version.document_id}"] * 2


def test_the_job_brings_the_version_live(tenant, version):
    tasks.ingest(tenant_id=tenant.pk, version_id=version.pk)
    version.refresh_from_db()
    assert version.state == "live"


def test_jobs_of_a_dead_worker_are_tried_again(version):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute') RETURNING id"
        )
        [worker] = cursor.fetchone()
    set_jobs(status="doing", worker_id=worker)
    assert tasks.retry_stalled() == 1
    assert jobs() == [(tasks.INGEST, "todo")]


@pytest.mark.parametrize(("left", "seconds"), [(0, 0), (1, 10), (3, 90), (7, 90)])
def test_a_job_that_was_left_again_and_again_waits_longer(version, left, seconds):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        [worker] = cursor.fetchone()
    set_jobs(status="doing", worker_id=worker, attempts=left)
    before = timezone.now()
    tasks.retry_stalled()
    job = ProcrastinateJob.objects.get()
    assert (job.status, job.attempts) == ("todo", left + 1)
    assert dt.timedelta(0) <= job.scheduled_at - before - dt.timedelta(seconds=seconds) < dt.timedelta(seconds=5)


def test_jobs_of_a_worker_that_is_alive_are_left_alone(version):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id")
        [worker] = cursor.fetchone()
    set_jobs(status="doing", worker_id=worker)
    assert tasks.retry_stalled() == 0


@pytest.mark.parametrize(
    ("status", "minutes", "state", "found"),
    [
        ("failed", 5, "reading", True),
        ("succeeded", 5, "embedding", True),
        ("failed", 5, "queued", True),
        ("todo", 5, "queued", False),
        ("doing", 5, "reading", False),
        ("failed", 0, "reading", False),
        ("failed", 5, "live", False),
        ("failed", 5, "failed", False),
    ],
)
def test_versions_that_nobody_works_on_are_found(version, status, minutes, state, found):
    set_jobs(status=status, queueing_lock=None)
    DocumentVersion.objects.update(state=state, changed_at=timezone.now() - dt.timedelta(minutes=minutes))
    assert bool(tasks.forgotten_versions()) is found


def test_recovery_gives_every_tenants_forgotten_versions_a_job(tenant, other_tenant, files, embedder):
    for owner in (tenant, other_tenant):
        with tenant_scope(owner.pk):
            services.add_document(NewDocument(external_id="a", text="Text."), actor="a", enqueue=False)
            DocumentVersion.objects.update(changed_at=timezone.now() - dt.timedelta(hours=1))
    tasks.recover()
    tasks.recover()
    assert jobs() == [(tasks.INGEST, "todo")] * 2
    assert set(ProcrastinateJob.objects.values_list("args__tenant_id", flat=True)) == {tenant.pk, other_tenant.pk}


def test_a_dead_workers_jobs_run_again_within_15_seconds():
    """The longest it takes: the sign of life was just given, the look just over, the queue just asked."""
    look = 4.0  # seconds, the cron of retry_stalled_periodically
    assert tasks.retry_stalled_periodically.priority > tasks.ingest.priority
    assert tasks.STALLED_AFTER + look + work.POLLING <= 15
    assert tasks.STALLED_AFTER > 3 * tasks.HEARTBEAT  # two that come late are no death

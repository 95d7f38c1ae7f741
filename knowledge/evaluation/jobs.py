"""Runs in a worker: one at a time and in slices, so that documents and other tenants' runs are never kept waiting."""

from __future__ import annotations

import datetime as dt
import logging

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
from procrastinate.tasks import configure_task

from knowledge.evaluation import runs
from knowledge.models import EvaluationCase, EvaluationResult, EvaluationRun, EvaluationSet
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services import record_audit

EVALUATE = "knowledge.evaluate"
EVALUATION = "evaluation"  # the queue, and the lock that all of its jobs share
LAST = -10  # priority: documents go first
SLICE = 30.0  # seconds of a run before others have their turn
FORGOTTEN_AFTER = dt.timedelta(minutes=2)  # without a sign of life and without a job
NIGHTLY, CLOCK = "Nightly", "askwell"
KEPT = 60  # runs begun by the clock, of a set, whose questions are kept one by one; figures are kept for good
log = logging.getLogger(__name__)

# Django's own connection: a job commits, or rolls back, with the run it is about.
_jobs = JobManager(DjangoConnector())


@app.task(name=EVALUATE, queue=EVALUATION)
def evaluate(tenant_id: int, run_id: int) -> None:
    """Carries out a slice of a run, and asks for the next one."""
    runs.carry_out(tenant_id, run_id, seconds=SLICE)
    with tenant_scope(tenant_id):
        if EvaluationRun.objects.filter(pk=run_id, state__in=EvaluationRun.IN_WORK).exists():
            enqueue(tenant_id, run_id)


def enqueue(tenant_id: int, run_id: int) -> None:
    """Asks a worker for a run, in the open transaction; harmless when it was asked already."""
    deferrer = configure_task(
        name=EVALUATE,
        job_manager=_jobs,
        queue=EVALUATION,
        lock=EVALUATION,
        queueing_lock=f"evaluation:{run_id}",
        priority=LAST,
    )
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=tenant_id, run_id=run_id)
    except AlreadyEnqueued:
        log.info("Run %s waits already", run_id)


def start_run(*, evaluation_set: EvaluationSet, label: str, with_answers: bool, actor: str) -> EvaluationRun:
    """A run of what serves, and the job that carries it out, in the open transaction; needs the tenant's scope."""
    run = runs.create_run(
        evaluation_set=evaluation_set, candidate={}, label=label, with_answers=with_answers, actor=actor
    )
    record_audit(actor=actor, action="evaluation.started", target=str(evaluation_set), detail={"run": run.pk})
    enqueue(run.tenant_id, run.pk)
    return run


def retry_run(run: EvaluationRun) -> None:
    """Goes on with a run that failed or was stopped, where it was; needs the tenant's scope. Harmless otherwise."""
    ended = [EvaluationRun.State.FAILED, EvaluationRun.State.STOPPED]
    changed = EvaluationRun.objects.filter(pk=run.pk, state__in=ended).update(
        state=EvaluationRun.State.QUEUED, error="", finished_at=None, changed_at=timezone.now()
    )
    if changed:
        enqueue(run.tenant_id, run.pk)


@app.periodic(cron="*/2 * * * *")
@app.task(name="knowledge.recover_evaluation", queue="upkeep", queueing_lock="knowledge.recover_evaluation")
def recover_periodically(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Asks again for runs that nobody works on any more."""
    for tenant_id in _tenants():
        with tenant_scope(tenant_id):
            for run_id in forgotten_runs():
                enqueue(tenant_id, run_id)


def forgotten_runs() -> list[int]:
    """Runs in work that no job is about and that gave no sign of life for a while; needs the tenant's scope."""
    about = ProcrastinateJob.objects.filter(task_name=EVALUATE, status__in=["todo", "doing"])
    ids = about.annotate(run=Cast(KT("args__run_id"), BigIntegerField())).values("run")
    quiet = EvaluationRun.objects.filter(
        state__in=EvaluationRun.IN_WORK, changed_at__lt=timezone.now() - FORGOTTEN_AFTER
    )
    return list(quiet.exclude(pk__in=ids).values_list("pk", flat=True))


@app.periodic(cron="23 2 * * *")
@app.task(name="knowledge.evaluate_nightly", queue="upkeep", queueing_lock="knowledge.evaluate_nightly")
def evaluate_nightly(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Begins a run of every set that is to be asked every night."""
    for tenant_id in _tenants():
        with tenant_scope(tenant_id):
            for evaluation_set in EvaluationSet.objects.filter(nightly=True):
                begin_nightly(evaluation_set)


def begin_nightly(evaluation_set: EvaluationSet) -> EvaluationRun | None:
    """The run of this night; None where the set is empty, or its run before is still under way."""
    busy = EvaluationRun.objects.filter(set=evaluation_set, scheduled=True, state__in=EvaluationRun.IN_WORK)
    if busy.exists() or not EvaluationCase.objects.filter(set=evaluation_set, enabled=True).exists():
        return None
    forget_old_results(evaluation_set)
    run = runs.create_run(evaluation_set=evaluation_set, candidate={}, label=NIGHTLY, with_answers=False, actor=CLOCK)
    run.scheduled = True
    run.save(update_fields=["scheduled"])
    enqueue(run.tenant_id, run.pk)
    return run


def forget_old_results(evaluation_set: EvaluationSet) -> None:
    """Deletes the single results of old nightly runs, which are read by nobody; what they came to stays."""
    old = EvaluationRun.objects.filter(set=evaluation_set, scheduled=True).values_list("pk", flat=True)[KEPT:]
    EvaluationResult.objects.filter(run__in=list(old)).delete()


def _tenants() -> list[int]:
    return list(Tenant.objects.filter(active=True).order_by("pk").values_list("pk", flat=True))

"""Care for actions in a worker: those that nobody decided on, and those whose end nobody noted."""

from __future__ import annotations

import datetime as dt
import uuid

from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from agents.actions import running
from agents.actions.proposals import expire
from agents.models import Action, ActionState
from knowledge.tasks import UPKEEP
from tenants.models import Tenant
from tenants.scope import tenant_scope

RUN = "agents.run_action"
LONGEST_RUN = dt.timedelta(minutes=2)
"""After which a running action counts as forgotten; above any tool's time limit."""
AT_ONCE = 100
"""Actions of a tenant that one pass takes."""

# Django's own connection: a job commits, or rolls back, with the action it is about.
_jobs = JobManager(DjangoConnector())


@app.task(name=RUN, queue=UPKEEP)
def run_action(tenant_id: int, action_id: str) -> None:
    """Ask another server for an approved change; harmless when that was done."""
    running.run_outside(tenant_id, uuid.UUID(action_id), "askwell", tell=True)


def enqueue_run(tenant_id: int, action_id: uuid.UUID) -> None:
    """Ask a worker for `run_action`, in the open transaction."""
    deferrer = configure_task(name=RUN, job_manager=_jobs, queue=UPKEEP, lock=f"action:{action_id}")
    deferrer.defer(tenant_id=tenant_id, action_id=str(action_id))


@app.periodic(cron="* * * * *")
@app.task(name="agents.settle_actions", queue=UPKEEP, queueing_lock="agents.settle_actions")
def settle_actions(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Do `expire_due` and `recover_running` again and again."""
    expire_due()
    recover_running(older_than=LONGEST_RUN)


def expire_due() -> int:
    """End the proposed actions of every tenant whose time is over; return how many."""
    count = 0
    for tenant_id in _tenants():
        with tenant_scope(tenant_id):
            due = Action.objects.select_for_update(skip_locked=True).filter(
                state=ActionState.PROPOSED, expires_at__lte=timezone.now()
            )
            for action in due[:AT_ONCE]:
                expire(action)
                count += 1
    return count


def recover_running(*, older_than: dt.timedelta) -> int:
    """Repeat other servers' changes whose end nobody noted, once and under the same key; return how many were found.

    Those that were repeated before end as failed, and `signals.settled` tells that a person has to look.
    """
    found = 0
    for tenant_id in _tenants():
        for action_id in _forgotten(tenant_id, older_than):
            found += 1
            with tenant_scope(tenant_id):
                rows = Action.objects.select_for_update(skip_locked=True, of=("self",)).select_related("customer")
                action = rows.filter(pk=action_id, state=ActionState.RUNNING).first()
                again = action is not None and running.take_up(action)
            if again:
                running.run_outside(tenant_id, action_id, "askwell", tell=True)
    return found


def _forgotten(tenant_id: int, older_than: dt.timedelta) -> list[uuid.UUID]:
    """The running actions of a tenant that were asked for longer ago than this."""
    before = (timezone.now() - older_than).isoformat()
    with tenant_scope(tenant_id):
        rows = Action.objects.filter(state=ActionState.RUNNING, result__asked_at__lt=before)
        return list(rows.values_list("pk", flat=True)[:AT_ONCE])


def _tenants() -> list[int]:
    return list(Tenant.objects.order_by("pk").values_list("pk", flat=True))

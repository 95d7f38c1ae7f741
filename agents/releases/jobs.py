"""Releases in a worker: one of a tenant at a time, in slices; and the care that finds those that nobody checks."""

from __future__ import annotations

import datetime as dt

from django.db.models import BigIntegerField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from agents.releases.checking import check
from knowledge import releasing
from knowledge.models import Release
from knowledge.tasks import UPKEEP
from tenants.models import Tenant
from tenants.scope import tenant_scope

FORGOTTEN_AFTER = dt.timedelta(minutes=1)  # without a change and without a job


@app.task(name=releasing.CHECK, queue=releasing.CHECKS)
def check_release(tenant_id: int, release_id: int) -> None:
    """Takes a release a step further, and asks for the next one."""
    if check(tenant_id, release_id):
        with tenant_scope(tenant_id):
            for release in Release.objects.filter(pk=release_id, state=Release.State.CHECKING):
                releasing.enqueue_check(release)


@app.periodic(cron="* * * * *")
@app.task(name="agents.recover_releases", queue=UPKEEP, queueing_lock="agents.recover_releases")
def recover_periodically(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Asks again for checks that nobody works on any more."""
    for tenant_id in list(Tenant.objects.order_by("pk").values_list("pk", flat=True)):
        with tenant_scope(tenant_id):
            for release in forgotten_releases():
                releasing.enqueue_check(release)


def forgotten_releases() -> list[Release]:
    """Releases to be checked that no job is about; needs the tenant's scope."""
    about = ProcrastinateJob.objects.filter(task_name=releasing.CHECK, status__in=["todo", "doing"])
    ids = about.annotate(release=Cast(KT("args__release_id"), BigIntegerField())).values("release")
    quiet = Release.objects.filter(state=Release.State.CHECKING, changed_at__lt=timezone.now() - FORGOTTEN_AFTER)
    return [release for release in quiet.exclude(pk__in=ids) if releasing.is_read(release)]

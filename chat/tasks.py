"""What a worker does for conversations now and then."""

from procrastinate.contrib.django import app

from chat import alerts, drift, gaps  # noqa: F401 (a worker knows the jobs that are imported)
from chat.throttle import forget_old_counts
from knowledge.gaps import REFRESH, enqueue_refresh
from knowledge.tasks import UPKEEP
from tenants.models import Tenant
from tenants.scope import tenant_scope

ALERTS = "chat.refresh_alerts"


@app.periodic(cron="23 * * * *")
@app.task(name="chat.forget_counts", queue=UPKEEP, queueing_lock="chat.forget_counts")
def forget_counts(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Deletes the counts of turns that no limit looks at any more: most visitors come once."""
    for tenant_id in list(Tenant.objects.values_list("pk", flat=True)):
        with tenant_scope(tenant_id):
            forget_old_counts()


@app.task(name=REFRESH, queue=UPKEEP)
def refresh_gaps(tenant_id: int) -> None:
    """Looks at what a tenant's customers asked in vain."""
    gaps.refresh(tenant_id)


@app.periodic(cron="41 3 * * *")
@app.task(name="chat.refresh_all_gaps", queue=UPKEEP, queueing_lock="chat.refresh_all_gaps")
def refresh_all_gaps(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Has the gaps of every tenant looked at, a job each."""
    for tenant_id in list(Tenant.objects.filter(active=True).values_list("pk", flat=True)):
        enqueue_refresh(tenant_id)


@app.task(name=ALERTS, queue=UPKEEP)
def refresh_alerts(tenant_id: int) -> None:
    """Looks at what a tenant's curators should be told of its documents."""
    alerts.refresh(tenant_id)


@app.periodic(cron="11 4 * * *")
@app.task(name="chat.refresh_all_alerts", queue=UPKEEP, queueing_lock="chat.refresh_all_alerts")
def refresh_all_alerts(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Has the documents of every tenant looked at, a job each."""
    for tenant_id in list(Tenant.objects.filter(active=True).values_list("pk", flat=True)):
        enqueue_refresh(tenant_id, ALERTS)

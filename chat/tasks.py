"""What a worker does for conversations now and then."""

from procrastinate.contrib.django import app

from chat.throttle import forget_old_counts
from knowledge.tasks import UPKEEP
from tenants.models import Tenant
from tenants.scope import tenant_scope


@app.periodic(cron="23 * * * *")
@app.task(name="chat.forget_counts", queue=UPKEEP, queueing_lock="chat.forget_counts")
def forget_counts(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Deletes the counts of turns that no limit looks at any more: most visitors come once."""
    for tenant_id in list(Tenant.objects.values_list("pk", flat=True)):
        with tenant_scope(tenant_id):
            forget_old_counts()

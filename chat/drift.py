"""What customers asked of late, for the report on drift; measured once a week, and when somebody wishes."""

from __future__ import annotations

from contextlib import suppress

from django.db.models import F
from django.utils import timezone
from procrastinate.contrib.django import app

from agents.confidence import ANSWERABLE
from agents.guardrails.masking import masked_text
from chat.models import Message, Role, State
from knowledge import drift
from knowledge.drift import Asked
from knowledge.embedding.base import EmbedderError
from knowledge.tasks import UPKEEP
from tenants.models import Tenant
from tenants.scope import tenant_scope

MOST = 5_000  # questions that are read; of more, the latest


def questions() -> list[Asked]:
    """The questions that were searched for in the last weeks, without personal data; needs the tenant's scope."""
    replies = (
        Message.objects.filter(role=Role.ASSISTANT, state=State.DONE, trace__has_key="answerability")
        .filter(finished_at__gt=timezone.now() - drift.WEEKS * drift.WEEK, conversation__deleted_at=None)
        .exclude(reply_to__text="")
        .order_by("-finished_at", "-pk")
        .values_list("reply_to__text", "finished_at", F("trace__rewritten"), F("trace__answerability"))
    )
    return [
        Asked(masked_text(str(rewritten or text))[:500], at, float(evidence or 0.0) >= ANSWERABLE)
        for text, at, rewritten, evidence in replies[:MOST]
    ]


def measure(tenant_id: int) -> None:
    """Measures and keeps a tenant's drift; slow, opens its own scopes."""
    with tenant_scope(tenant_id):
        asked = questions()
    drift.measure(tenant_id, asked)


@app.task(name=drift.MEASURE, queue=UPKEEP)
def measure_drift(tenant_id: int) -> None:
    """Measures one tenant's drift; where the model cannot be asked, the last report stands."""
    with suppress(EmbedderError):
        measure(tenant_id)


@app.periodic(cron="23 5 * * 1")
@app.task(name="chat.measure_all_drift", queue=UPKEEP, queueing_lock="chat.measure_all_drift")
def measure_all_drift(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Has the drift of every tenant measured, a job each."""
    for tenant_id in list(Tenant.objects.filter(active=True).values_list("pk", flat=True)):
        drift.ask_for(tenant_id)

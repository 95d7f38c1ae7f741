"""E-mail to a tenant's people, of conversations in the inbox and of budgets: jobs, tried again until it is sent."""

import logging
import smtplib
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.retry import RetryStrategy
from procrastinate.tasks import configure_task

from agents.models import Budget
from chat.models import Handover, InboxSettings
from knowledge.tasks import UPKEEP
from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope

NOTIFY = "chat.notify_handover"
NOTIFY_BUDGET = "chat.notify_budget"
AWAY = (OSError, smtplib.SMTPException)  # what a mail server that is away, or refuses, makes Django raise
log = logging.getLogger(__name__)

# Django's own connection: a job commits, or rolls back, with the hand-over it is about.
_jobs = JobManager(DjangoConnector())


@app.task(name=NOTIFY, queue=UPKEEP, retry=RetryStrategy(max_attempts=10, exponential_wait=3, retry_exceptions=AWAY))
def notify_handover(tenant_id: int, handover_id: int) -> None:
    """Writes to a tenant's people; harmless when that was done, or when nobody waits any more."""
    notify(tenant_id, handover_id)


def enqueue(handover: Handover) -> None:
    """Asks a worker to write to the tenant's people, in the open transaction; nothing where nobody wants to know."""
    if not inbox_settings().addresses:
        return
    deferrer = configure_task(name=NOTIFY, job_manager=_jobs, queue=UPKEEP, lock=f"handover:{handover.pk}")
    deferrer.defer(tenant_id=handover.tenant_id, handover_id=handover.pk)


def notify(tenant_id: int, handover_id: int) -> None:
    """Sends the e-mail of a hand-over once, and notes on its row that it went, or why not; raises one of AWAY."""
    with tenant_scope(tenant_id):
        handover = Handover.objects.filter(pk=handover_id, notified_at=None).first()
        addresses = inbox_settings().addresses
        if handover is None or not handover.open or not addresses:
            return
        message = _message(Tenant.objects.get(pk=tenant_id), handover, addresses)
    try:
        message.send()
    except AWAY as error:
        log.warning("Hand-over %s: nobody could be written to: %s", handover_id, error)
        _note(tenant_id, handover_id, notify_error=str(error)[:300])
        raise
    _note(tenant_id, handover_id, notified_at=timezone.now(), notify_error="")


@app.task(
    name=NOTIFY_BUDGET, queue=UPKEEP, retry=RetryStrategy(max_attempts=10, exponential_wait=3, retry_exceptions=AWAY)
)
def notify_budget(tenant_id: int, budget_id: int, spent: str) -> None:
    """Writes to a tenant's owners that a budget has passed its warning mark; nothing where it is gone by now."""
    with tenant_scope(tenant_id):
        budget = Budget.objects.filter(pk=budget_id).first()
        owners = Membership.objects.filter(role=Role.OWNER).values("user")
        addresses = list(
            User.objects.filter(pk__in=owners, is_active=True).exclude(email="").values_list("email", flat=True)
        )
        if budget is None or not addresses:
            return
        message = _budget_message(Tenant.objects.get(pk=tenant_id), budget, Decimal(spent), addresses)
    message.send()


def enqueue_budget(budget: Budget, spent: Decimal) -> None:
    """Asks a worker for `notify_budget`, in the open transaction."""
    deferrer = configure_task(name=NOTIFY_BUDGET, job_manager=_jobs, queue=UPKEEP, lock=f"budget:{budget.pk}")
    deferrer.defer(tenant_id=budget.tenant_id, budget_id=budget.pk, spent=str(spent))


def inbox_settings() -> InboxSettings:
    """The inbox settings of the tenant in scope; the defaults where nothing was set."""
    found: InboxSettings = InboxSettings.objects.first() or InboxSettings()
    return found


def _message(tenant: Tenant, handover: Handover, addresses: list[str]) -> EmailMessage:
    path = reverse("chat:inbox-conversation", args=[tenant.slug, handover.conversation_id])
    body = f"{handover.get_reason_display()}.\n\n{handover.summary}\n\n{_origin(tenant)}{path}\n"
    return EmailMessage(f"[{tenant.name}] Someone waits for a person", body, to=addresses)


def _budget_message(tenant: Tenant, budget: Budget, spent: Decimal, addresses: list[str]) -> EmailMessage:
    period = budget.get_period_display().lower()
    body = (
        f"Language models have cost ${spent:,.2f} this {period}, of a budget of ${budget.amount:,.2f}.\n\n"
        f"From {budget.degrade_percent}% on only the primary model is asked. When all is spent, customers still get "
        f"answers: quotes of the documents, until the {period} ends (UTC).\n\n"
        f"{_origin(tenant)}{reverse('chat:costs', args=[tenant.slug])}\n"
    )
    return EmailMessage(f"[{tenant.name}] The {period}'s budget for language models", body, to=addresses)


def _origin(tenant: Tenant) -> str:
    """The beginning of links to a tenant's pages, as far as the settings tell: a job knows no request."""
    if tenant.host:
        return f"https://{tenant.host}"
    return next((origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin), "")


def _note(tenant_id: int, handover_id: int, **columns: object) -> None:
    with tenant_scope(tenant_id):
        Handover.objects.filter(pk=handover_id).update(**columns)

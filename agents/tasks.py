"""Jobs of the agent's: fitting a classifier to many examples, captions, and the care for proposed changes."""

import logging

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.retry import RetryStrategy
from procrastinate.tasks import configure_task

from agents import captions
from agents.actions import jobs
from agents.releases import jobs as releases
from agents.routing import fitting
from knowledge.captions import DESCRIBE
from knowledge.embedding.base import EmbedderError
from knowledge.ingestion import AWAY as DATABASE_AWAY
from knowledge.tasks import UPKEEP

__all__ = ["describe_pictures", "enqueue_fit", "fit_intents", "jobs", "releases"]

FIT = "agents.fit_intents"
AWAY = (*DATABASE_AWAY, EmbedderError)  # a later attempt may succeed
log = logging.getLogger(__name__)

# Django's own connection: a job commits, or rolls back, with the examples it is about.
_jobs = JobManager(DjangoConnector())


@app.task(name=FIT, queue=UPKEEP)
def fit_intents(tenant_id: int) -> None:
    """Fits the classifier of a tenant's examples; harmless when it is fitted already."""
    fitting.fit(tenant_id)


@app.task(name=DESCRIBE, queue=UPKEEP, retry=RetryStrategy(max_attempts=4, exponential_wait=5, retry_exceptions=AWAY))
def describe_pictures(tenant_id: int, version_id: int) -> None:
    """Has the pictures of a version captioned that have no caption yet."""
    captions.describe_pictures(tenant_id, version_id)


def enqueue_fit(tenant_id: int) -> None:
    """Asks a worker to fit a tenant's classifier; harmless when it was asked already."""
    deferrer = configure_task(
        name=FIT, job_manager=_jobs, queue=UPKEEP, lock=f"fit:{tenant_id}", queueing_lock=f"fit:{tenant_id}"
    )
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=tenant_id)
    except AlreadyEnqueued:
        log.info("The classifier of tenant %s waits already", tenant_id)

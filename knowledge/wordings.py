"""Vectors of the wordings of curated answers: made by a worker, by the model that serves the tenant."""

from __future__ import annotations

import logging

import numpy as np
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge.changes import record_search_change
from knowledge.embedding.base import EmbedderError
from knowledge.embedding.serving import serving_embedder
from knowledge.models import CuratedAnswer
from tenants.models import Tenant
from tenants.scope import tenant_scope

ENCODE = "knowledge.encode_wordings"
QUEUE = "upkeep"
log = logging.getLogger(__name__)

# Django's own connection: a job commits, or rolls back, with the answer it is about.
_jobs = JobManager(DjangoConnector())


@app.task(name=ENCODE, queue=QUEUE)
def encode_wordings(tenant_id: int) -> None:
    """Makes the vectors that are missing, or are another model's; harmless when there is nothing to do."""
    try:
        encode(tenant_id)
    except EmbedderError as error:  # the same words match meanwhile; it is tried again
        log.warning("The wordings of tenant %s could not be encoded: %s", tenant_id, error)


@app.periodic(cron="*/5 * * * *")  # after another model was switched to, or was away
@app.task(name="knowledge.encode_all_wordings", queue=QUEUE, queueing_lock="knowledge.encode_all_wordings")
def encode_all_wordings(timestamp: int) -> None:  # noqa: ARG001 (procrastinate hands it over)
    """Does `encode_wordings` for every tenant."""
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        with tenant_scope(tenant_id):
            wanted = CuratedAnswer.objects.exists()
        if wanted:
            encode_wordings(tenant_id)


def enqueue(tenant_id: int) -> None:
    """Asks a worker for a tenant's vectors, in the open transaction; harmless when it was asked already."""
    deferrer = configure_task(name=ENCODE, job_manager=_jobs, queue=QUEUE, queueing_lock=f"wordings:{tenant_id}")
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=tenant_id)
    except AlreadyEnqueued:
        log.info("The wordings of tenant %s wait already", tenant_id)


def encode(tenant_id: int) -> int:
    """Makes the vectors that are missing; returns of how many answers. Opens its own scopes.

    Raises:
        EmbedderError: the model cannot be used.
    """
    embedder = serving_embedder(tenant_id)
    with tenant_scope(tenant_id):
        rows = list(CuratedAnswer.objects.exclude(model=embedder.name).values_list("pk", "questions"))
    made = [(pk, questions, [embedder.encode_query(text).vector for text in questions]) for pk, questions in rows]
    if not made:
        return 0
    with tenant_scope(tenant_id):
        for pk, questions, vectors in made:
            # Who changed the wordings meanwhile has asked for another job.
            unchanged = CuratedAnswer.objects.filter(pk=pk, questions=questions)
            unchanged.update(vectors=np.array(vectors, np.float32).tobytes(), model=embedder.name)
        record_search_change()
    return len(made)

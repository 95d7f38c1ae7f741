"""Documents that an earlier edition of the readers has read, and reading them all again, some at a time.

What the readers have learned since (tables, code, pictures, questions with their answers) is found in a document only
once it was read again. Each is then an ordinary new version: what is live stays so until that has worked.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge import services
from knowledge.chunking import READER
from knowledge.models import Document, DocumentVersion
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from django.db.models import QuerySet

REREAD = "knowledge.reread_older"
QUEUE = "ingestion"
AT_ONCE = 100  # documents whose new versions and jobs are written in one transaction
log = logging.getLogger(__name__)

# Django's own connection: the job commits, or rolls back, with what asked for it.
_jobs = JobManager(DjangoConnector())


def older_documents() -> QuerySet[Document]:
    """Those in use, or to come, that an earlier edition has read and nobody has read again since; needs a scope.

    One whose newest version failed, is being read or waits for its release is not among them.
    """
    newest = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number").values("pk")[:1]
    documents: QuerySet[Document] = (
        Document.objects.exclude(state=Document.State.ARCHIVED)
        .annotate(newest=Subquery(newest))
        .filter(newest=F("current"), current__reader__lt=READER)
    )
    return documents


def ask(tenant_id: int, *, actor: str) -> None:
    """Have a worker read them all again, in the open transaction; harmless when it was asked already."""
    deferrer = configure_task(
        name=REREAD, job_manager=_jobs, queue=QUEUE, lock=f"reread:{tenant_id}", queueing_lock=f"reread:{tenant_id}"
    )
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=tenant_id, actor=actor)
    except AlreadyEnqueued:
        log.info("The older documents of tenant %s wait already", tenant_id)


def reread_some(tenant_id: int, *, actor: str, at_once: int = AT_ONCE) -> bool:
    """Ask for some of them to be read again, and whether there are more; needs no scope. A kill loses nothing."""
    with tenant_scope(tenant_id):
        older = list(older_documents().order_by("pk")[:at_once])
        services.reread(older, actor=actor)
    return len(older) == at_once

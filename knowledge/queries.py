"""Shared reads of a tenant's knowledge. All need a tenant scope."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from knowledge.models import Chunk, Document, DocumentVersion, KnowledgeChange, KnowledgeState
from tenants.scope import current_tenant_id

MAX_HOLDERS = 20  # documents named that hold the same; there may be thousands


def today() -> dt.date:
    """The day that validity is measured by: UTC, wherever the server stands."""
    return timezone.now().date()


def valid_on(day: dt.date, prefix: str = "") -> Q:
    """The condition that a document may answer on this day; `prefix` leads to the document, such as "document__"."""
    begun = Q(**{f"{prefix}valid_from": None}) | Q(**{f"{prefix}valid_from__lte": day})
    not_over = Q(**{f"{prefix}valid_until": None}) | Q(**{f"{prefix}valid_until__gte": day})
    return begun & not_over


def retrievable_chunks(drafts: Collection[int] = ()) -> QuerySet[Chunk]:
    """The passages that may be found: the one definition, for replicas as for the last query of a search.

    A trial names versions that are not live yet (`drafts`), whose passages it alone may find as well.
    """
    served = Q(document__state=Document.State.LIVE, document__current=F("version"))
    shown = served | Q(version__in=drafts) if drafts else served
    chunks: QuerySet[Chunk] = Chunk.objects.filter(valid_on(today(), "document__"), shown, enabled=True)
    return chunks


def live_documents() -> QuerySet[Document]:
    """The documents that may answer today."""
    documents: QuerySet[Document] = Document.objects.filter(valid_on(today()), state=Document.State.LIVE)
    return documents


def knowledge_version() -> int:
    """How often the knowledge has changed."""
    version = KnowledgeState.objects.values_list("version", flat=True).first() or 0
    note_version(version)
    return version


_seen: dict[int, int] = {}


def note_version(version: int) -> None:
    """Remember a version that was read, for `seen_version`."""
    _seen[current_tenant_id()] = version


def seen_version(tenant_id: int) -> int | None:
    """The knowledge version of a tenant as this process last read it, without a query; None before it ever has.

    Good enough wherever what follows reads the version anyway and is done again if it has moved on, as a search is.
    """
    return _seen.get(tenant_id)


def changes_since(version: int) -> tuple[int, list[int]]:
    """The version now, and the ids of the documents that changed after `version`; deleted documents are among them."""
    now = knowledge_version()  # before the changes, so that none up to it is missing; more than documents moves it
    changed = KnowledgeChange.objects.filter(version__gt=version).values_list("version", "document_id")
    rows = list(changed)
    return max([now, *(at for at, _ in rows)]), [document for _, document in rows]


def documents_overview() -> QuerySet[Document]:
    """Documents with what a list shows of each: the state of the newest version and how many passages are in use."""
    newest = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    documents: QuerySet[Any] = Document.objects.annotate(
        newest_id=newest.values("pk")[:1],
        newest_state=newest.values("state")[:1],
        newest_progress=newest.values("progress")[:1],
        newest_error=newest.values("error")[:1],
    )
    return documents


def holders(content_hashes: Iterable[str]) -> dict[str, list[Document]]:
    """The first documents of which the current or the coming version holds these very bytes, by content hash."""
    versions = DocumentVersion.objects.filter(content_hash__in=set(content_hashes) - {""}).exclude(
        state__in=[DocumentVersion.State.SUPERSEDED, DocumentVersion.State.FAILED, DocumentVersion.State.WITHDRAWN]
    )
    place = Window(RowNumber(), partition_by=F("content_hash"), order_by=["document_id", "pk"])
    first = versions.annotate(place=place).filter(place__lte=MAX_HOLDERS)
    found: dict[str, list[Document]] = defaultdict(list)
    for version in first.select_related("document").defer("markdown").order_by("document_id"):
        if version.document not in found[version.content_hash]:
            found[version.content_hash].append(version.document)
    return found

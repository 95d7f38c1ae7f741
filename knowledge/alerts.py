"""What a curator should look at: documents that end, age, or whose source has moved on. All need a tenant scope.

There is one row for a document and a kind. It is settled by a person, or by itself once its reason has gone; then a
reason that comes back raises it again. One that a person has settled stays so as long as nothing about it changes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format

from knowledge.models import CuratedAnswer, Document, KnowledgeAlert, ReportSettings
from knowledge.queries import today
from tenants.scope import current_tenant_id
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

Kind = KnowledgeAlert.Kind
MAX_DETAIL = 300  # characters


def settings_now() -> ReportSettings:
    """What the tenant's curators want to be told of; the defaults where nobody has said."""
    row: ReportSettings | None = ReportSettings.objects.first()
    return row or ReportSettings()


def open_alerts() -> QuerySet[KnowledgeAlert]:
    """The alerts that nobody has settled, the latest first, of documents that are in use."""
    found: QuerySet[KnowledgeAlert] = KnowledgeAlert.objects.filter(
        settled_at=None, document__state=Document.State.LIVE
    ).select_related("document")
    return found


def look_at_dates() -> None:
    """Raises and settles the alerts that follow from dates alone: validity that ends or has ended, old documents."""
    settings, now = settings_now(), today()
    live = Document.objects.filter(state=Document.State.LIVE)
    soon = live.filter(valid_until__gte=now, valid_until__lte=now + dt.timedelta(days=settings.ends_days))
    keep(Kind.ENDS, {document.pk: f"On {_day(document.valid_until)}." for document in soon if settings.ends_days})
    ended = live.filter(valid_until__lt=now)
    keep(Kind.ENDED, {document.pk: f"On {_day(document.valid_until)}; answers no longer use it." for document in ended})
    old: QuerySet[Document] = Document.objects.none()
    if settings.old_days:
        before = timezone.now() - dt.timedelta(days=settings.old_days)
        untouched = Q(current__created_at__lt=before) & ~Q(pk__in=CuratedAnswer.objects.values("document"))
        old = live.filter(untouched, Q(valid_until=None) | Q(valid_until__gte=now)).select_related("current")
    keep(Kind.OLD, {d.pk: f"Its text is of {_day(d.current.created_at.date())}." for d in old if d.current})


def _day(day: dt.date | None) -> str:
    return date_format(day, "j M Y") if day else ""


def keep(kind: Kind, found: Mapping[int, str]) -> None:
    """Makes the alerts of a kind those that are found now.

    Args:
        kind: of which the others are settled by themselves.
        found: what there is to say, by the document's id.
    """
    rows = {row.document_id: row for row in KnowledgeAlert.objects.filter(kind=kind).select_for_update()}
    for document, detail in found.items():
        _raise(rows.get(document), document, kind, detail[:MAX_DETAIL])
    gone = [row.pk for document, row in rows.items() if document not in found]
    over = KnowledgeAlert.objects.filter(pk__in=gone).filter(Q(settled_at=None) | ~Q(settled_by=""))
    over.update(settled_at=timezone.now(), settled_by="")


def keep_one(kind: Kind, document: int, detail: str) -> None:
    """Raises the alert of one document, or settles it where there is nothing to say."""
    row = KnowledgeAlert.objects.filter(kind=kind, document=document).select_for_update().first()
    if detail:
        _raise(row, document, kind, detail[:MAX_DETAIL])
    elif row is not None and (row.settled_at is None or row.settled_by):
        row.settled_at, row.settled_by = timezone.now(), ""
        row.save(update_fields=["settled_at", "settled_by"])


def _raise(row: KnowledgeAlert | None, document: int, kind: Kind, detail: str) -> None:
    if row is None:
        fresh = KnowledgeAlert(tenant_id=current_tenant_id(), document_id=document, kind=kind, detail=detail)
        KnowledgeAlert.objects.bulk_create([fresh], ignore_conflicts=True)
        return
    if row.detail == detail and (row.settled_at is None or row.settled_by):
        return
    row.created_at = timezone.now() if row.settled_at else row.created_at
    row.detail, row.settled_at, row.settled_by = detail, None, ""
    row.save(update_fields=["created_at", "detail", "settled_at", "settled_by"])


def settle(alert: KnowledgeAlert, *, actor: str) -> bool:
    """Takes an alert off the list until something about it changes; whether it was there."""
    settled = KnowledgeAlert.objects.filter(pk=alert.pk, settled_at=None)
    if not settled.update(settled_at=timezone.now(), settled_by=actor[:150]):
        return False
    record_audit(actor=actor, action="alert.settled", target=str(alert), detail={"detail": alert.detail})
    return True


def fetched_documents() -> QuerySet[Document]:
    """The documents in use that came from an address, those first whose address was not looked at for longest."""
    found: QuerySet[Document] = (
        Document.objects.filter(state=Document.State.LIVE)
        .exclude(current__url="")
        .select_related("current", "source_check")
        .order_by(F("source_check__checked_at").asc(nulls_first=True), "pk")
    )
    return found

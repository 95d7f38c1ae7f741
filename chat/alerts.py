"""Documents whose citing replies customers rate badly, and the daily look at all alerts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from chat.models import Feedback, Thumb
from chat.queries import LOW_RATING
from knowledge import alerts
from knowledge.models import Document, KnowledgeAlert
from knowledge.rechecking import look_at_sources
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

LATELY = dt.timedelta(days=90)
FEWEST = 3  # bad ratings
SHARE = 0.5  # of all ratings of replies that cite it


def look_at_ratings() -> None:
    """Raises and settles the alerts of documents that are rated badly; needs the tenant's scope."""
    since = timezone.now() - LATELY
    rated = Feedback.objects.filter(Q(rating__isnull=False) | ~Q(thumb=""), updated_at__gte=since)
    rows = rated.values_list("rating", "thumb", "message__citations")
    bad: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for rating, thumb, citations in rows:
        cited: set[int] = {citation["document_id"] for citation in citations if citation.get("document_id")}
        total.update(cited)
        if thumb == Thumb.DOWN or (rating is not None and rating <= LOW_RATING):
            bad.update(cited)
    found = {pk: count for pk, count in bad.items() if count >= FEWEST and count >= SHARE * total[pk]}
    alerts.keep(KnowledgeAlert.Kind.DISLIKED, _details(found, total))


def _details(bad: Mapping[int, int], total: Mapping[int, int]) -> dict[int, str]:
    live = Document.objects.filter(pk__in=bad, state=Document.State.LIVE).values_list("pk", flat=True)
    return {pk: f"{bad[pk]} of {total[pk]} ratings in the last {LATELY.days} days." for pk in live}


def refresh(tenant_id: int) -> None:
    """Looks at everything that alerts are raised for; slow, opens its own scopes. Harmless at any time."""
    with tenant_scope(tenant_id):
        alerts.look_at_dates()
        look_at_ratings()
    look_at_sources(tenant_id)

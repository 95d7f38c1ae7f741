"""How a tenant's documents stand: what the filter of the list and the first page of the admin count by."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from knowledge.admin.waiting import waiting
from knowledge.models import Document, DocumentVersion
from knowledge.queries import documents_overview
from knowledge.reembedding import is_behind

SHOWN = 5  # documents in a list on the first page


@dataclass(frozen=True, slots=True)
class Standing:
    """A state as a curator thinks of it.

    Attributes:
        label: its name.
        meaning: what it means for answers.
        condition: for documents of `documents_overview`.
    """

    label: str
    meaning: str
    condition: Q


STANDINGS = {
    "live": Standing("Live", "used in answers", Q(state=Document.State.LIVE)),
    "work": Standing("Being read", "live in a moment", Q(newest_state__in=DocumentVersion.IN_WORK)),
    "held": Standing("Held", "wait for their release", Q(newest_state=DocumentVersion.State.HELD)),
    "failed": Standing("Failed", "see why, and retry", Q(newest_state=DocumentVersion.State.FAILED)),
    "draft": Standing(
        "Draft", "read, not used yet", Q(state=Document.State.DRAFT, newest_state=DocumentVersion.State.LIVE)
    ),
    "archived": Standing("Archived", "no longer used", Q(state=Document.State.ARCHIVED)),
}


def overview() -> dict[str, Any]:
    """How many documents of the tenant in scope have each standing, which failed or changed last, and what waits."""
    rows = documents_overview()
    counts = rows.aggregate(
        total=Count("pk"), **{name: Count("pk", filter=s.condition) for name, s in STANDINGS.items()}
    )
    latest = rows.order_by("-updated_at", "-pk")
    return {
        "total": counts["total"],
        "tiles": [
            {"value": name, "count": counts[name], "label": standing.label, "meaning": standing.meaning}
            for name, standing in STANDINGS.items()
        ],
        "failed": list(latest.filter(STANDINGS["failed"].condition)[:SHOWN]),
        "recent": list(latest[:SHOWN]),
        "waiting": waiting(),
        "behind": is_behind(),
    }

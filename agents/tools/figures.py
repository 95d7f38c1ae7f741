"""How a tenant's tools did: calls, errors and times."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Aggregate, Count, FloatField, Q
from django.utils import timezone

from agents.models import ToolCall

DAYS = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one tool in the last days; the times are milliseconds, half of the calls and 95 of 100 took no longer."""

    calls: int = 0
    errors: int = 0
    p50: float | None = None
    p95: float | None = None


class Percentile(Aggregate):
    """The value below which a share of the values lies (SQL: percentile_cont)."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def recent_figures() -> dict[str, Figures]:
    """Return the figures of the last seven days of the tenant in scope, by the tool's name."""
    since = timezone.now() - dt.timedelta(days=DAYS)
    rows = (
        ToolCall.objects.filter(created_at__gte=since)
        .order_by()
        .values("name")
        .annotate(
            calls=Count("pk"),
            errors=Count("pk", filter=~Q(error="")),
            p50=Percentile("ms", share="0.5"),
            p95=Percentile("ms", share="0.95"),
        )
    )
    return {row["name"]: Figures(row["calls"], row["errors"], row["p50"], row["p95"]) for row in rows}

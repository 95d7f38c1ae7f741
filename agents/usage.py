"""What requests to models came to in a month, for those who pay. In the tenant's scope; days and months are UTC's."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDay
from django.utils import timezone

from agents import budgets
from agents.llm import prices
from agents.models import AnswerPolicy, Budget, CacheHit, Feature, ModelCall, ModelRole, Period, Routing

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from agents.budgets import Level
    from agents.llm.registry import Model

LISTED = 10
"""Customers, models and intents that a list names; the others follow as one line."""
MONTHS = 24
"""Months that can be looked at, back from this one."""
WELL = ("ok", "stopped", "truncated")
"""Outcomes that are no failures of a provider's: an answer came, or the customer left."""
OTHERS = "…"
ZERO = Decimal(0)
SUMS = {"calls": Count("pk"), "read": Sum("prompt_tokens"), "written": Sum("completion_tokens"), "cost": Sum("cost")}


@dataclass(frozen=True, slots=True)
class Month:
    """A month of UTC by its first day."""

    first: dt.date

    @classmethod
    def now(cls) -> Month:
        """Return this month."""
        return cls(today().replace(day=1))

    @classmethod
    def read(cls, text: str) -> Month | None:
        """Return the month of a text such as 2026-11; None when it is none."""
        try:
            first = dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=dt.UTC).date()
        except ValueError:
            return None
        return cls(first) if first.year > 1 else None

    @property
    def end(self) -> dt.date:
        """The first day of the next month."""
        return (self.first + dt.timedelta(days=31)).replace(day=1) if self.first.year < dt.MAXYEAR else dt.date.max

    @property
    def before(self) -> Month:
        """The month before this one."""
        return Month((self.first - dt.timedelta(days=1)).replace(day=1))

    def days(self) -> Iterator[dt.date]:
        """Yield its days, up to today."""
        day, last = self.first, min(self.end - dt.timedelta(days=1), today())
        while day <= last:
            yield day
            day += dt.timedelta(days=1)

    def within(self, field: str = "created_at") -> Q:
        """Return the condition that a moment lies in it."""
        return Q(**{f"{field}__gte": _midnight(self.first), f"{field}__lt": _midnight(self.end)})

    def __str__(self) -> str:
        """Write it as the address of a page does."""
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Line:
    """Requests that belong together. `cost` is US dollars, `share` 0..1 of the largest line's cost."""

    label: str
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = ZERO
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Totals:
    """A whole month. `estimated` requests had no count of the provider's, `unpriced` ones count as nothing."""

    calls: int
    turns: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal
    estimated: int
    unpriced: int
    failed: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Requests to a model that failed in the same way."""

    model: str
    outcome: str
    status: int | None
    calls: int
    last: dt.datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands; amounts are US dollars, `share` is 0..1 and more."""

    budget: Budget
    spent: Decimal
    held: Decimal
    level: Level
    share: float


def today() -> dt.date:
    """Return the day that it is (UTC)."""
    return timezone.now().astimezone(dt.UTC).date()


def calls_in(month: Month) -> QuerySet[ModelCall]:
    """Return the requests of a month, in no order."""
    found: QuerySet[ModelCall] = ModelCall.objects.filter(month.within()).order_by()
    return found


def months() -> list[Month]:
    """Return the months there is something to say of, newest first, at least this one."""
    first = ModelCall.objects.aggregate(first=Min("created_at"))["first"]
    oldest = first.astimezone(dt.UTC).date() if first else today()
    listed = [Month.now()]
    while listed[-1].first > oldest and len(listed) < MONTHS:
        listed.append(listed[-1].before)
    return listed


def totals(month: Month) -> Totals:
    """Return what a month came to."""
    found = calls_in(month).aggregate(
        calls=Count("pk"),
        turns=Count("reply", distinct=True),
        prompt_tokens=Sum("prompt_tokens", default=0),
        completion_tokens=Sum("completion_tokens", default=0),
        cost=Sum("cost", default=ZERO),
        estimated=Count("pk", filter=Q(estimated=True)),
        unpriced=Count("pk", filter=Q(priced=False)),
        failed=Count("pk", filter=~Q(outcome__in=WELL)),
    )
    return Totals(**found)


def by_day(month: Month) -> list[Line]:
    """Return a line for each day of a month up to today, also for those without requests."""
    rows = _summed(calls_in(month).values(day=TruncDay("created_at", tzinfo=dt.UTC)))
    found = {row["day"].date(): row for row in rows}
    return _lines([(day.isoformat(), found.get(day, {})) for day in month.days()])


def by(month: Month, field: str) -> list[Line]:
    """Return a line for each value of a column, the dearest first; all beyond `LISTED` are the last line, `OTHERS`."""
    rows = list(_summed(calls_in(month).values(field)).order_by("-cost", field)[:LISTED])
    lines = [(str(row[field]), row) for row in rows]
    everything = calls_in(month).aggregate(**SUMS)
    rest = {name: (everything[name] or 0) - sum(row[name] for row in rows) for name in SUMS}
    if rest["calls"]:
        lines.append((OTHERS, rest))
    return _lines(lines)


def by_feature(month: Month) -> list[Line]:
    """Return a line for each use that models were put to, by its name in words."""
    names = dict(Feature.choices)
    return [relabelled(line, str(names.get(line.label, line.label))) for line in by(month, "feature")]


def relabelled(line: Line, label: str) -> Line:
    """Return a line under another name."""
    return replace(line, label=label)


def failures(month: Month) -> list[Failure]:
    """Return how requests failed, the most frequent first."""
    rows = calls_in(month).exclude(outcome__in=WELL).values("model", "outcome", "status")
    counted = rows.annotate(calls=Count("pk"), last=Max("created_at")).order_by("-calls", "model", "outcome")
    return [Failure(**row) for row in counted[: 2 * LISTED]]


def cache_savings(month: Month) -> tuple[int, Decimal]:
    """Return how many answers were given again, and what they had cost."""
    found = CacheHit.objects.filter(month.within()).aggregate(hits=Count("pk"), saved=Sum("saved", default=ZERO))
    return found["hits"], found["saved"]


def spent_on(reply: uuid.UUID) -> Decimal | None:
    """Return what all requests for a reply cost; None where no model was asked."""
    found: Decimal | None = ModelCall.objects.filter(reply=reply).aggregate(cost=Sum("cost"))["cost"]
    return found


def routing_savings(month: Month, strong: Model | None) -> Decimal | None:
    """Return what the answers of the primary model would have cost more on the strong one, for as many tokens.

    None where nothing is routed, or the strong model has no price.
    """
    policy = AnswerPolicy.objects.first() or AnswerPolicy()
    if strong is None or not prices.is_priced(strong) or policy.routing != Routing.ON:
        return None
    answers = calls_in(month).filter(provider=ModelRole.PRIMARY, feature=Feature.ANSWER, priced=True)
    found = answers.aggregate(
        read=Sum("prompt_tokens", default=0),
        written=Sum("completion_tokens", default=0),
        cost=Sum("cost", default=ZERO),
    )
    saved: Decimal = prices.cost_of(strong, found["read"], found["written"]) - found["cost"]
    return max(saved, ZERO)


def standings() -> list[Standing]:
    """Return how the tenant's budgets stand now, the day's first."""
    spent = budgets.spending()
    return [
        Standing(
            budget,
            spent=spent.of(budget),
            held=spent.held,
            level=budgets.level_of(budget, spent.of(budget)),
            share=float(spent.of(budget) / budget.amount) if budget.amount else 1.0,
        )
        for budget in sorted(budgets.budgets_of(), key=lambda budget: budget.period != Period.DAY)
    ]


def table(month: Month) -> Iterator[tuple[Any, ...]]:
    """Yield a month as a table for programs, its head first; the costs of its rows add up to the month's exactly."""
    columns = ("feature", "provider", "model", "intent", "outcome")
    yield ("day", *columns, "requests", "tokens_read", "tokens_written", "estimated", "unpriced", "cost_usd")
    rows = calls_in(month).values(*columns, day=TruncDay("created_at", tzinfo=dt.UTC))
    counted = _summed(rows).annotate(
        guessed=Count("pk", filter=Q(estimated=True)), free=Count("pk", filter=Q(priced=False))
    )
    for row in counted.order_by("day", *columns):
        figures = (row[name] for name in ("calls", "read", "written", "guessed", "free", "cost"))
        yield (row["day"].date().isoformat(), *(row[name] for name in columns), *figures)


def _summed(grouped: Any) -> Any:
    return grouped.annotate(**SUMS)


def _lines(rows: list[tuple[str, dict[str, Any]]]) -> list[Line]:
    highest = max((row.get("cost", ZERO) for _, row in rows), default=ZERO)
    return [
        Line(
            label,
            calls=row.get("calls", 0),
            prompt_tokens=row.get("read", 0),
            completion_tokens=row.get("written", 0),
            cost=row.get("cost", ZERO),
            share=float(row.get("cost", ZERO) / highest) if highest else 0.0,
        )
        for label, row in rows
    ]


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)

"""The page of those who pay: what the language models cost, for what, and how the budgets stand. For owners alone."""

import csv
import io
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agents import usage
from agents.budgets import Level
from agents.llm.registry import tenant_models
from agents.models import Period
from agents.usage import Line, Month, Standing
from chat import desk
from tenants.access import TenantRequest, tenant_view
from tenants.models import Role

BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # of a cell: spreadsheets would compute them
SHORT_ID = 8  # characters by which a visitor is told from others
SAID = {
    Level.WARN: "The warning mark is passed.",
    Level.ECONOMISE: "Only the primary model is asked until the period ends.",
    Level.STOP: "No model is asked until the period ends: answers are quotes of the documents.",
}


@require_GET
@tenant_view(Role.OWNER)
def costs(request: TenantRequest) -> HttpResponse:
    """A month of costs; one that cannot be read is this month."""
    month = _month(request)
    hits, saved = usage.cache_savings(month)
    context = {
        **_navigation(),
        "month": month,
        "months": usage.months(),
        "totals": usage.totals(month),
        "days": usage.by_day(month)[::-1],  # the latest first
        "groups": [
            ("model", "Models", usage.by(month, "model")),
            ("intent", "What customers wanted", [_intent(line) for line in usage.by(month, "intent")]),
            ("feature", "What models were asked for", usage.by_feature(month)),
            ("customer", "Customers who cost most", _customers(usage.by(month, "customer"))),
        ],
        "failures": usage.failures(month),
        "cache": {"hits": hits, "saved": saved},
        "routing_saved": usage.routing_savings(month, tenant_models().strong),
        "standings": [_said(standing) for standing in usage.standings()],
    }
    return render(request, "costs/page.html", context)


@require_GET
@tenant_view(Role.OWNER)
def download(request: TenantRequest) -> HttpResponse:
    """The month as CSV; its lines add up to the page's total exactly."""
    month = _month(request)
    written = io.StringIO()
    csv.writer(written).writerows([_harmless(cell) for cell in row] for row in usage.table(month))
    response = HttpResponse(written.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="costs-{request.tenant.slug}-{month}.csv"'
    return response


def _month(request: TenantRequest) -> Month:
    return Month.read(request.GET.get("month", "")) or Month.now()


def _navigation() -> dict[str, Any]:
    """What the bar at the top shows; owners may do everything."""
    return {"tab": "costs", "may_answer": True, "may_review": True, "may_curate": True, "waiting": desk.count_waiting}


def _intent(line: Line) -> Line:
    return usage.relabelled(line, line.label.replace("_", " ").capitalize() or "Not known")


def _customers(lines: list[Line]) -> list[Line]:
    """The customers by the names that the tenant knows them by."""
    ids = [int(line.label.removeprefix("user ")) for line in lines if line.label.removeprefix("user ").isdigit()]
    names = {f"user {user.pk}": user.get_full_name() or user.get_username() for user in User.objects.filter(pk__in=ids)}
    return [usage.relabelled(line, names.get(line.label) or _visitor(line.label)) for line in lines]


def _visitor(label: str) -> str:
    if label.startswith("visitor "):
        return f"Visitor {label.removeprefix('visitor ')[:SHORT_ID]}"
    return label or "Nobody: trials, and people who were erased"


def _said(standing: Standing) -> dict[str, Any]:
    kind = {Level.WARN: "notice-warn", Level.ECONOMISE: "notice-warn", Level.STOP: "notice-bad"}.get(standing.level, "")
    return {
        "standing": standing,
        "name": "Today" if standing.budget.period == Period.DAY else "This month",
        "says": SAID.get(standing.level, ""),
        "notice": kind,
        "bar": "low" if standing.level >= Level.STOP else "",
    }


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(BEGIN_FORMULAS) else cell

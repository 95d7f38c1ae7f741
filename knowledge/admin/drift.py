"""The report on vector drift: what moved of late, week by week, and what to do about it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from knowledge import drift
from knowledge.models import VectorDrift
from tenants.admin.base import may


def drift_page(request: HttpRequest, context: dict[str, Any], serving: str) -> HttpResponse:
    """The page; a POST has everything measured anew. `context` is what every page of the admin has."""
    if not may(request):
        raise PermissionDenied
    if request.method == "POST":
        drift.ask_for(request.tenant.pk)  # type: ignore[attr-defined] # the middleware's
        messages.success(request, "It is being measured in the background. Look again in a minute.")
        return redirect("admin:embedding_drift")
    reports = list(VectorDrift.objects.order_by("-made_at"))
    context |= {
        "title": "Drift",
        "serving": serving,
        "report": next((report for report in reports if report.model == serving), None),
        "farther": drift.FARTHER,
        "moved": drift.MOVED,
        "late": drift.LATE,
    }
    return render(request, "admin/knowledge/embeddingmodel/drift.html", context)

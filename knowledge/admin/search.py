"""A look at what a search finds, and why: every partial score of every passage."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from knowledge.embedding.base import EmbedderError
from knowledge.retrieval.search import search
from tenants.admin.base import may
from tenants.models import Role

SHOWN = 10  # passages
MAX_QUERY = 2000  # characters


def search_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page; `context` is what every page of the admin has."""
    if not may(request, Role.CURATOR, Role.REVIEWER):
        raise PermissionDenied
    query = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_QUERY]
    context |= {"title": "Search", "query": query, "may_edit": may(request, Role.CURATOR)}
    if query:
        try:
            context["result"] = search(request.tenant.pk, query, k=SHOWN)  # type: ignore[attr-defined] # the middleware's
        except EmbedderError as error:
            context["error"] = str(error)
    return render(request, "admin/knowledge/search.html", context)

"""A look at what a search finds, and why: every partial score of every passage."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from knowledge.embedding.base import EmbedderError
from knowledge.retrieval.scores import SCORES
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
            result = search(request.tenant.pk, query, k=SHOWN)  # type: ignore[attr-defined] # the middleware's
            context |= {"result": result, "hits": [(passage, _named(passage.scores)) for passage in result.passages]}
        except EmbedderError as error:
            context["error"] = str(error)
    return render(request, "admin/knowledge/search.html", context)


def _named(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """The scores with their names for people, in the order they arise."""
    names = list(SCORES)
    known = sorted(scores, key=lambda name: names.index(name) if name in SCORES else len(names))
    return [(SCORES.get(name, name), scores[name]) for name in known]

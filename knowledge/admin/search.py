"""A look at what a search finds, and why: every partial score of every passage."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from knowledge.admin.index import index_standing, served_by
from knowledge.models import ChunkKind
from knowledge.queries import live_documents
from knowledge.retrieval.filters import FIELDS, Filters
from knowledge.retrieval.scores import SCORES
from knowledge.retrieval.search import search
from tenants.admin.base import may
from tenants.models import Role
from tenants.scope import tenant_scope

SHOWN = 10  # passages
MAX_QUERY = 2000  # characters
MAX_CHOICES = 200  # values of a filter that are offered
CUSTOMERS = "customers"
PAGE = "admin/knowledge/search.html"
KINDS = {kind.value: kind.label for kind in ChunkKind if kind != ChunkKind.PROSE}


def search_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page; `context` is what every page of the admin has. The search itself waits until the scope is closed."""
    if not may(request, Role.CURATOR, Role.REVIEWER):
        raise PermissionDenied
    query = _given(request, "q")[:MAX_QUERY]
    filters = Filters(**{name: _given(request, name) for name in FIELDS}, customers=CUSTOMERS in request.GET)
    context |= {"title": "Search", "query": query, "may_edit": may(request, Role.CURATOR)}
    context |= {"choices": _choices(filters), "filters": filters, "filtered": filters != Filters()}
    tenant_id: int = request.tenant.pk  # type: ignore[attr-defined] # the middleware's
    if not query:
        return render(request, PAGE, context | {"standing": index_standing(tenant_id)})

    def searched() -> HttpResponse:
        result = search(tenant_id, query, k=SHOWN, filters=filters)
        hits = [(passage, KINDS.get(passage.kind), _named(passage.scores)) for passage in result.passages]
        found = {"result": result, "hits": hits, "served_by": served_by(result.index)}
        with tenant_scope(tenant_id):
            return render(request, PAGE, context | found | {"standing": index_standing(tenant_id)})

    request.after_scope = searched  # type: ignore[attr-defined] # a model on a server may take seconds to embed it
    return HttpResponse()  # is never sent: see AdminTenantMiddleware


def _given(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "").strip()


def _choices(filters: Filters) -> list[tuple[str, list[tuple[str, bool]]]]:
    """What the live documents have in each field, and whether it is chosen; fields that none has are left out."""
    choices = []
    for name in FIELDS:
        chosen = getattr(filters, name)
        values = live_documents().exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()
        shown = list(values[:MAX_CHOICES])
        if chosen and chosen not in shown:
            shown.append(chosen)
        if shown:
            choices.append((name, [(value, value == chosen) for value in shown]))
    return choices


def _named(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """The scores with their names for people, in the order they arise."""
    names = list(SCORES)
    known = sorted(scores, key=lambda name: names.index(name) if name in SCORES else len(names))
    return [(SCORES.get(name, name), scores[name]) for name in known]

"""The admin: whoever works for a tenant may come in, and sees the rows of one tenant at a time."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from csp.decorators import csp_replace
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from tenants.middleware import ADMIN_TENANT

#: As strict as the theme allows: its Alpine.js compiles the expressions in attributes, and it writes style attributes.
POLICY = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
}


class AskwellAdminSite(UnfoldAdminSite):  # type: ignore[misc] # unfold ships no types
    """Signs in with the page that everybody uses; adds the switch between tenants and the page that searches."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and (user.is_superuser or getattr(request, "admin_tenants", [])))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 (Django's signature)
        wanted = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
            wanted = "/admin/"
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if request.user.is_authenticated:
            raise PermissionDenied  # signing in again would lead straight back here
        return redirect_to_login(wanted)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        guarded: Callable[..., Any] = csp_replace(POLICY)(super().admin_view(view, cacheable))

        @wraps(guarded)
        def to_the_end(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            response: HttpResponse = guarded(request, *args, **options)
            if later := getattr(request, "after_scope", None):  # its response is one of the admin's as well
                guarded_later = csp_replace(POLICY)(never_cache(lambda _: later()))
                request.after_scope = partial(guarded_later, request)  # type: ignore[attr-defined] # see AdminTenantMiddleware
            return response

        return to_the_end

    def get_urls(self) -> list[URLPattern]:
        return [
            path("switch-tenant/", self.admin_view(require_POST(switch_tenant)), name="switch-tenant"),
            path("knowledge/search/", self.admin_view(self.search_knowledge), name="knowledge-search"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The first page: how the tenant's documents stand, for those who keep them."""
        from knowledge.admin.overview import overview  # the site is made before there are models

        access = getattr(request, "access", None)
        documents = overview() if access and access.may("curator") else None
        context = {"title": "Overview", "documents": documents, **(extra_context or {})}
        response: HttpResponse = super().index(request, context)
        return response

    def search_knowledge(self, request: HttpRequest) -> HttpResponse:
        """What a search finds in the tenant's documents, with every score."""
        from knowledge.admin.search import search_page  # retrieval loads libraries that no other page needs

        return search_page(request, self.each_context(request))


def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Works on another of one's tenants from now on; an id that is not one's own changes nothing."""
    wanted = request.POST.get("tenant", "")
    if any(str(tenant.pk) == wanted for tenant in request.admin_tenants):  # type: ignore[attr-defined] # see AdminTenantMiddleware
        request.session[ADMIN_TENANT] = int(wanted)
    return HttpResponseRedirect("/admin/")

"""The admin: whoever works for a tenant may come in, and sees the rows of one tenant at a time."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from tenants.middleware import ADMIN_TENANT


class AskwellAdminSite(UnfoldAdminSite):
    """Signs in with the page that everybody uses, and adds the switch between tenants."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and (user.is_superuser or getattr(request, "admin_tenants", [])))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 (Django's signature)
        if self.has_permission(request):
            return HttpResponseRedirect(request.GET.get("next") or "/admin/")
        return redirect_to_login(request.GET.get("next") or "/admin/")

    def get_urls(self) -> list[URLPattern]:
        switch = path("switch-tenant/", self.admin_view(require_POST(switch_tenant)), name="switch-tenant")
        return [switch, *super().get_urls()]


def switch_tenant(request: HttpRequest) -> HttpResponse:
    """Works on another of one's tenants from now on; an id that is not one's own changes nothing."""
    wanted = request.POST.get("tenant", "")
    if any(str(tenant.pk) == wanted for tenant in request.admin_tenants):  # type: ignore[attr-defined] # see AdminTenantMiddleware
        request.session[ADMIN_TENANT] = int(wanted)
    return HttpResponseRedirect("/admin/")

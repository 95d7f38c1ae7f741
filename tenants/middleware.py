"""What every request needs to know before its view: the tenant of a host name, the visitor, the tenant of the admin."""

from collections.abc import Callable
from contextlib import nullcontext
from http import HTTPStatus

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tenants.access import VISITOR_AGE, VISITOR_COOKIE, access_of, read_visitor, sign_visitor
from tenants.models import RESERVED_SLUGS, Membership, Role, Tenant
from tenants.scope import tenant_scope, user_scope

GetResponse = Callable[[HttpRequest], HttpResponse]
HOSTS_KEPT = 30  # seconds that the table of host names is remembered
ADMIN_TENANT = "admin_tenant"  # key of the session: the tenant whose rows the admin shows


class TenantHostMiddleware:
    """Reaches a tenant by its own host name: help.example.com/… is served as /<slug>/…."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        slug = hosts().get(request.get_host().partition(":")[0].lower())
        if slug:
            first = request.path_info.lstrip("/").partition("/")[0]
            if first not in RESERVED_SLUGS and first != slug:
                request.path_info = f"/{slug}{request.path_info}"
        return self.get_response(request)


def hosts() -> dict[str, str]:
    """Host name to slug, of the tenants that have one."""
    known: dict[str, str] | None = cache.get("tenant-hosts")
    if known is None:
        rows = Tenant.objects.filter(active=True, host__isnull=False).values_list("host", "slug")
        known = {host: slug for host, slug in rows if host}
        cache.set("tenant-hosts", known, HOSTS_KEPT)
    return known


class VisitorMiddleware:
    """Knows an anonymous visitor by a signed cookie, and gives one to those who come without."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.visitor = read_visitor(request.COOKIES.get(VISITOR_COOKIE))  # type: ignore[attr-defined] # see TenantRequest
        response = self.get_response(request)
        issued = getattr(request, "issued_visitor", None)
        if issued is not None:
            response.set_cookie(
                VISITOR_COOKIE,
                sign_visitor(issued),
                max_age=VISITOR_AGE,
                httponly=True,
                samesite="Lax",
                secure=settings.HTTPS,
            )
        return response


class AdminTenantMiddleware:
    """Opens the scope of the tenant that a curator works on in the admin; see `tenants.admin` for the switch.

    A view with slow work before it, such as asking a language model, sets `request.after_scope` to a function without
    arguments: it is called when the scope is closed, and its response takes the place of the view's.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/") or not request.user.is_authenticated:
            return self.get_response(request)
        tenants = tenants_of(request)
        chosen = request.session.get(ADMIN_TENANT)
        tenant = next((t for t in tenants if t.pk == chosen), tenants[0] if tenants else None)
        request.admin_tenants, request.tenant = tenants, tenant  # type: ignore[attr-defined] # see TenantRequest
        with tenant_scope(tenant.pk) if tenant else nullcontext():
            if tenant:
                request.access = access_of(request.user, None)  # type: ignore[attr-defined] # see TenantRequest
            response = self.get_response(request)
            if tenant and response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                transaction.set_rollback(True)  # the error became a page below this middleware
                return response
        later: Callable[[], HttpResponse] | None = getattr(request, "after_scope", None)
        return later() if later else response


def tenants_of(request: HttpRequest) -> list[Tenant]:
    """The tenants that the signed-in user works for; all of them for an operator."""
    user = request.user
    tenants = Tenant.objects.order_by("name")
    if user.pk is None:
        return []
    if not user.is_superuser:
        with user_scope(user.pk):
            mine = Membership.of_user(user.pk).exclude(role=Role.CUSTOMER).values_list("tenant_id", flat=True)
            tenants = tenants.filter(pk__in=list(mine))
    return list(tenants)

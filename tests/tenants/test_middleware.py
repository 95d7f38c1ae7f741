"""Host names, visitors' cookies, and whose rows the admin shows."""

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import RequestFactory

from tenants.middleware import ADMIN_TENANT, AdminTenantMiddleware, TenantHostMiddleware, VisitorMiddleware, tenants_of
from tenants.models import Role
from tenants.scope import NoTenantScope, current_tenant_id, tenant_scope
from tenants.services import add_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_host(tenant, settings):
    settings.ALLOWED_HOSTS = ["*"]
    tenant.host = "help.acme.example"
    tenant.save()
    cache.clear()
    yield tenant
    cache.clear()


def path_seen(path: str, host: str) -> str:
    return TenantHostMiddleware(lambda request: HttpResponse(request.path_info))(
        RequestFactory().get(path, headers={"host": host})
    ).content.decode()


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/", "/acme/"),
        ("/review/", "/acme/review/"),
        ("/acme/review/", "/acme/review/"),
        ("/static/x.css", "/static/x.css"),
        ("/healthz", "/healthz"),
    ],
)
def test_a_tenants_own_host_name(own_host, path, seen):
    assert path_seen(path, "help.acme.example") == seen
    assert path_seen(path, "HELP.acme.example:8000") == seen


def test_any_other_host_name_changes_nothing(own_host):
    assert path_seen("/review/", "askwell.example") == "/review/"


def test_a_visitors_cookie_is_given_once_and_cannot_be_read_by_scripts():
    import uuid

    visitor = uuid.uuid4()

    def view(request):
        request.issued_visitor = visitor
        return HttpResponse()

    cookie = VisitorMiddleware(view)(RequestFactory().get("/")).cookies["askwell_visitor"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    seen = []
    request = RequestFactory().get("/")
    request.COOKIES["askwell_visitor"] = cookie.value
    VisitorMiddleware(lambda r: seen.append(r.visitor) or HttpResponse())(request)
    assert seen == [visitor]


def admin_scope(user, session):
    """Which tenant's rows a request to the admin may see."""
    request = RequestFactory().get("/admin/")
    request.user, request.session = user, session

    def view(_request):
        try:
            return HttpResponse(str(current_tenant_id()))
        except NoTenantScope:
            return HttpResponse("none")

    return AdminTenantMiddleware(view)(request).content.decode()


def test_the_admin_shows_the_chosen_tenant_of_ones_own(tenant, other_tenant, alice):
    with tenant_scope(other_tenant.pk):
        add_member(user=alice, role=Role.CURATOR)
    assert admin_scope(alice, {}) == str(tenant.pk)
    assert admin_scope(alice, {ADMIN_TENANT: other_tenant.pk}) == str(other_tenant.pk)


def test_the_admin_never_shows_a_tenant_that_is_not_ones_own(tenant, other_tenant, alice, bob, charlie):
    assert admin_scope(alice, {ADMIN_TENANT: other_tenant.pk}) == str(tenant.pk)
    assert admin_scope(bob, {ADMIN_TENANT: tenant.pk}) == "none"
    assert admin_scope(charlie, {ADMIN_TENANT: tenant.pk}) == "none"


def test_customers_work_for_nobody(tenant, bob):
    request = RequestFactory().get("/admin/")
    request.user = bob
    assert tenants_of(request) == []


@pytest.mark.django_db(transaction=True)
def test_what_a_failing_admin_page_wrote_is_rolled_back(tenant, alice):
    from tenants.models import AuditEvent
    from tenants.services import record_audit

    request = RequestFactory().post("/admin/")
    request.user, request.session = alice, {}

    def view(_request):
        record_audit(actor="alice", action="half")
        return HttpResponse(status=500)

    AdminTenantMiddleware(view)(request)
    with tenant_scope(tenant.pk):
        assert not AuditEvent.objects.filter(action="half").exists()

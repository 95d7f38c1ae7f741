"""The one gate: owner, member and outsider, visitors and their tokens."""

import re
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.http import Http404, HttpResponse
from django.test import RequestFactory

from tenants.access import Access, access_of, find_tenant, read_visitor, sign_visitor, tenant_view
from tenants.models import Role
from tenants.scope import current_tenant_id, tenant_scope

pytestmark = pytest.mark.django_db


def visit(view, user, slug="acme"):
    request = RequestFactory().get(f"/{slug}/somewhere/")
    request.user = user
    return view(request, slug=slug)


@tenant_view(Role.REVIEWER)
def for_reviewers(request):
    return HttpResponse(f"{current_tenant_id()} {sorted(request.access.roles)}")


@tenant_view()
def for_anyone(request):
    return HttpResponse(request.tenant.slug)


def test_an_owner_may_do_everything(alice):
    assert b"OWNER" in visit(for_reviewers, alice).content


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_members_without_the_role_and_outsiders_get_the_same_404(request, who, tenant):
    with pytest.raises(Http404):
        visit(for_reviewers, request.getfixturevalue(who))


def test_nobody_is_asked_to_sign_in(tenant):
    response = visit(for_reviewers, AnonymousUser())
    assert response.status_code == 302
    assert response["Location"] == "/accounts/sign-in/?next=/acme/somewhere/"


def test_anyone_may_visit_an_open_page(tenant):
    assert visit(for_anyone, AnonymousUser()).content == b"acme"


@pytest.mark.parametrize("slug", ["nobody", "ACME", ""])
def test_a_tenant_that_is_not_there(tenant, slug):
    with pytest.raises(Http404):
        find_tenant(slug)


def test_a_tenant_that_was_closed(tenant):
    tenant.active = False
    tenant.save()
    with pytest.raises(Http404):
        find_tenant("acme")


def test_roles_of_one_tenant_mean_nothing_in_another(alice, other_tenant):
    with tenant_scope(other_tenant.pk):
        assert access_of(alice, None).roles == frozenset()


def test_an_operator_is_an_owner_everywhere(tenant):
    operator = User.objects.create_superuser("root", "root@example.com", "a long enough password")
    with tenant_scope(tenant.pk):
        assert access_of(operator, None).may(Role.CURATOR)


def test_customers_are_not_staff():
    assert not Access(user=None, visitor=None, roles=frozenset({Role.CUSTOMER})).is_staff
    assert Access(user=None, visitor=None, roles=frozenset({Role.AGENT})).is_staff


def test_a_visitor_is_known_by_their_token():
    visitor = uuid.uuid4()
    assert read_visitor(sign_visitor(visitor)) == visitor


def test_a_visitors_token_may_stand_in_a_subprotocol():
    """Browsers throw at anything but an HTTP token (RFC 9110, 5.6.2)."""
    assert re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", sign_visitor(uuid.uuid4()))


@pytest.mark.parametrize(
    "token",
    [None, "", "x", "a:b:c", sign_visitor(uuid.uuid4())[:-1], signing.dumps("no uuid", salt="askwell.visitor")],
    ids=["none", "empty", "short", "parts", "cut", "no visitor"],
)
def test_forged_tokens_are_nobody(token):
    assert read_visitor(token) is None


def test_a_token_signed_for_something_else_is_nobody():
    assert read_visitor(signing.dumps(uuid.uuid4().hex, salt="something.else")) is None

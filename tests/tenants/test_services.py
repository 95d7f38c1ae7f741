"""Tenants, members and keys."""

import pytest
from django.core.exceptions import ValidationError

from tenants.models import ApiKey, AuditEvent, Membership, Role
from tenants.scope import tenant_scope
from tenants.services import add_member, create_api_key, create_tenant, find_api_key, revoke_api_key

pytestmark = pytest.mark.django_db


def test_a_tenant_is_named_after_its_address_unless_told():
    assert create_tenant(slug="blue-shop").name == "Blue Shop"


@pytest.mark.parametrize("slug", ["admin", "static", "ws", "Big", "a b", "-a", "", "ü", "a/b", "x" * 41])
def test_addresses_that_cannot_be(slug):
    with pytest.raises(ValidationError):
        create_tenant(slug=slug)


def test_an_address_is_given_once(tenant):
    with pytest.raises(ValidationError):
        create_tenant(slug=tenant.slug)


def test_a_role_is_given_once_and_audited_once(scope, charlie):
    add_member(user=charlie, role=Role.CURATOR)
    add_member(user=charlie, role=Role.CURATOR)
    assert Membership.objects.filter(user=charlie).count() == 1
    assert AuditEvent.objects.filter(action="member.added", target="charlie").count() == 1


def test_a_key_is_kept_as_a_hash_only(scope):
    key, text = create_api_key(name="shop", actor="alice")
    assert text not in {key.prefix, key.digest}
    assert find_api_key(text) == key
    assert find_api_key(text + "x") is None


def test_a_revoked_key_opens_nothing(scope):
    key, text = create_api_key(name="shop", actor="alice")
    revoke_api_key(key=key, actor="alice")
    revoke_api_key(key=key, actor="alice")
    assert find_api_key(text) is None
    assert AuditEvent.objects.filter(action="key.revoked").count() == 1


def test_a_key_opens_its_own_tenant_only(tenant, other_tenant):
    with tenant_scope(tenant.pk):
        _, text = create_api_key(name="shop", actor="alice")
    with tenant_scope(other_tenant.pk):
        assert find_api_key(text) is None
        assert not ApiKey.objects.exists()

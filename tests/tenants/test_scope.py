"""The two fences around a tenant's rows, each tried alone, and the ways a scope may be misused."""

import asyncio
import threading

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from tenants.models import AuditEvent, Membership, Role, TenantOwned
from tenants.scope import (
    NoTenantScope,
    WrongTenantScope,
    current_tenant_id,
    in_tenant,
    in_thread,
    tenant_scope,
    user_scope,
)
from tenants.services import add_member, record_audit

pytestmark = pytest.mark.django_db


def audits_past_the_manager() -> list[str]:
    """What PostgreSQL itself shows, whatever the manager filters."""
    return list(QuerySet(AuditEvent).values_list("action", flat=True))


def test_the_manager_raises_without_a_scope(tenant):
    with pytest.raises(NoTenantScope):
        AuditEvent.objects.count()


def test_the_policy_shows_nothing_without_a_scope(tenant):
    assert audits_past_the_manager() == []


def test_the_policy_shows_own_rows_only(tenant, other_tenant):
    with tenant_scope(other_tenant.pk):
        record_audit(actor="x", action="secret")
    with tenant_scope(tenant.pk):
        assert "secret" not in audits_past_the_manager()
        assert audits_past_the_manager() == ["tenant.created"]


def test_the_manager_filters_by_itself(tenant, other_tenant):
    with tenant_scope(tenant.pk):
        assert f'"tenant_id" = {tenant.pk}' in str(AuditEvent.objects.all().query)


def test_the_policy_refuses_rows_of_another_tenant(tenant, other_tenant):
    with pytest.raises(DatabaseError), tenant_scope(tenant.pk), transaction.atomic():
        QuerySet(AuditEvent).create(tenant_id=other_tenant.pk, actor="x", action="forged")


def test_rows_made_in_a_scope_belong_to_it(scope):
    record_audit(actor="x", action="made")
    assert AuditEvent.objects.get(action="made").tenant_id == scope.pk


def test_a_scope_inside_another_tenants_is_refused(tenant, other_tenant):
    with tenant_scope(tenant.pk), pytest.raises(WrongTenantScope), tenant_scope(other_tenant.pk):
        pass


def test_a_scope_ends_with_its_transaction(tenant):
    with tenant_scope(tenant.pk):
        assert current_tenant_id() == tenant.pk
    with pytest.raises(NoTenantScope):
        current_tenant_id()


@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_scope_is_left_on_the_connection(tenant):
    with tenant_scope(tenant.pk):
        record_audit(actor="x", action="made")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('askwell.tenant', true)")
        assert not cursor.fetchone()[0]
    assert audits_past_the_manager() == []


@pytest.mark.django_db(transaction=True)
def test_a_scope_that_failed_leaves_nothing_behind(tenant):
    def fails():
        with tenant_scope(tenant.pk):
            record_audit(actor="x", action="half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with tenant_scope(tenant.pk):
        assert not AuditEvent.objects.filter(action="half").exists()


@pytest.mark.django_db(transaction=True)
async def test_the_crossing_carries_the_scope_into_its_thread(tenant):
    assert await in_tenant(tenant.pk, AuditEvent.objects.count) == 1
    with pytest.raises(NoTenantScope):
        await in_thread(AuditEvent.objects.count)


def test_a_user_sees_their_own_memberships_across_tenants_and_nobody_elses(tenant, other_tenant, alice, charlie):
    with tenant_scope(other_tenant.pk):
        add_member(user=alice, role=Role.REVIEWER)
        add_member(user=charlie, role=Role.OWNER)
    with user_scope(alice.pk):
        assert {m.tenant_id for m in Membership.of_user(alice.pk)} == {tenant.pk, other_tenant.pk}
        assert not list(Membership.of_user(charlie.pk))
    assert not list(Membership.of_user(alice.pk))


def test_the_audit_trail_takes_no_change(scope):
    for change in (lambda: AuditEvent.objects.update(actor="nobody"), lambda: AuditEvent.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_every_tenant_owned_table_is_behind_a_forced_policy():
    """The catalogue is asked, so a new table without EnableTenantPolicy fails here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
            "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped"
        )
        with_tenant = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relrowsecurity "
            "AND c.relforcerowsecurity AND p.polname = 'tenant_isolation'"
        )
        fenced = {name for (name,) in cursor.fetchall()}
    assert with_tenant - fenced == set()
    owned = {m._meta.db_table for m in apps.get_models() if issubclass(m, TenantOwned)}
    assert owned <= fenced


def test_the_role_cannot_step_over_policies():
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)


@pytest.mark.django_db(transaction=True)
async def test_a_crossing_that_is_given_up_leaves_no_scope_behind(tenant):
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        go_on.wait(5)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await in_tenant(tenant.pk, slow)
    assert begun.is_set()
    with pytest.raises(NoTenantScope):
        current_tenant_id()
    go_on.set()
    assert await in_tenant(tenant.pk, AuditEvent.objects.count) == 1

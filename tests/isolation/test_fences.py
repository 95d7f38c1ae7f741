"""Each fence around each tenant-owned table, tried alone, and proof that these tests would notice its absence."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from tenants.models import TenantManager
from tenants.policies import OWN_TENANT
from tenants.scope import NoTenantScope, tenant_scope
from tests.isolation.rows import MODELS, make_row

pytestmark = pytest.mark.django_db
every_table = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)

#: Ways in which a policy can be lost or be too weak; {table} is the table.
LOST = {
    "switched off": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "not forced": "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "shows everything": "ALTER POLICY tenant_isolation ON {table} USING (true)",
    "a second, wider one": "CREATE POLICY wider ON {table} USING (true)",
}
COPY = "INSERT INTO {{table}} ({names}) SELECT {copied} FROM {{table}} WHERE {{pk}} = %s"
TAKES_ANYTHING = f"ALTER POLICY tenant_isolation ON {{table}} USING ({OWN_TENANT}) WITH CHECK (true)"


@pytest.fixture
def foreign(model, tenant, other_tenant):
    """A row of the other tenant."""
    with tenant_scope(other_tenant.pk):
        return make_row(model, other_tenant.pk)


def run(statement, model, *values):
    """One statement on the model's table, undone when it fails; its rows, or how many it touched."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=f'"{model._meta.db_table}"', pk=f'"{model._meta.pk.column}"'), values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def weaken(statement, model):
    """Changes a table's fence until the test's transaction is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is pending would keep the table from being altered
    run(statement, model)


def the_policy_hides(model, foreign):
    """Raw SQL, which no manager filters, neither sees nor touches the row."""
    assert run("SELECT 1 FROM {table} WHERE {pk} = %s", model, foreign.pk) == []
    assert run("SELECT tenant_id FROM {table} WHERE tenant_id = %s", model, foreign.tenant_id) == []
    assert run("UPDATE {table} SET tenant_id = tenant_id WHERE {pk} = %s", model, foreign.pk) == 0
    assert run("DELETE FROM {table} WHERE {pk} = %s", model, foreign.pk) == 0


def the_policy_refuses(model, own, other_tenant):
    """No row is made in another tenant, not even by SQL that asks for nothing back."""
    columns = [f for f in model._meta.concrete_fields if not f.primary_key or f.is_relation or f.has_default()]
    names = ", ".join(f'"{field.column}"' for field in columns)
    copied = ", ".join({"tenant_id": "%s", "id": "gen_random_uuid()"}.get(f.column, f'"{f.column}"') for f in columns)
    with pytest.raises(DatabaseError, match="row-level security"):
        run(COPY.format(names=names, copied=copied), model, other_tenant.pk, own.pk)


@every_table
def test_the_policy_alone_keeps_foreign_rows_out(model, foreign, tenant):
    with tenant_scope(tenant.pk):
        the_policy_hides(model, foreign)


@every_table
def test_the_policy_alone_keeps_everything_out_without_a_scope(model, foreign, tenant):
    the_policy_hides(model, foreign)
    assert run("SELECT 1 FROM {table}", model) == []


@every_table
def test_the_policy_alone_takes_no_rows_for_another_tenant(model, tenant, other_tenant):
    with tenant_scope(tenant.pk):
        own = make_row(model, tenant.pk)
        assert run("SELECT 1 FROM {table} WHERE {pk} = %s", model, own.pk)
        the_policy_refuses(model, own, other_tenant)
        # The trigger of the audit trail refuses every change before the policy is asked.
        with pytest.raises(DatabaseError, match=r"row-level security|append-only"):
            run("UPDATE {table} SET tenant_id = %s WHERE {pk} = %s", model, other_tenant.pk, own.pk)


@every_table
def test_the_manager_alone_keeps_foreign_rows_out(model, foreign, tenant):
    weaken(LOST["switched off"], model)
    with tenant_scope(tenant.pk):
        own = make_row(model, tenant.pk)
        assert QuerySet(model).filter(pk=foreign.pk).order_by().exists()  # the policy is off indeed
        for manager in (model.objects, model._default_manager, model._base_manager):
            assert foreign.pk not in manager.values_list("pk", flat=True)
            assert own.pk in manager.values_list("pk", flat=True)
        assert model.objects.filter(pk=foreign.pk).update(tenant_id=tenant.pk) == 0
        assert not model.objects.filter(tenant_id=foreign.tenant_id).exists()
    with pytest.raises(NoTenantScope):
        model.objects.count()


@every_table
@pytest.mark.parametrize("loss", LOST)
def test_a_lost_policy_is_noticed(model, foreign, tenant, loss):
    weaken(LOST[loss], model)
    with pytest.raises(AssertionError), tenant_scope(tenant.pk):
        the_policy_hides(model, foreign)


@every_table
def test_a_policy_that_takes_anything_is_noticed(model, tenant, other_tenant):
    with tenant_scope(tenant.pk):
        own = make_row(model, tenant.pk)
    weaken(TAKES_ANYTHING, model)
    with pytest.raises((pytest.fail.Exception, AssertionError)), tenant_scope(tenant.pk):
        the_policy_refuses(model, own, other_tenant)


def test_a_manager_without_its_filter_is_noticed(tenant, other_tenant, monkeypatch):
    model = MODELS[0]
    monkeypatch.setattr(TenantManager, "get_queryset", lambda self: QuerySet(self.model))
    with tenant_scope(other_tenant.pk):
        foreign = make_row(model, other_tenant.pk)
    with pytest.raises(AssertionError):
        test_the_manager_alone_keeps_foreign_rows_out(model, foreign, tenant)

"""Transactions that begin with a scope's setting, and connections that the server has ended."""

import psycopg
import pytest
from django.db import connection, transaction

from tenants.postgresql.base import is_ended
from tenants.scope import tenant_scope, user_scope

pytestmark = pytest.mark.django_db(transaction=True)


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [name])
        return cursor.fetchone()[0] or ""


def end_all_connections() -> None:
    parameters = connection.get_connection_params()
    address = {name: parameters[name] for name in ("host", "port", "dbname", "user", "password") if name in parameters}
    with psycopg.connect(**address, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )


def test_a_transaction_begins_with_the_setting_of_its_scope_and_ends_with_it(tenant):
    with tenant_scope(tenant.pk):
        assert setting("askwell.tenant") == str(tenant.pk)
    assert setting("askwell.tenant") == ""


def test_the_scope_of_a_user_too(alice):
    with user_scope(alice.pk):
        assert setting("askwell.user") == str(alice.pk)
    assert setting("askwell.user") == ""


def test_what_follows_the_commit_has_no_setting(tenant):
    seen = []

    def look() -> None:
        with transaction.atomic():
            seen.append(setting("askwell.tenant"))

    with tenant_scope(tenant.pk):
        transaction.on_commit(look)
    assert seen == [""]


def test_a_scope_may_be_opened_by_what_follows_a_commit(tenant, other_tenant):
    seen = []

    def look() -> None:
        with user_scope(7):
            seen.append((setting("askwell.tenant"), setting("askwell.user")))

    with tenant_scope(tenant.pk):
        transaction.on_commit(look)
    assert seen == [("", "7")]


def test_one_message_begins_a_scope(tenant, django_assert_num_queries):
    with django_assert_num_queries(2) as queries, tenant_scope(tenant.pk):
        pass
    assert [query["sql"] for query in queries] == ["BEGIN", "COMMIT"]


def test_a_failed_transaction_is_rolled_back(tenant):
    with pytest.raises(ZeroDivisionError), tenant_scope(tenant.pk):
        raise ZeroDivisionError
    assert connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert setting("askwell.tenant") == ""


def test_a_connection_that_lives_is_not_ended():
    connection.ensure_connection()
    assert not is_ended(connection.connection)


def test_a_connection_that_the_server_ended_is_replaced_before_anybody_notices(tenant):
    with tenant_scope(tenant.pk):
        first = connection.connection.info.backend_pid
    connection.close()
    end_all_connections()
    with tenant_scope(tenant.pk):
        assert connection.connection.info.backend_pid != first

"""One PostgreSQL for the whole run, and the cast: Alice owns the tenant, Bob is its customer, Charlie knows nobody."""

import contextlib
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import TransactionTestCase

from project.database import close_connections
from tenants.models import Role, Tenant
from tenants.scope import tenant_scope
from tenants.services import add_member, create_tenant
from tests import database

HERE = Path(__file__).parent
LAST = ("faults", "journeys")  # folders; the browser's driver leaves an event loop running that others could not share


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(
        key=lambda item: (LAST.index(folder) + 1) if (folder := item.path.relative_to(HERE).parts[0]) in LAST else 0
    )


@pytest.fixture(scope="session")
def postgres_server():
    """The database server of the run: the one of DATABASE_URL, or an embedded one."""
    with database.running(settings.DATA_DIR) if settings.EMBEDDED_DATABASE else contextlib.nullcontext():
        yield
        close_connections()


@pytest.fixture(scope="session")
def django_db_setup(postgres_server, django_db_setup):
    """The test database, once the server runs, and how it is emptied behind a test that commits."""
    with contextlib.ExitStack() as stack:
        empty = flush
        if settings.EMBEDDED_DATABASE:  # of another server's we may not be superuser
            name = settings.DATABASES["default"]["NAME"]
            empty = database.emptying(stack.enter_context(database.superuser(settings.DATA_DIR, name)))
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


def flush(case, by_django=TransactionTestCase._fixture_teardown):
    """Django's flush does not know the table of the jobs."""
    by_django(case)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


@pytest.fixture
def tenant(db) -> Tenant:
    return create_tenant(slug="acme", name="Acme")


@pytest.fixture
def other_tenant(db) -> Tenant:
    return create_tenant(slug="globex", name="Globex")


@pytest.fixture
def scope(tenant):
    """Everything in the test happens in the scope of `tenant`."""
    with tenant_scope(tenant.pk):
        yield tenant


def person(tenant: Tenant | None, name: str, *roles: Role) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", "a long enough password")
    if tenant:
        with tenant_scope(tenant.pk):
            for role in roles:
                add_member(user=user, role=role)
    return user


@pytest.fixture
def alice(tenant) -> User:
    return person(tenant, "alice", Role.OWNER)


@pytest.fixture
def bob(tenant) -> User:
    return person(tenant, "bob", Role.CUSTOMER)


@pytest.fixture
def charlie(db) -> User:
    return person(None, "charlie")

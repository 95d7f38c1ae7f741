"""The database of a command: the running one, or the embedded one for the command's own duration."""

import contextlib
from collections.abc import Iterator

from django.conf import settings

from project import postgres

MIGRATION_LOCK = 7_271_305_112  # any number of our own: an advisory lock, so that two processes never migrate at once


@contextlib.contextmanager
def database_ready(*, migrated: bool = True) -> Iterator[None]:
    """The configured database, running; with its tables when `migrated`."""
    with postgres.running(settings.DATA_DIR) if settings.EMBEDDED_DATABASE else contextlib.nullcontext():
        try:
            if migrated:
                migrate_if_empty()
            yield
        finally:
            count_requests()
            close_connections()


def count_requests() -> None:
    """Writes what the command's requests to language models cost, while the server still runs."""
    from django.apps import apps

    if apps.ready:
        from agents.llm.ledger import write_waiting

        write_waiting()


def migrate_if_empty() -> None:
    """Creates the tables of a database that has none."""
    import django
    from django.db import connection

    django.setup()
    if "django_migrations" not in connection.introspection.table_names():
        migrate()


def migrate() -> None:
    """Brings the tables up to date, one process at a time."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def close_connections() -> None:
    """Gives every connection back, the pool's too, so that the server can stop."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()

"""System checks that explain a wrong deployment."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import Error, Tags, register
from django.db import OperationalError, connection


@register(Tags.security)
def check_public_settings(**_options: Any) -> list[checks.Warning]:
    """What a server that others can reach must not leave at its default."""
    found = []
    if settings.HTTPS and "*" in settings.ALLOWED_HOSTS:
        found.append(
            checks.Warning(
                "Any host name is accepted.",
                hint="Set ASKWELL_HOSTS to the names this server is reached by, separated by commas.",
                id="askwell.W001",
            )
        )
    if settings.HTTPS and settings.DEBUG:
        found.append(checks.Warning("ASKWELL_DEBUG shows errors to everybody.", hint="Set it to 0.", id="askwell.W002"))
    return found


@register(Tags.database)
def check_role(databases: Any = None, **_options: Any) -> list[Error]:
    """Row-level security binds neither superusers nor roles with BYPASSRLS, so Askwell refuses to run as one."""
    if not databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolsuper OR rolbypassrls, "
                "EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector'), "
                "EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'vector') "
                "FROM pg_roles WHERE rolname = current_user"
            )
            above_the_rules, available, installed = cursor.fetchone()
    except OperationalError as error:
        return [Error(f"The database cannot be reached: {error}", hint="Check DATABASE_URL.", id="askwell.E001")]
    found = []
    if above_the_rules:
        text = "The database role is a superuser or has BYPASSRLS: tenants would not be kept apart."
        hint = "Use a plain role in DATABASE_URL (CREATE ROLE askwell LOGIN PASSWORD '…') that owns the database."
        found.append(Error(text, hint=hint, id="askwell.E002"))
    if not installed:
        hint = "As a superuser, in this database: CREATE EXTENSION vector;"
        if not available:
            hint = f"Install pgvector 0.8 or newer on the database server, then: {hint}"
        found.append(Error("The database lacks the extension “vector” (pgvector).", hint=hint, id="askwell.E003"))
    return found

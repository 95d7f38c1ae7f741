"""Writing many rows at once."""

from collections.abc import Sequence
from typing import Any, TypeVar

from tenants.models import TenantOwned
from tenants.scope import current_tenant_id

Row = TypeVar("Row", bound=TenantOwned)
BATCH = 1000  # rows of one statement


def add_rows(rows: Sequence[TenantOwned]) -> None:
    """Adds rows of one model to the tenant in scope."""
    if rows:
        type(rows[0]).objects.bulk_create(_owned(rows), batch_size=BATCH)


def put_rows(rows: Sequence[Row], *, by: tuple[str, ...], set_fields: Sequence[str]) -> dict[str, Row]:
    """Adds rows of one model, or sets these fields of those that are there; returns the rows by code, with their ids.

    Args:
        rows: each with a `code`.
        by: the fields that tell them apart within a tenant.
        set_fields: what is set where the row is there.
    """
    if rows:
        type(rows[0]).objects.bulk_create(
            _owned(rows),
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["tenant", *by],
            update_fields=list(set_fields),
        )
    coded: Any = rows
    return {row.code: row for row in coded}


def _owned(rows: Sequence[Row]) -> Sequence[Row]:
    tenant_id = current_tenant_id()
    for row in rows:
        row.tenant_id = tenant_id
    return rows

"""Running the graph's SQL."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from commerce.cards import CARD_SIZE, ProductCard
from tenants.scope import current_tenant_id


def fetch(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a query of the tenant in scope, which it names as %(tenant)s; raises NoTenantScope outside of one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tenant": current_tenant_id(), **{name: _plain(value) for name, value in values.items()}})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _plain(value: Any) -> Any:
    """Texts without NUL, which PostgreSQL refuses and no code holds."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def card(row: Sequence[Any]) -> ProductCard:
    """The product of a row that begins with CARD_COLUMNS."""
    specifications = as_json(row[CARD_SIZE - 1])
    known = specifications if isinstance(specifications, dict) else {}
    return ProductCard(*row[: CARD_SIZE - 1], known)  # type: ignore[call-arg] # mypy counts a tuple of Any as any length


def as_json(value: Any) -> Any:
    """A JSON column as Python values; Django's own connections hand it over as text."""
    return json.loads(value) if isinstance(value, str) else value

"""What finding entities needs to know of a tenant's shop, kept in memory by version of its catalogue."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from agents.routing.catalogue import Catalogue, NamedProduct
from commerce.models import Product, Shop
from tenants.scope import tenant_scope

KEPT_PRODUCTS = 300_000
"""Products of all catalogues that a process holds; the least used catalogues go first, about 400 bytes a product."""
SLOW, PATIENCE = 0.2, 20
"""A catalogue that took t seconds to index, more than SLOW, is not indexed again before PATIENCE * t have passed."""


@dataclass(frozen=True, slots=True)
class ShopForms:
    """The currency of bare amounts and the patterns of order ids; `version` of the catalogue, None without a shop."""

    currency: str = "USD"
    patterns: tuple[str, ...] = ()
    version: int | None = None


@dataclass(slots=True)
class _Indexed:
    catalogue: Catalogue
    version: int | None
    fresh_until: float


_indexed: OrderedDict[int, _Indexed] = OrderedDict()
_lock, _building = threading.Lock(), threading.Lock()


def read_shop() -> ShopForms:
    """The shop of the tenant in scope."""
    row = Shop.objects.values_list("currency", "order_patterns", "catalogue_version").first()
    if row is None:
        return ShopForms()
    patterns = tuple(pattern for pattern in row[1] if isinstance(pattern, str)) if isinstance(row[1], list) else ()
    return ShopForms(row[0], patterns, row[2])


def catalogue(tenant_id: int, version: int | None) -> Catalogue:
    """The index of a tenant's products; opens its own scope when it has to read them."""
    with _lock:
        entry = _indexed.get(tenant_id)
        if entry is not None:
            _indexed.move_to_end(tenant_id)
            if version == entry.version or time.monotonic() < entry.fresh_until:
                return entry.catalogue
    with _building:
        return _build(tenant_id, version)


def forget() -> None:
    """Drop all indexes, as a new process would begin."""
    with _lock:
        _indexed.clear()


def _build(tenant_id: int, version: int | None) -> Catalogue:
    with _lock:
        entry = _indexed.get(tenant_id)
        if entry is not None and entry.version == version:  # another thread was faster
            return entry.catalogue
    started = time.monotonic()
    with tenant_scope(tenant_id):
        rows = list(Product.objects.filter(active=True).order_by("pk").values_list("code", "name", "aliases"))
    built = Catalogue(NamedProduct(code, name, _texts(aliases)) for code, name, aliases in rows)
    ended = time.monotonic()
    patience = PATIENCE * (ended - started) if ended - started > SLOW else 0.0
    with _lock:
        _indexed[tenant_id] = _Indexed(built, version, ended + patience)
        _indexed.move_to_end(tenant_id)
        while len(_indexed) > 1 and sum(len(each.catalogue) for each in _indexed.values()) > KEPT_PRODUCTS:
            _indexed.popitem(last=False)
    return built


def _texts(values: object) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str)) if isinstance(values, list) else ()

"""A shop from one JSON value, all of it or nothing."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from commerce.exchange.incoming_care import take_complaints, take_refunds
from commerce.exchange.incoming_catalogue import take_products, take_relations, take_rules
from commerce.exchange.incoming_customers import take_customers
from commerce.exchange.incoming_orders import take_orders
from commerce.exchange.reading import Fields, Report, read_top
from commerce.models import Order, Shop
from commerce.patterns import check_patterns
from commerce.services.catalogue import current_shop, follow_variants
from tenants.services import record_audit

MAX_RETURN_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in.

    Attributes:
        counts: records of each kind that the data held.
        warnings: what was left out or looks strange.
    """

    counts: dict[str, int]
    warnings: list[str]


@transaction.atomic
def import_shop(data: Any, *, actor: str) -> Imported:
    """Takes products, customers, orders and what belongs to them into the tenant in scope.

    A record that is there already is replaced by that of the data; those that the data does not name stay as they are.
    Relations and rules, where the data has any, replace all.

    Args:
        data: of `export_shop`; days may be relative to now (`placed_days_ago`, `expected_in_days` …).
        actor: for the audit trail.

    Raises:
        ImportRefused: with everything that is wrong; then nothing has changed.
    """
    report = Report()
    top = read_top(data, report)
    report.refuse()
    _lock_orders(top)
    shop = current_shop()
    _take_settings(top, shop)
    counts = {
        **take_products(top),
        **take_relations(top),
        **take_rules(top),
        **take_customers(top),
        **take_orders(top, shop.currency),
        **take_complaints(top),
        **take_refunds(top),
    }
    top.close()
    report.refuse()
    follow_variants()
    record_audit(actor=actor, action="shop.imported", detail=dict(counts))
    return Imported(counts, report.all_warnings())


def _lock_orders(top: Fields) -> None:
    """Orders before payment methods, as every service does: so an import and a customer cannot block each other."""
    named = top.values.get("orders")
    orders = Order.objects.select_for_update().filter(code__in=list(named) if isinstance(named, dict) else [])
    list(orders.order_by("pk").values_list("pk"))


def _take_settings(top: Fields, shop: Shop) -> None:
    if top.has("currency"):
        shop.currency = top.currency(shop.currency)
    if top.has("order_patterns"):
        shop.order_patterns = _order_patterns(top)
    if top.has("return_days"):
        shop.return_days = top.whole("return_days", most=MAX_RETURN_DAYS)
    shop.save(update_fields=["currency", "order_patterns", "return_days"])


def _order_patterns(top: Fields) -> list[str]:
    patterns = top.texts("order_patterns")
    for problem in check_patterns(patterns):
        top.error(f"“order_patterns”: {problem}")
    return patterns

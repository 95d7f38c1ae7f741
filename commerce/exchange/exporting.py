"""The shop of the tenant in scope as one JSON value."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from commerce.models import CompatibilityRule, Complaint, Customer, Order, Product, Refund, Relation
from commerce.records import (
    DEFAULT_CURRENCY,
    by_code,
    complaint_record,
    customer_record,
    given,
    order_record,
    product_record,
    refund_record,
    whole_orders,
)
from commerce.services.catalogue import current_shop

BATCH = 500  # orders read at once


def export_shop() -> dict[str, Any]:
    """Everything that `import_shop` takes, with dates written out; what says nothing is left out."""
    shop = current_shop()
    products = Product.objects.order_by("pk").prefetch_related("variants")
    customers = Customer.objects.order_by("pk").prefetch_related("payment_methods", "orders")
    return {
        "products": by_code(map(product_record, products), "product_id"),
        "users": by_code(map(customer_record, customers), "user_id"),
        "orders": by_code(_orders(Order.objects.order_by("pk"), shop.currency), "order_id"),
        **given(
            currency="" if shop.currency == DEFAULT_CURRENCY else shop.currency,
            order_patterns=shop.order_patterns,
            return_days=shop.return_days,
            relations=_relations(),
            rules=list(CompatibilityRule.objects.order_by("pk").values(*RULE)),
            complaints=[
                complaint_record(complaint)
                for complaint in Complaint.objects.order_by("pk").select_related("customer", "order")
            ],
            refunds=[refund_record(refund) for refund in Refund.objects.order_by("pk").select_related("order")],
        ),
    }


RULE = ("category", "specification", "comparison", "with_category", "with_specification")


def _orders(orders: QuerySet[Order], currency: str) -> Iterable[dict[str, Any]]:
    """The records; with their currency wherever it is not the shop's."""
    for order in whole_orders(orders).iterator(chunk_size=BATCH):
        record = order_record(order)
        yield record if order.currency == currency else {**record, "currency": order.currency}


def _relations() -> list[dict[str, Any]]:
    rows = Relation.objects.order_by("pk").values_list("source__code", "target__code", "kind", "weight")
    return [
        {"from": source, "to": target, "kind": kind, **given(weight=None if weight == 1 else weight)}
        for source, target, kind, weight in rows
    ]

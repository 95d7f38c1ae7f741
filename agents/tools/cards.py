"""What the page shows below a reply, drawn from the shop's records in the conversation's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.tools.base import Card
from agents.tools.labels import label, written_day, written_months
from commerce.cards import written
from commerce.graph.comparison import RowKind
from commerce.models import Product
from commerce.money import format_money
from commerce.queries import order_timeline, order_total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commerce.cards import ProductCard
    from commerce.graph import Comparison, ComparisonRow
    from commerce.models import Order, OrderItem
    from commerce.queries import Timeline, TimelineStep

ON_THE_WAY = ("pending", "processed", "delivered")
"""Orders whose state is where the parcel is; others are in a state of their own."""


def products_card(products: Sequence[ProductCard], currency: str, language: str) -> Card:
    """Return a card of products."""
    return Card(
        "products", {"products": [_product(product, currency, language) for product in products], "language": language}
    )


def comparison_card(comparison: Comparison, currency: str, language: str) -> Card:
    """Return a card of products side by side, what differs first."""
    products = [
        {"code": product.code, "name": product.name, "price": _price(product, currency, language)}
        for product in comparison.products
    ]
    rows = [
        {
            "name": _row_name(row, language),
            "values": row_values(row, currency, language),
            "differs": row.differs,
            "better": min(row.best) if len(row.best) == 1 else None,
        }
        for row in comparison.rows
    ]
    return Card("comparison", {"products": products, "rows": rows, "language": language})


def order_card(order: Order, language: str) -> Card:
    """Return a card of an order, which has been read with its items and deliveries, and where it is."""
    timeline = order_timeline(order)
    items = list(order.items.all())
    found = Product.objects.filter(code__in={item.product_code for item in items}).values_list("code", "art")
    art: dict[str, str] = dict(found)
    return Card(
        "order",
        {
            "code": order.code,
            "language": language,
            "status": order.status,
            "status_label": status_label(order, timeline, language),
            "expected": written_day(language, timeline.expected_on),
            "total": format_money(order_total(order), order.currency, language),
            "steps": [_step(step, language) for step in timeline.steps],
            "items": [_item(item, art.get(item.product_code, ""), order.currency, language) for item in items],
        },
    )


def status_label(order: Order, timeline: Timeline, language: str) -> str:
    """Return where an order stands: on its way the state of the parcel, else its own."""
    return label(language, timeline.status if order.status in ON_THE_WAY else order.status)


def row_values(row: ComparisonRow, currency: str, language: str) -> list[str]:
    """Return the values of a row of a comparison, written out."""
    return [
        _value(row.kind, text, amount, currency, language) for text, amount in zip(row.values, row.amounts, strict=True)
    ]


def _product(product: ProductCard, currency: str, language: str) -> dict[str, Any]:
    return {
        "code": product.code,
        "name": product.name,
        "detail": product.summary,
        "price": _price(product, currency, language),
        "rating": None if product.rating is None else str(product.rating),
        "available": product.available,
        "art": product.art,
    }


def _price(product: ProductCard, currency: str, language: str) -> str:
    return "" if product.price is None else format_money(product.price, currency, language)


def _row_name(row: ComparisonRow, language: str) -> str:
    return row.name if row.kind in (RowKind.SPECIFICATION, RowKind.OPTION) else label(language, row.kind.value)


def _value(kind: RowKind, text: str, amount: Any, currency: str, language: str) -> str:
    if amount is None:
        return text
    if kind == RowKind.PRICE:
        return format_money(amount, currency, language)
    if kind == RowKind.WARRANTY:
        return written_months(language, int(amount))
    if kind == RowKind.AVAILABLE:
        return label(language, "yes" if amount else "no")
    return text


def _step(step: TimelineStep, language: str) -> dict[str, str]:
    day = written_day(language, step.at) or (
        label(language, "expected", day=written_day(language, step.day)) if step.day else ""
    )
    state = "done" if step.done else "now" if step.current else "later"
    return {
        "label": label(language, step.status.value),
        "detail": ", ".join(part for part in (day, step.place) if part),
        "state": state,
    }


def _item(item: OrderItem, art: str, currency: str, language: str) -> dict[str, str]:
    return {
        "name": item.name,
        "detail": ", ".join(written(value) for value in item.options.values()),
        "price": format_money(item.price, currency, language),
        "art": art,
    }

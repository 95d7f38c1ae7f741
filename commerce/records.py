"""Rows as JSON records, in the form in which shops are exported and agents read them; amounts are numbers."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, QuerySet

from commerce.models import Complaint, Customer, Delivery, Order, PaymentMethod, Product, Refund, Variant

ADDRESS = ("address1", "address2", "city", "country", "state", "zip")
DEFAULT_CURRENCY = "USD"


def number(amount: Decimal) -> float:
    """An amount as JSON has it."""
    return float(amount)


def given(**values: Any) -> dict[str, Any]:
    """Those that say something: neither None nor an empty text, list or mapping."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}


def address_record(row: Customer | Order) -> dict[str, str]:
    """The address of a customer or an order."""
    return {name: getattr(row, name) for name in ADDRESS}


def item_record(variant: Variant) -> dict[str, Any]:
    """What can be bought."""
    return {
        "item_id": variant.code,
        "options": variant.options,
        "available": variant.available,
        "price": number(variant.price),
    }


def product_record(product: Product) -> dict[str, Any]:
    """A product with its variants, by item id."""
    return {
        "name": product.name,
        "product_id": product.code,
        "variants": {variant.code: item_record(variant) for variant in product.variants.all()},
        **given(
            brand=product.brand,
            category=product.category,
            description=product.description,
            specifications=product.specifications,
            aliases=product.aliases,
            rating=None if product.rating is None else number(product.rating),
            reviews=product.reviews,
            warranty_months=product.warranty_months,
            art=product.art,
            active=None if product.active else False,
        ),
    }


def method_record(method: PaymentMethod) -> dict[str, Any]:
    """A payment method."""
    return {
        "source": method.source,
        "id": method.code,
        **given(
            brand=method.brand,
            last_four=method.last_four,
            balance=None if method.balance is None else number(method.balance),
        ),
    }


def customer_record(customer: Customer) -> dict[str, Any]:
    """A customer with their payment methods, by id, and the codes of their orders, in the shop's order."""
    orders = sorted(customer.orders.all(), key=lambda order: (order.position, order.pk))
    return {
        "user_id": customer.code,
        "name": {"first_name": customer.first_name, "last_name": customer.last_name},
        "address": address_record(customer),
        "email": customer.email,
        "payment_methods": {method.code: method_record(method) for method in customer.payment_methods.all()},
        "orders": [order.code for order in orders],
    }


def order_record(order: Order) -> dict[str, Any]:
    """An order with its items, fulfilments and payment history, and what was asked for since."""
    deliveries = list(order.deliveries.all())
    told = [record for delivery in deliveries if len(record := delivery_record(delivery)) > 2]  # noqa: PLR2004 (the two of a fulfilment)
    return {
        "order_id": order.code,
        "user_id": order.customer.code,
        "address": address_record(order),
        "items": [
            {
                "name": item.name,
                "product_id": item.product_code,
                "item_id": item.variant_code,
                "price": number(item.price),
                "options": item.options,
            }
            for item in order.items.all()
        ],
        "status": order.status,
        "fulfillments": [{"tracking_id": d.tracking_codes, "item_ids": d.items} for d in deliveries],
        "payment_history": [
            {
                "transaction_type": payment.kind,
                "amount": number(payment.amount),
                "payment_method_id": payment.method_code,
                **given(at=_time(payment.at)),
            }
            for payment in order.payments.all()
        ],
        **given(cancel_reason=order.cancel_reason),
        **_return_record(order),
        **_exchange_record(order),
        **given(
            currency="" if order.currency == DEFAULT_CURRENCY else order.currency,
            placed_at=_time(order.placed_at),
            expected_on=order.expected_on and order.expected_on.isoformat(),
            deliveries=told,
        ),
    }


def _return_record(order: Order) -> dict[str, Any]:
    returned = getattr(order, "returned", None)
    if returned is None:
        return {}
    return {"return_items": returned.items, "return_payment_method_id": returned.method_code}


def _exchange_record(order: Order) -> dict[str, Any]:
    exchanged = getattr(order, "exchanged", None)
    if exchanged is None:
        return {}
    return {
        "exchange_items": exchanged.items,
        "exchange_new_items": exchanged.new_items,
        "exchange_payment_method_id": exchanged.method_code,
        "exchange_price_difference": number(exchanged.difference),
    }


def delivery_record(delivery: Delivery) -> dict[str, Any]:
    """A parcel and where it was; `tracking_id` is a text, or a list where there is not exactly one."""
    codes = delivery.tracking_codes
    events = [
        {"at": _time(event.at), "status": event.status, **given(place=event.place, text=event.text)}
        for event in delivery.events.all()
    ]
    return {
        "tracking_id": codes[0] if len(codes) == 1 else codes,
        "items": delivery.items,
        **given(
            carrier=delivery.carrier,
            status=delivery.status,
            expected_on=delivery.expected_on and delivery.expected_on.isoformat(),
            events=events,
        ),
    }


def complaint_record(complaint: Complaint) -> dict[str, Any]:
    """A complaint."""
    return {
        "complaint_id": complaint.code,
        "user_id": complaint.customer.code,
        **given(order_id=complaint.order and complaint.order.code, items=complaint.items),
        "kind": complaint.kind,
        "text": complaint.text,
        "severity": complaint.severity,
        "status": complaint.status,
        "created_at": _time(complaint.created_at),
        **given(wanted=complaint.wanted, resolution=complaint.resolution, resolved_at=_time(complaint.resolved_at)),
    }


def refund_record(refund: Refund) -> dict[str, Any]:
    """A refund that was asked for."""
    return {
        "refund_id": refund.code,
        "order_id": refund.order.code,
        "amount": number(refund.amount),
        "status": refund.status,
        "created_at": _time(refund.created_at),
        **given(reason=refund.reason, payment_method_id=refund.method_code, decided_at=_time(refund.decided_at)),
    }


def whole_orders(orders: QuerySet[Order]) -> QuerySet[Order]:
    """The orders with all that `order_record` reads, in few queries."""
    deliveries = Prefetch("deliveries", Delivery.objects.prefetch_related("events"))
    return orders.select_related("customer", "returned", "exchanged").prefetch_related("items", "payments", deliveries)


def by_code(records: Iterable[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    """The records by the id that stands in them under `name`."""
    return {record[name]: record for record in records}


def _time(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat() if moment else None

"""Orders that come in, with items, payments, parcels, and what was asked for since."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from commerce.exchange.incoming_customers import read_address
from commerce.exchange.incoming_deliveries import read_deliveries
from commerce.exchange.reading import Fields
from commerce.exchange.rows import add_rows, put_rows
from commerce.models import (
    Customer,
    Delivery,
    DeliveryEvent,
    Exchange,
    Order,
    OrderItem,
    Payment,
    PaymentKind,
    PaymentMethod,
    Return,
    Variant,
)
from commerce.money import ZERO
from commerce.records import ADDRESS

STATUSES = (
    "pending",
    "pending (item modified)",
    "processed",
    "delivered",
    "cancelled",
    "return requested",
    "exchange requested",
)
ORDER = ("customer", "status", "currency", "cancel_reason", "placed_at", "expected_on", "position", *ADDRESS)
PARTS = (OrderItem, Payment, Delivery, Return, Exchange)


@dataclass(slots=True)
class Rows:
    """The rows of all orders that were read."""

    orders: list[Order] = field(default_factory=list)
    items: list[OrderItem] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    events: list[DeliveryEvent] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """What orders refer to."""

    customers: Mapping[str, Customer]
    methods: frozenset[tuple[int, str]]
    variants: Mapping[str, Variant]
    currency: str


def take_orders(top: Fields, currency: str) -> dict[str, int]:
    """Orders with all their parts, which replace those they had; returns how many there are of each.

    Args:
        top: the whole data.
        currency: of orders that name none.
    """
    known = Known(
        customers={customer.code: customer for customer in Customer.objects.all()},
        methods=frozenset(PaymentMethod.objects.values_list("customer_id", "code")),
        variants={variant.code: variant for variant in Variant.objects.select_related("product")},
        currency=currency,
    )
    rows = Rows()
    for code, fields in top.named("orders", "order", "order_id"):
        _read_order(code, fields, known, rows)
        fields.close()
    _place(top, rows.orders)
    top.report.refuse()
    _write(rows)
    return {"orders": len(rows.orders), "items": len(rows.items), "deliveries": len(rows.deliveries)}


def _read_order(code: str, fields: Fields, known: Known, rows: Rows) -> None:
    user = fields.code("user_id")
    customer = known.customers.get(user)
    if user and customer is None:
        fields.error(f"there is no customer {user}")
    order = Order(
        code=code,
        customer=customer,
        status=fields.choice("status", STATUSES, "pending"),
        currency=fields.currency(known.currency),
        cancel_reason=fields.text("cancel_reason", limit=100),
        placed_at=fields.moment("placed_at", "placed_days_ago"),
        expected_on=fields.day("expected_on", "expected_in_days"),
        **read_address(fields.part("address")),
    )
    rows.orders.append(order)
    items = [_read_item(order, place, own, known) for place, own in enumerate(fields.parts("items", "item", "item_id"))]
    rows.items += items
    rows.payments += _read_payments(order, fields, known)
    read_deliveries(order, fields, items, rows.deliveries, rows.events)
    _read_return(order, fields, items, rows)
    _read_exchange(order, fields, items, rows)


def _read_item(order: Order, position: int, fields: Fields, known: Known) -> OrderItem:
    """A piece as it was sold; what the order does not say of it is taken from the catalogue."""
    code = fields.code("item_id")
    variant = known.variants.get(code)
    alone = fields.has("name") and fields.has("price")
    if variant is None and code and alone:
        fields.warn("is in no product any more; it is kept as it was sold")
    elif variant is None and code:
        fields.error("is in no product")
    product_code = fields.code("product_id", required=False)
    if variant is not None and product_code and product_code != variant.product.code:
        fields.warn(f"is of product {variant.product.code}, and not of {product_code}")
    item = OrderItem(
        order=order,
        position=position,
        variant_code=code,
        product_code=product_code or (variant.product.code if variant else ""),
        name=fields.text("name", limit=200) or (variant.product.name if variant else ""),
        price=variant.price
        if variant is not None and not fields.has("price")
        else fields.money("price", required=False),
        options=fields.mapping("options") if fields.has("options") or variant is None else variant.options,
    )
    fields.close()
    return item


def _read_payments(order: Order, fields: Fields, known: Known) -> list[Payment]:
    payments = []
    for position, entry in enumerate(fields.parts("payment_history", "payment")):
        method = entry.code("payment_method_id")
        if method and order.customer_id and (order.customer_id, method) not in known.methods:
            entry.warn(f"the customer has no payment method {method}")
        payments.append(
            Payment(
                order=order,
                position=position,
                kind=entry.choice("transaction_type", PaymentKind.values, ""),
                amount=entry.money("amount"),
                method_code=method,
                at=entry.moment("at", "days_ago"),
            )
        )
        entry.close()
    return payments


def _read_return(order: Order, fields: Fields, items: list[OrderItem], rows: Rows) -> None:
    codes, method = fields.texts("return_items"), fields.code("return_payment_method_id", required=False)
    if not codes and not method:
        return
    prices = defaultdict(list)
    for item in items:
        prices[item.variant_code].append(item.price)
    amount = ZERO
    for code in codes:
        if not prices[code]:
            fields.error(f"“return_items” names item {code}, which is not in the order that often")
        else:
            amount += prices[code].pop(0)
    rows.returns.append(Return(order=order, items=sorted(codes), method_code=method, amount=amount))


def _read_exchange(order: Order, fields: Fields, items: list[OrderItem], rows: Rows) -> None:
    codes, new_codes = fields.texts("exchange_items"), fields.texts("exchange_new_items")
    method = fields.code("exchange_payment_method_id", required=False)
    difference = fields.money("exchange_price_difference", required=False, signed=True)
    if not codes and not method:
        return
    missing = Counter(codes) - Counter(item.variant_code for item in items)
    if missing or len(codes) != len(new_codes):
        fields.error("“exchange_items” must be items of the order, each with one of “exchange_new_items”")
    rows.exchanges.append(
        Exchange(
            order=order, items=sorted(codes), new_items=sorted(new_codes), method_code=method, difference=difference
        )
    )


def _place(top: Fields, orders: list[Order]) -> None:
    """Gives orders the places that they have in their customers' lists; others keep theirs, or follow."""
    there = {
        code: (user, place) for code, user, place in Order.objects.values_list("code", "customer__code", "position")
    }
    owners = {code: user for code, (user, _) in there.items()}
    owners |= {order.code: order.customer.code for order in orders if order.customer_id}
    listed: dict[str, int] = {}
    ends: Counter[str] = Counter()
    for user, codes in _lists(top).items():
        for place, code in enumerate(codes):
            if owners.get(code) != user:
                wrong = f"order {code} is of {owners[code]}" if code in owners else f"there is no order {code}"
                top.report.error(f"customer {user}", wrong)
            listed[code] = place
        ends[user] = len(codes)
    for user, place in there.values():
        ends[user] = max(ends[user], place + 1)
    for order in orders:
        if order.code in listed:
            order.position = listed[order.code]
        elif order.code in there:
            order.position = there[order.code][1]
        elif order.customer_id:
            order.position = ends[order.customer.code]
            ends[order.customer.code] += 1


def _lists(top: Fields) -> dict[str, list[str]]:
    """The order numbers that the customers of the data list."""
    users = top.values.get("users") or {}
    return {user: row["orders"] for user, row in users.items() if row.get("orders")}


def _write(rows: Rows) -> None:
    for order in rows.orders:
        order.customer_id = order.customer.pk
    put_rows(rows.orders, by=("code",), set_fields=ORDER)
    ids = [order.pk for order in rows.orders]
    for model in PARTS:
        model.objects.filter(order__in=ids).delete()
    for parts in (rows.items, rows.payments, rows.deliveries, rows.returns, rows.exchanges):
        for part in parts:
            part.order_id = part.order.pk
        add_rows(parts)
    for event in rows.events:
        event.delivery_id = event.delivery.pk
    add_rows(rows.events)

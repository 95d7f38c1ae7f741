"""What customers send back of a delivered order: for money, or for other variants."""

import datetime as dt

from django.utils import timezone

from commerce.models import Customer, DeliveryEvent, DeliveryStatus, Exchange, Order, PaymentSource, Return, Shop
from commerce.money import ZERO
from commerce.records import order_record
from commerce.services.changes import Change, run_once
from commerce.services.errors import CommerceError
from commerce.services.finding import lock_order, method_of, require_status
from commerce.services.items import difference_of, lines_of_items, pieces_of, swaps_of
from commerce.services.payments import require_balance
from tenants.services import record_audit

DELIVERED, RETURNING, EXCHANGING = "delivered", "return requested", "exchange requested"


def return_items(  # noqa: PLR0913 (what the change needs, by name)
    *, customer: Customer, order_code: str, item_codes: list[str], method_code: str, actor: str, key: str = ""
) -> Change:
    """Asks to send items of a delivered order back, for money to the first method it was paid with or a gift card.

    The money moves once the goods have arrived; `amount` says how much it is.

    Raises:
        NotFound: no such order, item in it, or method of theirs.
        CommerceError: wrong_status, too_late, wrong_method, no_items.
    """
    return run_once(
        name="return_items",
        customer=customer,
        key=key,
        change=lambda: _return(customer, order_code, item_codes, method_code, actor),
    )


def _return(customer: Customer, order_code: str, item_codes: list[str], method_code: str, actor: str) -> Change:
    order, methods = lock_order(customer, order_code)
    require_status(order, order.status == DELIVERED, "only a delivered order can be returned, and once")
    require_in_time(order)
    method = method_of(methods, method_code)
    first = order.payments.first()
    if method.source != PaymentSource.GIFT_CARD and (first is None or first.method_code != method.code):
        raise CommerceError(
            "wrong_method", "The money can go to the method that the order was paid with, or to a gift card."
        )
    pieces = pieces_of(order, item_codes)
    amount = sum((piece.price for piece in pieces), ZERO)
    order.status = RETURNING
    order.save(update_fields=["status"])
    order.returned = Return.objects.create(
        order=order, items=sorted(item_codes), method_code=method.code, amount=amount
    )
    detail: dict[str, object] = {"items": item_codes, "method": method.code, "amount": str(amount)}
    record_audit(actor=actor, action="order.return_requested", target=order.code, detail=detail)
    return Change(
        name="return_items",
        order=order.code,
        lines=lines_of_items(pieces),
        amount=-amount,
        currency=order.currency,
        method=method,
        result=order_record(order),
    )


def exchange_items(  # noqa: PLR0913 (what the change needs, by name)
    *,
    customer: Customer,
    order_code: str,
    item_codes: list[str],
    new_item_codes: list[str],
    method_code: str,
    actor: str,
    key: str = "",
) -> Change:
    """Asks to swap items of a delivered order for variants of the same products; the same item may be taken again.

    The difference is paid or given back once the goods have arrived; `amount` says how much it is.

    Raises:
        NotFound: no such order, item in it, variant of its product, or method of theirs.
        CommerceError: wrong_status, too_late, no_items, lists_differ, unavailable, balance_too_low.
    """
    return run_once(
        name="exchange_items",
        customer=customer,
        key=key,
        change=lambda: _exchange(customer, order_code, (item_codes, new_item_codes), method_code, actor),
    )


def _exchange(
    customer: Customer, order_code: str, codes: tuple[list[str], list[str]], method_code: str, actor: str
) -> Change:
    order, methods = lock_order(customer, order_code)
    require_status(order, order.status == DELIVERED, "only items of a delivered order can be exchanged, and once")
    require_in_time(order)
    swaps = swaps_of(order, *codes, may_keep=True)
    difference = difference_of(swaps)
    method = method_of(methods, method_code)
    require_balance(method, difference)
    order.status = EXCHANGING
    order.save(update_fields=["status"])
    order.exchanged = Exchange.objects.create(
        order=order,
        items=sorted(codes[0]),
        new_items=sorted(codes[1]),
        method_code=method.code,
        difference=difference,
    )
    detail: dict[str, object] = {"items": codes[0], "new_items": codes[1], "difference": str(difference)}
    record_audit(actor=actor, action="order.exchange_requested", target=order.code, detail=detail)
    return Change(
        name="exchange_items",
        order=order.code,
        lines=tuple(swap.line() for swap in swaps),
        amount=difference,
        currency=order.currency,
        method=method,
        result=order_record(order),
    )


def delivered_at(order: Order) -> dt.datetime | None:
    """When the last parcel of the order arrived, if that is known."""
    events = DeliveryEvent.objects.filter(delivery__order=order, status=DeliveryStatus.DELIVERED)
    latest: dt.datetime | None = events.order_by("-at").values_list("at", flat=True).first()
    return latest


def return_until(order: Order) -> dt.date | None:
    """The last day on which goods of the order may be sent back, where the shop has a limit and the day is known."""
    days = Shop.objects.values_list("return_days", flat=True).first()
    arrived = delivered_at(order)
    return None if days is None or arrived is None else timezone.localdate(arrived) + dt.timedelta(days=days)


def require_in_time(order: Order) -> None:
    """Raises "too_late" once the shop's days for sending goods back are over."""
    until = return_until(order)
    if until is not None and timezone.localdate() > until:
        raise CommerceError("too_late", f"Goods of order {order.code} could be sent back until {until.isoformat()}.")

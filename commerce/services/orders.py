"""Changes to an order that has not been sent: cancelled, sent elsewhere, or with other items."""

from collections import defaultdict
from decimal import Decimal
from typing import Unpack

from commerce.models import Customer, Order, Payment, PaymentKind
from commerce.money import ZERO
from commerce.records import address_record, order_record
from commerce.services.addresses import AddressFields, checked_address
from commerce.services.changes import Change, money_moved, run_once
from commerce.services.errors import CommerceError
from commerce.services.finding import lock_order, method_of, require_status
from commerce.services.items import Swap, difference_of, lines_of, swaps_of
from commerce.services.payments import add_payment, balances_of, require_balance
from tenants.services import record_audit

CANCEL_REASONS = ("no longer needed", "ordered by mistake")
PENDING, MODIFIED, CANCELLED = "pending", "pending (item modified)", "cancelled"


def cancel_order(*, customer: Customer, order_code: str, reason: str, actor: str, key: str = "") -> Change:
    """Cancels a pending order; each payment goes back to the method it was made with, to a gift card at once.

    Raises:
        NotFound: no such order of theirs.
        CommerceError: wrong_status, wrong_reason.
    """
    return run_once(
        name="cancel_order", customer=customer, key=key, change=lambda: _cancel(customer, order_code, reason, actor)
    )


def _cancel(customer: Customer, order_code: str, reason: str, actor: str) -> Change:
    order, methods = lock_order(customer, order_code)
    require_status(order, order.status == PENDING, "only a pending order can be cancelled")
    if reason not in CANCEL_REASONS:
        raise CommerceError("wrong_reason", f"The reason must be one of: {', '.join(CANCEL_REASONS)}.")
    entries = tuple(
        add_payment(order, PaymentKind.REFUND, amount, payment.method_code, methods)
        for payment, amount in _owed(list(order.payments.all()))
    )
    order.status, order.cancel_reason = CANCELLED, reason
    order.save(update_fields=["status", "cancel_reason"])
    record_audit(actor=actor, action="order.cancelled", target=order.code, detail={"reason": reason})
    codes = {entry.method for entry in entries}
    return Change(
        name="cancel_order",
        order=order.code,
        lines=lines_of(order),
        amount=money_moved(entries),
        currency=order.currency,
        method=methods.get(codes.pop()) if len(codes) == 1 else None,
        result=order_record(order),
        entries=entries,
        balances=balances_of(entries, methods),
        detail={"reason": reason},
    )


def _owed(history: list[Payment]) -> list[tuple[Payment, Decimal]]:
    """Each payment with what of it is still to be given back, where that is anything.

    A pending order has one payment as a rule, and all of it goes back. What was given back already, because another
    method was taken or a refund was granted, is not given back a second time.
    """
    left: defaultdict[str, Decimal] = defaultdict(Decimal)  # by method
    for entry in history:
        left[entry.method_code] += entry.amount if entry.kind == PaymentKind.PAYMENT else -entry.amount
    total = sum(left.values(), ZERO)
    owed = []
    for payment in history:
        amount = min(payment.amount, left[payment.method_code], total)
        if payment.kind == PaymentKind.PAYMENT and amount > 0:
            owed.append((payment, amount))
            left[payment.method_code] -= amount
            total -= amount
    return owed


def change_order_address(
    *, customer: Customer, order_code: str, actor: str, key: str = "", **address: Unpack[AddressFields]
) -> Change:
    """Sends a pending order to another address; parts that are not named are empty.

    Raises:
        NotFound: no such order of theirs.
        CommerceError: wrong_status, bad_address.
    """
    return run_once(
        name="change_order_address",
        customer=customer,
        key=key,
        change=lambda: _change_address(customer, order_code, address, actor),
    )


def _change_address(customer: Customer, order_code: str, address: AddressFields, actor: str) -> Change:
    order, _ = lock_order(customer, order_code)
    require_status(order, order.status.startswith(PENDING), "only a pending order can be sent elsewhere")
    before = address_record(order)
    for name, value in checked_address(address).items():
        setattr(order, name, value)
    order.save(update_fields=list(before))
    record_audit(actor=actor, action="order.address_changed", target=order.code)
    return Change(
        name="change_order_address",
        order=order.code,
        lines=lines_of(order),
        amount=ZERO,
        currency=order.currency,
        method=None,
        result=order_record(order),
        detail={"address": address_record(order), "before": before},
    )


def change_order_items(  # noqa: PLR0913 (what the change needs, by name)
    *,
    customer: Customer,
    order_code: str,
    item_codes: list[str],
    new_item_codes: list[str],
    method_code: str,
    actor: str,
    key: str = "",
) -> Change:
    """Takes other variants of the same products in a pending order, once; the difference is paid or given back.

    Raises:
        NotFound: no such order, item in it, variant of its product, or method of theirs.
        CommerceError: wrong_status, no_items, lists_differ, same_item, unavailable, balance_too_low.
    """
    return run_once(
        name="change_order_items",
        customer=customer,
        key=key,
        change=lambda: _change_items(customer, order_code, (item_codes, new_item_codes), method_code, actor),
    )


def _change_items(
    customer: Customer, order_code: str, codes: tuple[list[str], list[str]], method_code: str, actor: str
) -> Change:
    order, methods = lock_order(customer, order_code)
    require_status(order, order.status == PENDING, "only the items of a pending order can be changed, and once")
    swaps = swaps_of(order, *codes, may_keep=False)
    method, difference = method_of(methods, method_code), difference_of(swaps)
    require_balance(method, difference)
    kind = PaymentKind.PAYMENT if difference > 0 else PaymentKind.REFUND
    entry = add_payment(order, kind, abs(difference), method.code, methods)
    lines = tuple(swap.line() for swap in swaps)
    _take_new_items(order, swaps)
    detail: dict[str, object] = {"items": codes[0], "new_items": codes[1], "difference": str(difference)}
    record_audit(actor=actor, action="order.items_changed", target=order.code, detail=detail)
    return Change(
        name="change_order_items",
        order=order.code,
        lines=lines,
        amount=difference,
        currency=order.currency,
        method=method,
        result=order_record(order),
        entries=(entry,),
        balances=balances_of([entry], methods),
    )


def _take_new_items(order: Order, swaps: list[Swap]) -> None:
    for swap in swaps:
        swap.item.variant_code, swap.item.price = swap.variant.code, swap.variant.price
        swap.item.options = swap.variant.options
        swap.item.save(update_fields=["variant_code", "price", "options"])
    order.status = MODIFIED
    order.save(update_fields=["status"])

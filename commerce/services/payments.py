"""Money of an order: its payment history, and gift cards, charged and credited to the cent."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils import timezone

from commerce.models import Customer, Order, Payment, PaymentKind, PaymentMethod, PaymentSource
from commerce.money import ZERO
from commerce.records import order_record
from commerce.services.changes import Change, Entry, run_once
from commerce.services.errors import CommerceError
from commerce.services.finding import lock_order, method_of, require_status
from tenants.services import record_audit


def change_order_payment(*, customer: Customer, order_code: str, method_code: str, actor: str, key: str = "") -> Change:
    """Pays a pending order with another of the customer's methods; the first gets back what it paid.

    Raises:
        NotFound: no such order or method of theirs.
        CommerceError: wrong_status, several_payments, same_method, balance_too_low.
    """
    return run_once(
        name="change_order_payment",
        customer=customer,
        key=key,
        change=lambda: _change_payment(customer, order_code, method_code, actor),
    )


def _change_payment(customer: Customer, order_code: str, method_code: str, actor: str) -> Change:
    order, methods = lock_order(customer, order_code)
    require_status(order, order.status.startswith("pending"), "only a pending order's payment can be changed")
    method = method_of(methods, method_code)
    history = list(order.payments.all())
    if len(history) != 1 or history[0].kind != PaymentKind.PAYMENT:
        raise CommerceError(
            "several_payments", f"Order {order.code} has not exactly one payment, so it stays as it is."
        )
    [paid] = history
    if paid.method_code == method.code:
        raise CommerceError("same_method", f"Order {order.code} is paid with {method.code} already.")
    require_balance(method, paid.amount)
    entries = (
        add_payment(order, PaymentKind.PAYMENT, paid.amount, method.code, methods),
        add_payment(order, PaymentKind.REFUND, paid.amount, paid.method_code, methods),
    )
    record_audit(actor=actor, action="order.payment_changed", target=order.code, detail={"method": method.code})
    return Change(
        name="change_order_payment",
        order=order.code,
        lines=(),
        amount=ZERO,
        currency=order.currency,
        method=method,
        result=order_record(order),
        entries=entries,
        balances=balances_of(entries, methods),
    )


def add_payment(
    order: Order, kind: PaymentKind, amount: Decimal, method_code: str, methods: dict[str, PaymentMethod]
) -> Entry:
    """Adds to the payment history, and charges or credits the gift card it names, at once.

    A shop whose orders have no dates has none in the payment history either.
    """
    Payment.objects.create(
        order=order,
        position=order.payments.count(),
        kind=kind,
        amount=amount,
        method_code=method_code,
        at=timezone.now() if order.placed_at else None,
    )
    method = methods.get(method_code)
    if method is not None and method.source == PaymentSource.GIFT_CARD:
        method.balance = (method.balance or ZERO) + (amount if kind == PaymentKind.REFUND else -amount)
        method.save(update_fields=["balance"])
    return Entry(kind=str(kind), amount=amount, method=method_code, label=str(method) if method else method_code)


def require_balance(method: PaymentMethod, amount: Decimal) -> None:
    """Raises "balance_too_low" where a gift card has less than the amount."""
    balance = method.balance or ZERO
    if method.source == PaymentSource.GIFT_CARD and balance < amount:
        raise CommerceError(
            "balance_too_low", f"Gift card {method.code} has {balance:.2f}, which is less than {amount:.2f}."
        )


def balances_of(entries: Sequence[Entry], methods: dict[str, PaymentMethod]) -> dict[str, Decimal]:
    """What the gift cards of these entries have now."""
    named = (methods[entry.method] for entry in entries if entry.method in methods)
    return {method.code: method.balance or ZERO for method in named if method.source == PaymentSource.GIFT_CARD}

"""Money that a customer asks back outside of a return."""

from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from commerce.models import Customer, Order, PaymentKind, PaymentMethod, PaymentSource, Refund
from commerce.models.care import RefundStatus
from commerce.money import ZERO, has_cents_only
from commerce.records import refund_record
from commerce.services.changes import Change, Entry, run_once
from commerce.services.errors import CommerceError, NotFound
from commerce.services.finding import lock_order, method_of
from commerce.services.numbering import next_code
from commerce.services.payments import add_payment, balances_of
from tenants.services import record_audit

MAX_REASON = 300  # characters
OPEN = (RefundStatus.REQUESTED, RefundStatus.APPROVED)
#: What may become of a refund.
NEXT = {
    RefundStatus.REQUESTED: (RefundStatus.APPROVED, RefundStatus.REFUSED),
    RefundStatus.APPROVED: (RefundStatus.PAID, RefundStatus.REFUSED),
}


def request_refund(  # noqa: PLR0913 (what a refund holds, by name)
    *,
    customer: Customer,
    order_code: str,
    amount: Decimal,
    reason: str,
    actor: str,
    currency: str = "",
    method_code: str = "",
    key: str = "",
) -> Change:
    """Asks for money back; a person decides (`decide_refund`). `detail["code"]` is its number.

    Args:
        customer: who asks.
        order_code: one of their orders.
        amount: above zero, in whole cents, at most `refundable(order)`.
        reason: in their words, cut to 300 characters.
        actor: for the audit trail.
        currency: of the amount, where it was named.
        method_code: where the money is to go: the method that paid, or a gift card; empty: the method that paid.
        key: see `run_once`.

    Raises:
        NotFound: no such order or method of theirs.
        CommerceError: wrong_amount, wrong_currency, wrong_method.
    """

    def change() -> Change:
        order, methods = lock_order(customer, order_code)
        if currency and currency.upper() != order.currency:
            raise CommerceError("wrong_currency", f"Order {order.code} was paid in {order.currency}.")
        refund = Refund(order=order, amount=_checked(order, amount), reason=reason.replace("\0", "")[:MAX_REASON])
        refund.method_code = _method_code(order, methods, method_code)
        refund.code, refund.created_at = next_code(Refund, "RFD"), timezone.now()
        refund.save()
        detail: dict[str, object] = {"order": order.code, "amount": str(refund.amount)}
        record_audit(actor=actor, action="refund.requested", target=refund.code, detail=detail)
        return _change("request_refund", refund, methods)

    return run_once(name="request_refund", customer=customer, key=key, change=change)


def refundable(order: Order) -> Decimal:
    """What of the order's payments has not been given back, is not on its way back, and nobody has asked for yet."""
    asked = order.refunds.filter(status__in=OPEN).aggregate(total=Sum("amount"))["total"] or ZERO
    returned = order.returned.amount if hasattr(order, "returned") else ZERO
    cheaper = min(order.exchanged.difference, ZERO) if hasattr(order, "exchanged") else ZERO
    return max(_kept(order) - asked - returned + cheaper, ZERO)


def _kept(order: Order) -> Decimal:
    """What was paid less what has been given back."""
    sums = dict(order.payments.order_by().values_list("kind").annotate(total=Sum("amount")))
    kept: Decimal = sums.get(PaymentKind.PAYMENT, ZERO) - sums.get(PaymentKind.REFUND, ZERO)
    return kept


def _checked(order: Order, amount: Decimal) -> Decimal:
    if not has_cents_only(amount) or amount <= 0:
        raise CommerceError("wrong_amount", "The amount must be above zero and in whole cents.")
    most = refundable(order)
    if amount > most:
        raise CommerceError(
            "wrong_amount", f"At most {most:.2f} {order.currency} of order {order.code} can be given back."
        )
    return amount


def _method_code(order: Order, methods: dict[str, PaymentMethod], wanted: str) -> str:
    paid = order.payments.filter(kind=PaymentKind.PAYMENT).first()
    original: str = paid.method_code if paid else ""
    if wanted and wanted != original and method_of(methods, wanted).source != PaymentSource.GIFT_CARD:
        raise CommerceError("wrong_method", "The money can go to the method that paid, or to a gift card.")
    return wanted or original


def decide_refund(*, refund: Refund, decision: RefundStatus, actor: str, key: str = "") -> Change:
    """Approves, refuses or pays a refund. Paying adds to the order's payment history and credits a gift card at once.

    Raises:
        CommerceError: wrong_status when the refund is past that; wrong_amount when the order no longer has as much.
    """
    customer = refund.order.customer

    def change() -> Change:
        order, methods = lock_order(customer, refund.order.code)
        row: Refund = Refund.objects.select_for_update().get(pk=refund.pk)
        row.order = order
        if decision not in NEXT.get(RefundStatus(row.status), ()):
            raise CommerceError("wrong_status", f"Refund {row.code} is {row.status}: it cannot become {decision}.")
        if decision != RefundStatus.REFUSED and row.amount > _kept(order):
            raise CommerceError("wrong_amount", f"Only {_kept(order):.2f} of order {order.code} is left to give back.")
        entries: tuple[Entry, ...] = ()
        if decision == RefundStatus.PAID:
            entries = (add_payment(order, PaymentKind.REFUND, row.amount, row.method_code, methods),)
        row.status, row.decided_at = decision, timezone.now()
        row.save(update_fields=["status", "decided_at"])
        record_audit(actor=actor, action=f"refund.{decision}", target=row.code, detail={"amount": str(row.amount)})
        return _change("decide_refund", row, methods, entries)

    return run_once(name="decide_refund", customer=customer, key=key, change=change)


def _change(name: str, refund: Refund, methods: dict[str, PaymentMethod], entries: tuple[Entry, ...] = ()) -> Change:
    return Change(
        name=name,
        order=refund.order.code,
        lines=(),
        amount=-refund.amount,
        currency=refund.order.currency,
        method=methods.get(refund.method_code),
        result=refund_record(refund),
        entries=entries,
        balances=balances_of(entries, methods),
        detail={"code": refund.code, "reason": refund.reason, "status": str(refund.status)},
    )


def find_refund(customer: Customer, code: str) -> Refund:
    """The customer's refund of this number, in whatever case; raises NotFound."""
    mine = Refund.objects.select_related("order").filter(order__customer=customer)
    found: Refund | None = mine.filter(code__iexact=code.replace("\0", "").strip()).first()
    if found is None:
        raise NotFound(f"Refund {code[:80]} was not found.")
    return found

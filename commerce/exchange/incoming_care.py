"""Complaints and refunds that come in."""

import datetime as dt

from commerce.exchange.reading import Fields
from commerce.exchange.rows import put_rows
from commerce.models import Complaint, Customer, Order, Refund
from commerce.models.care import ComplaintKind, ComplaintStatus, RefundStatus, Severity, Wanted

COMPLAINT = (
    "customer",
    "order",
    "items",
    "kind",
    "text",
    "severity",
    "wanted",
    "status",
    "resolution",
    "created_at",
    "resolved_at",
)
REFUND = ("order", "amount", "reason", "method_code", "status", "created_at", "decided_at")


def take_complaints(top: Fields) -> dict[str, int]:
    """Complaints; returns how many."""
    if not top.has("complaints"):
        return {}
    orders, customers = _orders(), dict(Customer.objects.values_list("code", "pk"))
    rows: dict[str, Complaint] = {}
    for fields in top.parts("complaints", "complaint", "complaint_id"):
        code, user, order_code = (
            fields.code("complaint_id"),
            fields.code("user_id"),
            fields.code("order_id", required=False),
        )
        order = orders.get(order_code)
        if user and user not in customers:
            fields.error(f"there is no customer {user}")
        if order_code and (order is None or order.customer_id != customers.get(user)):
            fields.error(f"customer {user} has no order {order_code}")
        rows[code] = Complaint(
            code=code,
            customer_id=customers.get(user, 0),
            order=order,
            items=fields.texts("items"),
            kind=fields.choice("kind", ComplaintKind.values, ComplaintKind.OTHER),
            text=fields.text("text", required=True),
            severity=fields.choice("severity", Severity.values, Severity.MEDIUM),
            wanted=fields.choice("wanted", ["", *Wanted.values], ""),
            status=fields.choice("status", ComplaintStatus.values, ComplaintStatus.OPEN),
            resolution=fields.text("resolution"),
            created_at=_created_at(fields),
            resolved_at=fields.moment("resolved_at", "resolved_days_ago"),
        )
        fields.close()
    top.report.refuse()
    put_rows(list(rows.values()), by=("code",), set_fields=COMPLAINT)
    return {"complaints": len(rows)}


def take_refunds(top: Fields) -> dict[str, int]:
    """Refunds; returns how many."""
    if not top.has("refunds"):
        return {}
    orders = _orders()
    rows: dict[str, Refund] = {}
    for fields in top.parts("refunds", "refund", "refund_id"):
        code, order_code, amount = fields.code("refund_id"), fields.code("order_id"), fields.money("amount")
        if order_code and order_code not in orders:
            fields.error(f"there is no order {order_code}")
        if not amount:
            fields.error("“amount” must be above zero")
        rows[code] = Refund(
            code=code,
            order=orders.get(order_code),
            amount=amount,
            reason=fields.text("reason", limit=300),
            method_code=fields.code("payment_method_id", required=False),
            status=fields.choice("status", RefundStatus.values, RefundStatus.REQUESTED),
            created_at=_created_at(fields),
            decided_at=fields.moment("decided_at", "decided_days_ago"),
        )
        fields.close()
    top.report.refuse()
    put_rows(list(rows.values()), by=("code",), set_fields=REFUND)
    return {"refunds": len(rows)}


def _orders() -> dict[str, Order]:
    return {order.code: order for order in Order.objects.only("code", "customer_id", "tenant_id")}


def _created_at(fields: Fields) -> dt.datetime:
    return fields.moment("created_at", "created_days_ago") or fields.report.now

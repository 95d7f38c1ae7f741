"""Complaints, and money that is to go back."""

from decimal import Decimal
from typing import Any, Literal

from agents.models import ToolKind
from agents.tools.base import ToolContext, ToolError
from agents.tools.registry import tool
from agents.tools.retail.ownership import own_order
from commerce.models import Complaint, Customer, Order, Refund
from commerce.records import complaint_record, order_record, refund_record
from commerce.services import care, refunds
from commerce.services.changes import Change

LISTED = 10
"""Complaints or refunds in a list, the newest ones."""


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def file_complaint(  # noqa: PLR0913, PLR0917 (what a complaint holds)
    context: ToolContext,
    kind: Literal["late", "damaged", "defective", "wrong_item", "missing", "service", "other"],
    text: str,
    order_id: str | None = None,
    items: list[str] | None = None,
    wanted: Literal["replacement", "refund", "advice"] | None = None,
) -> Change:
    """File a complaint of the customer, about an order or about anything else. They get a number for it.

    Args:
        kind: What is wrong.
        text: What happened, in the customer's words.
        order_id: The order it is about, if it is about one.
        items: Item ids or names of the pieces of that order it is about, if not about all of it.
        wanted: What the customer would like, if they said so.
    """
    customer = context.known_customer()
    order = own_order(context, order_id) if order_id else None
    return care.file_complaint(
        customer=customer,
        text=text,
        actor=context.actor,
        order=order,
        item_codes=_item_codes(order, items or []),
        kind=kind,
        wanted=wanted or "",
        key=context.key,
    )


@tool(needs_customer=True)
def get_complaint_status(context: ToolContext, complaint_id: str | None = None) -> dict[str, Any]:
    """Get the state of a complaint of the customer, or of all their complaints.

    Args:
        complaint_id: The number of the complaint, such as 'CMP-1001'; leave it out for all.
    """
    customer = context.known_customer()
    if complaint_id:
        return complaint_record(care.find_complaint(customer, complaint_id))
    found = Complaint.objects.filter(customer=customer).select_related("customer", "order")[:LISTED]
    return {"complaints": [complaint_record(complaint) for complaint in found]}


@tool(needs_customer=True)
def get_refund_status(
    context: ToolContext, order_id: str | None = None, refund_id: str | None = None
) -> dict[str, Any]:
    """Get the state of money that goes back to the customer: of one refund, of an order, or of all refunds.

    Args:
        order_id: The order the money is for, such as 'ORD-1002' or '#W0000000'.
        refund_id: The number of the refund, such as 'RFD-1001'.
    """
    customer = context.known_customer()
    if refund_id:
        return refund_record(refunds.find_refund(customer, refund_id))
    if order_id:
        return _money_back(own_order(context, order_id))
    return {"refunds": [refund_record(refund) for refund in _refunds(customer)[:LISTED]]}


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def request_refund(
    context: ToolContext, order_id: str, amount: Decimal, reason: str, currency: str | None = None
) -> Change:
    """Ask for money back for an order outside of a return, for a person of the shop to decide. For goods that are sent
    back use return_delivered_order_items.

    Args:
        order_id: The order id, such as 'ORD-1002' or '#W0000000'.
        amount: How much, in the order's currency, such as 49.99.
        reason: Why, in the customer's words.
        currency: Three letters such as 'USD', if the customer named a currency.
    """
    order = own_order(context, order_id)
    return refunds.request_refund(
        customer=order.customer,
        order_code=order.code,
        amount=amount,
        reason=reason,
        actor=context.actor,
        currency=currency or "",
        key=context.key,
    )


def _item_codes(order: Order | None, named: list[str]) -> list[str]:
    """Return the item ids of what a customer names by id or by name; a name that repeats means another piece.

    Raises:
        ToolError: there is no order, or no such piece in it.
    """
    if not named:
        return []
    if order is None:
        raise ToolError("Items can only be named together with their order.")
    left = list(order.items.all())
    codes = []
    for text in named:
        wanted = text.strip().casefold()
        piece = next((item for item in left if wanted in (item.variant_code.casefold(), item.name.casefold())), None)
        if piece is None:
            names = "; ".join(f"{item.name} ({item.variant_code})" for item in order.items.all())
            raise ToolError(f"{text[:80]!r} is not in order {order.code}, which has: {names}.", code="not_found")
        left.remove(piece)
        codes.append(piece.variant_code)
    return codes


def _money_back(order: Order) -> dict[str, Any]:
    record = order_record(order)
    asked = Refund.objects.filter(order=order).select_related("order")
    if "return_items" in record:
        record["return_amount"] = float(order.returned.amount)
    return {
        "order_id": order.code,
        "status": order.status,
        "refunds": [refund_record(refund) for refund in asked],
        "paid_back": [entry for entry in record["payment_history"] if entry["transaction_type"] == "refund"],
        **{name: value for name, value in record.items() if name.startswith("return_")},
    }


def _refunds(customer: Customer) -> Any:
    return Refund.objects.filter(order__customer=customer).select_related("order")

"""Whether an order is one that a change can be made to, and what to say early where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from agents.dialogue import goals
from agents.dialogue.saying import plain
from commerce.services.refunds import refundable
from commerce.services.returns import return_until

if TYPE_CHECKING:
    from agents.dialogue.talk import Talk
    from commerce.models import Order

PENDING, MODIFIED, PROCESSED, DELIVERED = "pending", "pending (item modified)", "processed", "delivered"
REASONS: dict[str, dict[str, str]] = {
    goals.CANCEL: {
        MODIFIED: "cannot_modified",
        PROCESSED: "cannot_cancel_shipped",
        DELIVERED: "cannot_cancel_delivered",
    },
    goals.ADDRESS: {PROCESSED: "cannot_address_shipped", DELIVERED: "cannot_change_delivered"},
    goals.PAYMENT: {PROCESSED: "cannot_change_shipped", DELIVERED: "cannot_change_delivered"},
    goals.SWAP: {MODIFIED: "cannot_modified", PROCESSED: "cannot_change_shipped"},
    goals.RETURN: {
        PENDING: "cannot_return_pending",
        MODIFIED: "cannot_return_pending",
        PROCESSED: "cannot_return_shipped",
    },
    goals.REFUND: {PENDING: "cannot_return_pending", MODIFIED: "cannot_return_pending"},
}
AFTERWARDS = {
    "cancelled": "cannot_cancelled",
    "return requested": "cannot_return_again",
    "exchange requested": "cannot_exchange_again",
}


def why_not(kind: str, order: Order) -> str:
    """Return the key of why a change of this kind cannot be made to an order; "" where it can."""
    if kind == goals.COMPLAINT:
        return ""
    if kind == goals.REFUND and order.status not in REASONS[kind]:
        return "" if refundable(order) > 0 else "amount_none"
    found = REASONS[kind].get(order.status) or AFTERWARDS.get(order.status, "")
    if found:
        return found
    if kind == goals.PAYMENT and order.payments.count() != 1:
        return "cannot_several_payments"
    if kind in (goals.RETURN, goals.SWAP) and order.status == DELIVERED and _is_late(order):
        return "cannot_late"
    return ""


def say_why_not(talk: Talk, key: str, order: Order) -> None:
    """Say why not, and what can be done instead."""
    until = return_until(order) if key == "cannot_late" else None
    talk.say(key, code=plain(order.code), date=talk.day(until) if until else "")


def _is_late(order: Order) -> bool:
    until = return_until(order)
    return until is not None and timezone.localdate() > until

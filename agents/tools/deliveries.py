"""The customer's orders and where they are."""

from typing import Any

from agents.tools.base import ToolContext, ToolResult
from agents.tools.cards import order_card
from agents.tools.registry import tool
from agents.tools.retail.ownership import own_order
from commerce.models import Order
from commerce.queries import order_timeline, order_total, orders_of
from commerce.records import delivery_record, given

LISTED = 20
"""Orders in a list, the newest ones."""


@tool(needs_customer=True)
def track_delivery(context: ToolContext, order_id: str) -> ToolResult:
    """Find out where an order of the customer is: how far it has come, when it is expected, who brings it.

    Args:
        order_id: The order id, such as 'ORD-1002' or '#W0000000'.
    """
    order = own_order(context, order_id)
    timeline = order_timeline(order)
    data = {
        "order_id": order.code,
        "order_status": order.status,
        "delivery_status": timeline.status,
        **given(
            expected_on=timeline.expected_on and timeline.expected_on.isoformat(),
            carrier=timeline.carrier,
            tracking_ids=list(timeline.tracking_codes),
        ),
        "steps": [
            {
                "step": step.status.value,
                "done": step.done,
                **given(at=step.at and step.at.isoformat(), place=step.place),
            }
            for step in timeline.steps
        ],
        "deliveries": [delivery_record(delivery) for delivery in order.deliveries.all()],
    }
    return ToolResult(data, (order_card(order, context.language),))


@tool(needs_customer=True)
def list_my_orders(context: ToolContext) -> dict[str, Any]:
    """List the customer's orders, the newest first: ids, states, totals and what was ordered."""
    orders = orders_of(context.known_customer())
    shown = [_summary(order) for order in orders[: LISTED + 1]]
    return {
        "orders": shown[:LISTED],
        **({"note": f"Older orders than these {LISTED}: by id."} if len(shown) > LISTED else {}),
    }


def _summary(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.code,
        "status": order.status,
        "total": float(order_total(order)),
        "currency": order.currency,
        "items": [item.name for item in order.items.all()],
        **given(
            placed_at=order.placed_at and order.placed_at.isoformat(),
            expected_on=order.expected_on and order.expected_on.isoformat(),
        ),
    }

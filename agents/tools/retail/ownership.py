"""What of a shop the customer of a conversation may hear of: their own, and the catalogue."""

from agents.tools.base import ToolContext, ToolError
from commerce.models import Customer, Order
from commerce.records import whole_orders
from commerce.services.errors import NotFound
from commerce.services.finding import find_order, near_orders


def bound_customer(context: ToolContext, user_id: str) -> Customer:
    """Return the bound customer if that is whom the model named.

    Raises:
        ToolError: "not_verified" before a proof; "not_found" for anybody else's id, whether there is one or not.
    """
    customer = context.known_customer()
    if user_id.strip() != customer.code:
        raise ToolError("User not found: this conversation is about the verified customer alone.", code="not_found")
    return customer


def own_order(context: ToolContext, order_id: str) -> Order:
    """Return the customer's order with all that its record needs.

    Raises:
        ToolError: "not_verified"; "not_found" if no order of theirs has the number, naming theirs that are a slip away.
    """
    customer = context.known_customer()
    try:
        order = find_order(customer, order_id)
    except NotFound:
        near = [order.code for order in near_orders(customer, order_id)]
        hint = f" They have {' and '.join(near)}: ask whether that is meant." if near else " Ask for the number again."
        raise ToolError(f"Order not found among the customer's own.{hint}", code="not_found") from None
    whole: Order = whole_orders(Order.objects.all()).get(pk=order.pk)
    return whole

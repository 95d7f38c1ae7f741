"""Changes to a customer's orders and address. Each is proposed first and made once the customer has confirmed it."""

from typing import Literal

from agents.models import ToolKind
from agents.tools.base import ToolContext
from agents.tools.registry import tool
from agents.tools.retail.ownership import bound_customer, own_order
from commerce.services.changes import Change
from commerce.services.customers import change_customer_address
from commerce.services.orders import cancel_order, change_order_address, change_order_items
from commerce.services.payments import change_order_payment
from commerce.services.returns import exchange_items, return_items


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def cancel_pending_order(
    context: ToolContext, order_id: str, reason: Literal["no longer needed", "ordered by mistake"]
) -> Change:
    """Cancel a pending order. If it is processed or delivered, it cannot be cancelled. The payments go back to the
    methods they were made with: to a gift card at once, otherwise in 5 to 7 business days.

    Args:
        order_id: The order id, such as '#W0000000'. Keep the '#' where there is one.
        reason: The customer's reason; no other is accepted.
    """
    order = own_order(context, order_id)
    return cancel_order(
        customer=order.customer, order_code=order.code, reason=reason, actor=context.actor, key=context.key
    )


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def modify_pending_order_address(  # noqa: PLR0913, PLR0917 (the public signature)
    context: ToolContext,
    order_id: str,
    address1: str,
    city: str,
    address2: str = "",
    state: str = "",
    country: str = "",
    zip: str = "",  # noqa: A002 (the public name)
) -> Change:
    """Modify the shipping address of a pending order.

    Args:
        order_id: The order id, such as '#W0000000'. Keep the '#' where there is one.
        address1: The first line of the address, such as '123 Main St'.
        address2: The second line of the address, such as 'Apt 1', or ''.
        city: The city, such as 'San Francisco'.
        state: The state, such as 'CA'.
        country: The country, such as 'USA'.
        zip: The zip code, such as '12345'.
    """
    order = own_order(context, order_id)
    return change_order_address(
        customer=order.customer,
        order_code=order.code,
        actor=context.actor,
        key=context.key,
        address1=address1,
        address2=address2,
        city=city,
        state=state,
        country=country,
        zip=zip,
    )


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def modify_pending_order_items(
    context: ToolContext, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
) -> Change:
    """Modify items in a pending order to new items of the same product type. This can be done once for an order, so
    collect every item that is to be changed first.

    Args:
        order_id: The order id, such as '#W0000000'. Keep the '#' where there is one.
        item_ids: The item ids to be modified, such as ['1008292230']. An id may repeat.
        new_item_ids: The item ids to take their places, in the same order.
        payment_method_id: What pays or receives the price difference, such as 'gift_card_0000000' or
            'credit_card_0000000'; it is among the user's payment methods or the order's payments.
    """
    order = own_order(context, order_id)
    return change_order_items(
        customer=order.customer,
        order_code=order.code,
        item_codes=item_ids,
        new_item_codes=new_item_ids,
        method_code=payment_method_id,
        actor=context.actor,
        key=context.key,
    )


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def modify_pending_order_payment(context: ToolContext, order_id: str, payment_method_id: str) -> Change:
    """Modify the payment method of a pending order to another one of the user's.

    Args:
        order_id: The order id, such as '#W0000000'. Keep the '#' where there is one.
        payment_method_id: The new payment method, such as 'gift_card_0000000' or 'credit_card_0000000'; a gift card
            must cover the whole amount.
    """
    order = own_order(context, order_id)
    return change_order_payment(
        customer=order.customer,
        order_code=order.code,
        method_code=payment_method_id,
        actor=context.actor,
        key=context.key,
    )


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def modify_user_address(  # noqa: PLR0913, PLR0917 (the public signature)
    context: ToolContext,
    user_id: str,
    address1: str,
    city: str,
    address2: str = "",
    state: str = "",
    country: str = "",
    zip: str = "",  # noqa: A002 (the public name)
) -> Change:
    """Modify the default address of a user. Orders that were placed before keep theirs.

    Args:
        user_id: The user id, such as 'sara_doe_496'.
        address1: The first line of the address, such as '123 Main St'.
        address2: The second line of the address, such as 'Apt 1', or ''.
        city: The city, such as 'San Francisco'.
        state: The state, such as 'CA'.
        country: The country, such as 'USA'.
        zip: The zip code, such as '12345'.
    """
    return change_customer_address(
        customer=bound_customer(context, user_id),
        actor=context.actor,
        key=context.key,
        address1=address1,
        address2=address2,
        city=city,
        state=state,
        country=country,
        zip=zip,
    )


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def return_delivered_order_items(
    context: ToolContext, order_id: str, item_ids: list[str], payment_method_id: str
) -> Change:
    """Return some items of a delivered order. The customer gets an email on how to send them back. This can be done
    once for an order.

    Args:
        order_id: The order id, such as '#W0000000'. Keep the '#' where there is one.
        item_ids: The item ids to be returned, such as ['1008292230']. An id may repeat.
        payment_method_id: What receives the refund: the order's original payment method, or a gift card of the user's.
    """
    order = own_order(context, order_id)
    return return_items(
        customer=order.customer,
        order_code=order.code,
        item_codes=item_ids,
        method_code=payment_method_id,
        actor=context.actor,
        key=context.key,
    )


@tool(kind=ToolKind.CHANGE, needs_customer=True)
def exchange_delivered_order_items(
    context: ToolContext, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
) -> Change:
    """Exchange items in a delivered order to new items of the same product type. This can be done once for an order,
    so collect every item that is to be exchanged first.

    Args:
        order_id: The order id, such as '#W0000000'. Keep the '#' where there is one.
        item_ids: The item ids to be exchanged, such as ['1008292230']. An id may repeat.
        new_item_ids: The item ids to take their places, in the same order.
        payment_method_id: What pays or receives the price difference, such as 'gift_card_0000000' or
            'credit_card_0000000'; it is among the user's payment methods or the order's payments.
    """
    order = own_order(context, order_id)
    return exchange_items(
        customer=order.customer,
        order_code=order.code,
        item_codes=item_ids,
        new_item_codes=new_item_ids,
        method_code=payment_method_id,
        actor=context.actor,
        key=context.key,
    )

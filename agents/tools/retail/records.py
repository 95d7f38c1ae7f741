"""Looking things up: the customer, their orders, the catalogue."""

from typing import Any

from agents.tools.base import ToolContext, ToolError, ToolResult
from agents.tools.cards import order_card
from agents.tools.registry import tool
from agents.tools.retail.ownership import bound_customer, own_order
from commerce.models import Product, Variant
from commerce.records import customer_record, item_record, order_record, product_record

MAX_TYPES = 1000
"""Products that a list of all of them names."""


@tool(needs_customer=True)
def get_user_details(context: ToolContext, user_id: str) -> dict[str, Any]:
    """Get the details of the verified user: name, address, email, payment methods and the ids of their orders.

    Args:
        user_id: The user id, such as 'sara_doe_496'.
    """
    return customer_record(bound_customer(context, user_id))


@tool(needs_customer=True)
def get_order_details(context: ToolContext, order_id: str) -> ToolResult:
    """Get the status and details of one of the customer's orders: items, prices, address, payments and deliveries.

    Args:
        order_id: The order id, such as '#W0000000'. Keep the '#' where there is one.
    """
    order = own_order(context, order_id)
    return ToolResult(order_record(order), (order_card(order, context.language),))


@tool()
def get_product_details(_context: ToolContext, product_id: str) -> dict[str, Any]:
    """Get the inventory details of a product: its variants with item ids, options, prices and availability.

    Args:
        product_id: The product id, such as '6086499569'. It is not the same as an item id.
    """
    product = Product.objects.filter(code=product_id.strip(), active=True).prefetch_related("variants").first()
    if product is None:
        raise ToolError("Product not found. Item ids are no product ids.", code="not_found")
    return product_record(product)


@tool()
def get_item_details(_context: ToolContext, item_id: str) -> dict[str, Any]:
    """Get the inventory details of an item, which is one variant of a product: options, price and availability.

    Args:
        item_id: The item id, such as '6086499569'. It is not the same as a product id.
    """
    variant = Variant.objects.filter(code=item_id.strip(), product__active=True).first()
    if variant is None:
        raise ToolError("Item not found. Product ids are no item ids.", code="not_found")
    return item_record(variant)


@tool()
def list_all_product_types(_context: ToolContext) -> dict[str, str]:
    """List the name and product id of all product types. Each has several items with different options."""
    names = Product.objects.filter(active=True).order_by("name", "code").values_list("name", "code")
    return dict(sorted(names[:MAX_TYPES]))

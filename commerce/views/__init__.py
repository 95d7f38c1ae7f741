"""The shop's pages."""

from commerce.views.care import complaint, refund, send_back
from commerce.views.orders import order, orders
from commerce.views.products import compare, product, products

__all__ = ["compare", "complaint", "order", "orders", "product", "products", "refund", "send_back"]

"""What others read of a shop: products by search, customers, orders and where they are."""

from commerce.queries.browsing import SORTS, Facet, ProductPage, Search, search_products
from commerce.queries.catalogue import find_product, shop_of_tenant
from commerce.queries.orders import customer_of, order_total, orders_of
from commerce.queries.timeline import Timeline, TimelineStep, order_timeline

__all__ = [
    "SORTS",
    "Facet",
    "ProductPage",
    "Search",
    "Timeline",
    "TimelineStep",
    "customer_of",
    "find_product",
    "order_timeline",
    "order_total",
    "orders_of",
    "search_products",
    "shop_of_tenant",
]

"""What a shop sells, to whom, and what became of it."""

from commerce.models.care import Complaint, Refund
from commerce.models.catalogue import CompatibilityRule, Product, Relation, RelationKind, Variant
from commerce.models.customers import Customer, PaymentMethod, PaymentSource
from commerce.models.lookup import ProductFact, ProductWord
from commerce.models.operations import Operation
from commerce.models.orders import (
    Delivery,
    DeliveryEvent,
    DeliveryStatus,
    Exchange,
    Order,
    OrderItem,
    Payment,
    PaymentKind,
    Return,
)
from commerce.models.shop import Shop

__all__ = [
    "CompatibilityRule",
    "Complaint",
    "Customer",
    "Delivery",
    "DeliveryEvent",
    "DeliveryStatus",
    "Exchange",
    "Operation",
    "Order",
    "OrderItem",
    "Payment",
    "PaymentKind",
    "PaymentMethod",
    "PaymentSource",
    "Product",
    "ProductFact",
    "ProductWord",
    "Refund",
    "Relation",
    "RelationKind",
    "Return",
    "Shop",
    "Variant",
]

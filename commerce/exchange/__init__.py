"""A whole shop as one JSON value, out and in, and its parts as tables."""

from commerce.exchange.exporting import export_shop
from commerce.exchange.importing import Imported, import_shop
from commerce.exchange.reading import ImportRefused
from commerce.exchange.tables import export_table, import_table
from commerce.records import (
    complaint_record,
    customer_record,
    delivery_record,
    item_record,
    order_record,
    product_record,
    refund_record,
)

__all__ = [
    "ImportRefused",
    "Imported",
    "complaint_record",
    "customer_record",
    "delivery_record",
    "export_shop",
    "export_table",
    "import_shop",
    "import_table",
    "item_record",
    "order_record",
    "product_record",
    "refund_record",
]

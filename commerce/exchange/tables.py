"""Products, customers and orders as tables, for spreadsheets.

A table changes what it names: columns and rows that are left out stay as they are. It comes in as the JSON records that
it changes, so all that `import_shop` checks is checked; faults are told with their rows.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from commerce.exchange.csv_text import Row, cell_of, read_table, write_table
from commerce.exchange.importing import Imported, import_shop
from commerce.exchange.reading import ImportRefused
from commerce.models import Customer, Order, Product
from commerce.records import ADDRESS, customer_record, order_record, product_record, whole_orders

PRODUCT = ("name", "brand", "category", "description", "rating", "reviews", "warranty_months", "art", "active")
ITEM = ("price", "available")
OPTION, SPECIFICATION = "option:", "specification:"
NAMES = ("first_name", "last_name")
ORDER = ("user_id", "status", "currency", "placed_at", "expected_on")
ORDER_ITEM = ("item_id", "product_id", "name", "price", "options")
NUMBERS, TRUTHS = ("price", "rating", "reviews", "warranty_months"), ("active", "available")
YES, NO = ("yes", "true", "1"), ("no", "false", "0")
WHERE = re.compile(r"(product|customer|order) ([^,:]+)(?:, item ([^,:]+))?")
Records = dict[str, dict[str, Any]]


class RowError(ValueError):
    """What is wrong with a row, as a sentence."""


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of table.

    Attributes:
        key: the column with the id of the record, which may have several rows.
        kind: of the records in the JSON form.
        columns: that may come in, with prefixes for those made of names.
        rows: all rows of the tenant in scope.
        known: the records there are of these ids.
        change: makes of a record, or of an empty one, what its rows say.
    """

    key: str
    kind: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[dict[str, Any]]]
    known: Callable[[Iterable[str]], Records]
    change: Callable[[dict[str, Any], list[Row]], dict[str, Any]]


def export_table(name: str) -> str:
    """The table "products", "customers" or "orders" of the tenant in scope as CSV."""
    table = TABLES[name]
    rows = list(table.rows())
    named = {column for row in rows for column in row}
    made = sorted(column for column in named if column.startswith((OPTION, SPECIFICATION)))
    return write_table([c for c in table.columns if not c.endswith(":")] + made, rows)


def import_table(name: str, data: bytes, *, actor: str) -> Imported:
    """Takes a CSV table "products", "customers" or "orders" in, all rows or none.

    Raises:
        ImportRefused: with what is wrong, each with its row.
    """
    table = TABLES[name]
    rows = read_table(data, table.columns, [table.key])
    grouped: dict[str, list[Row]] = {}
    errors = [f"Row {row.number}: “{table.key}” is missing." for row in rows if not row[table.key]]
    for row in rows:
        grouped.setdefault(row[table.key], []).append(row)
    known, records = table.known(grouped), {}
    for code, own in grouped.items():
        try:
            records[code] = table.change({table.key: code, **known.get(code, {})}, own)
        except RowError as error:
            errors.append(str(error))
    if errors:
        raise ImportRefused(errors)
    try:
        return import_shop({table.kind: records}, actor=actor)
    except ImportRefused as refused:
        raise ImportRefused([_with_row(error, grouped) for error in refused.errors]) from refused


def _with_row(error: str, grouped: Mapping[str, list[Row]]) -> str:
    """The fault with the number of the row it is in."""
    found = WHERE.match(error)
    rows = grouped.get(found[2], []) if found else []
    row = next((row for row in rows if found and row["item_id"] == found[3]), rows[0] if rows else None)
    return f"Row {row.number}: {error}" if row else error


def _value(row: Row, column: str, before: Any) -> Any:
    """What a cell says; the value there was where the cell would show just that."""
    cell = row[column]
    if cell == cell_of(before).removeprefix("'"):
        return before
    if not cell:
        return None
    if column in TRUTHS:
        if cell.casefold() not in (*YES, *NO):
            raise RowError(f"Row {row.number}: “{column}” must be yes or no.")
        return cell.casefold() in YES
    if column in NUMBERS:
        try:
            return str(Decimal(cell))
        except InvalidOperation:
            raise RowError(f"Row {row.number}: “{column}” must be a number such as 19.99.") from None
    return cell


def _take(record: dict[str, Any], row: Row, columns: Iterable[str]) -> None:
    """Sets the values of these columns, where the table has them."""
    for column in columns:
        if column in row.cells:
            record[column] = _value(row, column, record.get(column))


def _named(row: Row, prefix: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the columns with this prefix; those there were, where the table has no such columns."""
    if not any(column.startswith(prefix) for column in row.cells):
        return dict(before)
    return {
        name: before[name] if name in before and cell_of(before[name]).removeprefix("'") == cell else cell
        for name, cell in row.prefixed(prefix).items()
    }


def _product_rows() -> Iterator[dict[str, Any]]:
    for product in Product.objects.order_by("pk").prefetch_related("variants"):
        record = product_record(product)
        shared = {
            **{name: record.get(name) for name in PRODUCT},
            "product_id": record["product_id"],
            "active": product.active,
            "aliases": "|".join(product.aliases),
            **{f"{SPECIFICATION}{name}": value for name, value in product.specifications.items()},
        }
        for item in record["variants"].values() or [{}]:
            options = {f"{OPTION}{name}": value for name, value in item.get("options", {}).items()}
            yield shared | {name: item.get(name) for name in ("item_id", *ITEM)} | options


def _known_products(codes: Iterable[str]) -> Records:
    products = Product.objects.filter(code__in=_plain(codes)).prefetch_related("variants")
    return {product.code: product_record(product) for product in products}


def _change_product(record: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    first = rows[0]
    _take(record, first, PRODUCT)
    if "aliases" in first.cells:
        record["aliases"] = [alias.strip() for alias in first["aliases"].split("|") if alias.strip()]
    record["specifications"] = _named(first, SPECIFICATION, record.get("specifications", {}))
    variants = dict(record.get("variants", {}))
    seen: Counter[str] = Counter(row["item_id"] for row in rows)
    for row in rows:
        code = row["item_id"]
        if seen[code] > 1:
            raise RowError(f"Row {row.number}: item {code or '(none)'} of this product has several rows.")
        if code:
            item = {"item_id": code, **variants.get(code, {})}
            _take(item, row, ITEM)
            item["options"] = _named(row, OPTION, item.get("options", {}))
            variants[code] = item
    return record | {"variants": variants}


def _customer_rows() -> Iterator[dict[str, Any]]:
    for customer in Customer.objects.order_by("pk").prefetch_related("payment_methods", "orders"):
        record = customer_record(customer)
        yield {"user_id": customer.code, "email": customer.email, **record["name"], **record["address"]}


def _known_customers(codes: Iterable[str]) -> Records:
    customers = Customer.objects.filter(code__in=_plain(codes)).prefetch_related("payment_methods", "orders")
    return {customer.code: customer_record(customer) for customer in customers}


def _change_customer(record: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    if len(rows) > 1:
        raise RowError(f"Row {rows[1].number}: customer {record['user_id']} has several rows.")
    _take(record, rows[0], ["email"])
    for part, columns in (("name", NAMES), ("address", ADDRESS)):
        record[part] = dict(record.get(part, {}))
        _take(record[part], rows[0], columns)
    return record


def _order_rows() -> Iterator[dict[str, Any]]:
    for order in whole_orders(Order.objects.order_by("pk")).iterator(chunk_size=500):
        record = order_record(order)
        payments = record["payment_history"]
        shared = {
            "order_id": order.code,
            **{name: record.get(name) for name in ORDER},
            "currency": order.currency,
            **record["address"],
            "payment_method_id": payments[0]["payment_method_id"] if payments else None,
        }
        for item in record["items"] or [{}]:
            options = json.dumps(item["options"], ensure_ascii=False) if item else None
            yield shared | item | {"options": options}


def _known_orders(codes: Iterable[str]) -> Records:
    orders = whole_orders(Order.objects.filter(code__in=_plain(codes)))
    return {order.code: order_record(order) | {"currency": order.currency} for order in orders}


def _change_order(record: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    """A new order is paid with its method at once; of one that is there, items and payments stay."""
    first = rows[0]
    known = "payment_history" in record
    _take(record, first, ORDER)
    record["address"] = dict(record.get("address", {}))
    _take(record["address"], first, ADDRESS)
    items = [_order_item(row) for row in rows if row["item_id"]]
    if known:
        before = Counter((item["item_id"], f"{item['price']:.2f}") for item in record["items"])
        if items and Counter((i["item_id"], f"{Decimal(i.get('price') or 0):.2f}") for i in items) != before:
            raise RowError(f"Row {first.number}: items of order {record['order_id']} are changed by services alone.")
        return record
    record["items"] = items
    if first["payment_method_id"] and all(item.get("price") for item in items):
        total = str(sum((Decimal(item["price"]) for item in items), Decimal(0)))
        paid = {"transaction_type": "payment", "amount": total, "payment_method_id": first["payment_method_id"]}
        record["payment_history"] = [paid]
    return record


def _order_item(row: Row) -> dict[str, Any]:
    item: dict[str, Any] = {}
    _take(item, row, ORDER_ITEM)
    try:
        options = json.loads(item.pop("options", None) or "{}")
    except ValueError:
        raise RowError(f'Row {row.number}: “options” must be like {{"colour": "red"}}.') from None
    return item | ({"options": options} if options else {})


def _plain(codes: Iterable[str]) -> list[str]:
    return [code for code in codes if "\0" not in code]


TABLES = {
    "products": Table(
        "product_id",
        "products",
        ("product_id", *PRODUCT, "aliases", "item_id", *ITEM, OPTION, SPECIFICATION),
        _product_rows,
        _known_products,
        _change_product,
    ),
    "customers": Table(
        "user_id", "users", ("user_id", *NAMES, "email", *ADDRESS), _customer_rows, _known_customers, _change_customer
    ),
    "orders": Table(
        "order_id",
        "orders",
        ("order_id", *ORDER, *ADDRESS, *ORDER_ITEM, "payment_method_id"),
        _order_rows,
        _known_orders,
        _change_order,
    ),
}

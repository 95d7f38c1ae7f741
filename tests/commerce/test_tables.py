"""Tables out and in: what they name is changed, all rows or none, and faults are told with their rows."""

import csv
import io
import random

import pytest

from commerce.exchange import ImportRefused, export_shop, export_table, import_shop, import_table
from commerce.models import Customer, Order, Product
from tests.commerce.little_shop import little_shop
from tests.commerce.test_exchange import rich_shop

pytestmark = pytest.mark.django_db
KINDS = ("products", "customers", "orders")


def rows_of(name):
    return list(csv.DictReader(io.StringIO(export_table(name))))


def table(rows, delimiter=","):
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def refused(name, rows):
    before = export_shop()
    with pytest.raises(ImportRefused) as caught:
        import_table(name, rows if isinstance(rows, bytes) else table(rows), actor="test")
    assert export_shop() == before
    return caught.value.errors


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("make", [little_shop, rich_shop])
def test_a_table_that_comes_back_changes_nothing(scope, name, make):
    import_shop(make(), actor="test")
    before, text = export_shop(), export_table(name)
    import_table(name, text.encode(), actor="test")
    assert export_shop() == before
    assert export_table(name) == text


def test_a_row_for_each_item(shop):
    rows = rows_of("orders")
    assert [(row["order_id"], row["item_id"], row["price"]) for row in rows[:3]] == [
        ("#W1", "L-RED", "20.0"),
        ("#W1", "L-RED", "20.0"),
        ("#W1", "D-OAK", "300.0"),
    ]
    assert rows[0]["payment_method_id"] == "card_1"
    assert [row["option:kind"] for row in rows_of("products")] == ["red", "blue", "green", "gold", "oak", "pine"]


def test_products_are_changed_and_added(shop):
    rows = [
        {"product_id": "P-LAMP", "item_id": "L-RED", "price": "21.50", "available": "no"},
        {"product_id": "P-LAMP", "item_id": "L-WHITE", "price": "9", "available": "yes", "option:kind": "white"},
        {"product_id": "P-SOFA", "name": "Sofa", "specification:Seats": "3", "item_id": "S-1", "price": "900.00"},
    ]
    rows[0]["name"] = rows[1]["name"] = "Lamp"
    rows[0]["option:kind"] = "red"
    import_table("products", table(rows, ";"), actor="test")
    lamp = {variant.code: variant for variant in Product.objects.get(code="P-LAMP").variants.all()}
    assert (str(lamp["L-RED"].price), lamp["L-RED"].available) == ("21.50", False)
    assert lamp["L-WHITE"].options == {"kind": "white"}
    assert str(lamp["L-BLUE"].price) == "25.50"
    assert str(Product.objects.get(code="P-LAMP").price) == "9.00"
    assert Product.objects.get(code="P-SOFA").specifications == {"Seats": "3"}


def test_customers_are_changed_and_keep_what_is_not_named(shop):
    import_table("customers", table([{"user_id": "ann_1", "city": "Paris", "address2": ""}]), actor="test")
    now = export_shop()["users"]["ann_1"]
    then = little_shop()["users"]["ann_1"]
    assert now == {**then, "address": {**then["address"], "city": "Paris"}}


def test_orders_are_added_and_moved_on(shop):
    rows = [
        {"order_id": "#W20", "user_id": "ben_2", "status": "pending", "item_id": "L-RED", "price": "20.00"},
        {"order_id": "#W20", "user_id": "ben_2", "status": "pending", "item_id": "L-BLUE", "price": "25.50"},
        {"order_id": "ORD-1003", "user_id": "ann_1", "status": "delivered", "item_id": "D-OAK", "price": "300"},
    ]
    for row in rows:
        row["payment_method_id"] = "card_2"
    import_table("orders", table(rows), actor="test")
    new = Order.objects.get(code="#W20")
    assert [str(payment.amount) for payment in new.payments.all()] == ["45.50"]
    assert [item.name for item in new.items.all()] == ["Lamp", "Lamp"]
    moved = export_shop()["orders"]["ORD-1003"]
    assert moved == little_shop()["orders"]["ORD-1003"] | {"status": "delivered"}


def test_money_of_an_order_is_not_changed_by_a_table(shop):
    row = {"order_id": "ORD-1003", "user_id": "ann_1", "status": "processed", "item_id": "D-OAK", "price": "3"}
    assert "are changed by services alone" in refused("orders", [row])[0]


def test_faults_are_told_with_their_rows(shop):
    product = {"product_id": "P-LAMP", "name": "Lamp", "item_id": "L-RED", "price": "20", "available": "yes"}
    assert refused("products", [product, product | {"item_id": "L-BLUE", "price": "-1"}]) == [
        "Row 3: product P-LAMP, item L-BLUE: “price” is below zero"
    ]
    assert refused("products", [product | {"price": "cheap"}])[0].startswith("Row 2: “price” must be a number")
    assert refused("products", [product | {"available": "perhaps"}]) == ["Row 2: “available” must be yes or no."]
    assert "Row 2: item L-RED of this product has several rows." in refused("products", [product, product])
    assert refused("products", [product, product | {"product_id": ""}])[0] == "Row 3: “product_id” is missing."
    assert "Row 2: product P-LAMP: “name” is missing" in refused("products", [product | {"name": ""}])
    assert "not known" in refused("products", [product | {"colour": "red"}])[0]
    assert "is missing" in refused("products", [{"name": "Lamp"}])[0]
    customer = {"user_id": "ann_1", "email": "x" * 300}
    assert refused("customers", [customer])[0].startswith("Row 2: customer ann_1: “email” is longer")
    assert "several rows" in refused("customers", [customer, customer])[0]
    order = {"order_id": "#W20", "user_id": "zed", "item_id": "L-RED", "options": ""}
    assert refused("orders", [order]) == ["Row 2: order #W20: there is no customer zed"]
    assert "“options” must be like" in refused("orders", [order | {"options": "red"}])[0]


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_table_is_refused(shop, name):
    for data in (b"", b"\xff\xfe\0", b'"open', b"a,a\n", "Größe".encode("cp1252")):
        assert refused(name, data)
    key = {"products": b"product_id", "customers": b"user_id", "orders": b"order_id"}[name]
    assert "more cells" in refused(name, key + b"\nx,y\n")[0]
    random.seed(1)
    for _ in range(30):
        with pytest.raises(ImportRefused):
            import_table(name, key + b"," + random.randbytes(40), actor="test")


def test_formulas_go_out_behind_an_apostrophe_and_come_back_without(shop):
    Customer.objects.filter(code="ann_1").update(first_name="=1+1", last_name="'quoted'")
    [ann] = [row for row in rows_of("customers") if row["user_id"] == "ann_1"]
    assert (ann["first_name"], ann["last_name"]) == ("'=1+1", "'quoted'")
    import_table("customers", table([ann | {"city": "Rome"}]), actor="test")
    assert Customer.objects.filter(first_name="=1+1", last_name="'quoted'", city="Rome").exists()

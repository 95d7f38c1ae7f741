"""A shop comes in and goes out as it was; what is wrong is told with the record it is in, and then nothing comes in."""

import copy
import datetime as dt
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from commerce.exchange import ImportRefused, export_shop, import_shop
from commerce.models import Order, PaymentMethod, Product, Relation, Return, Shop, Variant
from commerce.services.catalogue import find_product, find_variant, follow_variants, product_types
from commerce.services.errors import NotFound
from commerce.services.orders import cancel_order
from commerce.services.returns import exchange_items
from tenants.models import AuditEvent, Tenant
from tests.commerce.little_shop import little_shop, order

pytestmark = pytest.mark.django_db


def rich_shop():
    """The little shop with everything that a record may hold."""
    return merged(little_shop(), json.loads((Path(__file__).parent / "rich_shop.json").read_text("utf-8")))


def merged(record, more):
    """A record with more in it: objects grow, all else is replaced."""
    grown = {
        key: merged(record.get(key, {}), value) if isinstance(value, dict) else value for key, value in more.items()
    }
    return record | grown


def test_a_plain_shop_goes_out_as_it_came_in(shop):
    assert export_shop() == little_shop()
    imported = import_shop(little_shop(), actor="test")
    assert imported.warnings == []
    assert imported.counts == {
        "products": 2,
        "variants": 6,
        "customers": 2,
        "payment_methods": 4,
        "orders": 6,
        "items": 10,
        "deliveries": 2,
    }
    assert export_shop() == little_shop()
    assert AuditEvent.objects.filter(action="shop.imported").count() == 2


def test_a_rich_shop_is_whole_after_every_round(scope):
    shop = rich_shop()
    assert import_shop(shop, actor="test").warnings == []
    first = json.loads(json.dumps(export_shop()))
    assert import_shop(first, actor="test").warnings == []
    assert export_shop() == first
    ours = copy.deepcopy(shop)
    # Orders in the shop's own currency need not say so, and a parcel is a fulfilment, too.
    for record in first["orders"].values():
        assert record.pop("currency", "USD") in ("USD", "EUR")
    for record in ours["orders"].values():
        record.pop("currency", None)
    ours["orders"]["#W2"]["fulfillments"].append({"tracking_id": ["A", "B"], "item_ids": []})
    assert first == ours
    assert Order.objects.get(code="#W1").currency == "USD"
    assert Order.objects.get(code="ORD-1003").currency == "EUR"


def test_an_import_replaces_what_was_changed_meanwhile(ann):
    keys = list(Order.objects.order_by("code").values_list("pk", "code"))
    cancel_order(customer=ann, order_code="#W4", reason="no longer needed", actor="ann")
    exchange_items(
        customer=ann,
        order_code="#W2",
        item_codes=["L-RED"],
        new_item_codes=["L-BLUE"],
        method_code="card_1",
        actor="ann",
    )
    Variant.objects.filter(code="L-RED").update(code="L-PINK")
    PaymentMethod.objects.create(customer=ann, code="card_3", source="credit_card")
    import_shop(little_shop(), actor="test")
    assert export_shop() == little_shop()
    assert list(Order.objects.order_by("code").values_list("pk", "code")) == keys


def test_what_the_data_does_not_name_stays(shop):
    orders = little_shop()["orders"]
    new = order("#W6", "ann_1", "pending", [], [])
    import_shop({"orders": {"#W6": new}}, actor="test")
    found = export_shop()
    assert found["orders"] == orders | {"#W6": new}
    assert found["users"]["ann_1"]["orders"] == ["#W1", "#W2", "ORD-1003", "#W4", "#W5", "#W6"]
    assert found["products"] == little_shop()["products"]


def test_days_are_counted_from_the_import(scope):
    shop = little_shop()
    shop["orders"]["#W1"] |= {"placed_days_ago": 4, "expected_in_days": -3}
    shop["orders"]["#W2"]["deliveries"] = [
        {"tracking_id": "T#W2", "items": [], "events": [{"days_ago": 2.5, "status": "packed"}]}
    ]
    import_shop(shop, actor="test")
    placed = Order.objects.get(code="#W1")
    assert abs(timezone.now() - dt.timedelta(days=4) - placed.placed_at) < dt.timedelta(minutes=1)
    assert placed.expected_on == timezone.localdate() - dt.timedelta(days=3)
    [event] = Order.objects.get(code="#W2").deliveries.get().events.all()
    assert abs(timezone.now() - dt.timedelta(days=2.5) - event.at) < dt.timedelta(minutes=1)


def test_a_dated_order_dates_its_payments(scope):
    from commerce.models import Customer

    shop = little_shop()
    shop["orders"]["#W1"]["placed_days_ago"] = 1
    import_shop(shop, actor="test")
    ann = Customer.objects.get(code="ann_1")
    dated = cancel_order(customer=ann, order_code="#W1", reason="no longer needed", actor="ann")
    undated = cancel_order(customer=ann, order_code="#W4", reason="no longer needed", actor="ann")
    assert "at" in dated.result["payment_history"][1]
    assert "at" not in undated.result["payment_history"][1]


def test_items_are_completed_from_the_catalogue(scope):
    shop = little_shop()
    shop["orders"]["#W1"]["items"][0] = {"item_id": "L-BLUE"}
    import_shop(shop, actor="test")
    assert export_shop()["orders"]["#W1"]["items"][0] == {
        "name": "Lamp",
        "product_id": "P-LAMP",
        "item_id": "L-BLUE",
        "price": 25.5,
        "options": {"kind": "blue"},
    }


def put(path, value):
    """A fault: the shop with this value at this place."""

    def change(shop):
        *way, last = path
        for step in way:
            shop = shop[step]
        shop[last] = value

    return change


ITEM = ("orders", "#W1", "items", 0)
FAULTS = [
    (put(ITEM, {"item_id": "123"}), "order #W1, item 123: is in no product"),
    (put((*ITEM, "price"), -1), "order #W1, item L-RED: “price” is below zero"),
    (put((*ITEM, "price"), 20.005), "“price” is 20.005, which is not a number of cents"),
    (put((*ITEM, "price"), True), "“price” must be a number"),
    (put((*ITEM, "price"), "a lot"), "“price” must be a number"),
    (put((*ITEM, "options"), ["red"]), "“options” must map names"),
    (put((*ITEM, "item_id"), None), "“item_id” is missing"),
    (put(("orders", "#W1", "user_id"), "nobody"), "order #W1: there is no customer nobody"),
    (put(("orders", "#W1", "user_id"), "ben_2"), "customer ann_1: order #W1 is of ben_2"),
    (put(("orders", "#W1", "status"), "lost"), "order #W1: “status” is “lost”, which is none of: pending,"),
    (put(("orders", "#W1", "order_id"), "#W2"), "order #W1: its “order_id” is #W2"),
    (put(("orders", "#W1", "currency"), "dollars"), "“currency” must be three letters"),
    (put(("orders", "#W1", "placed_at"), "yesterday"), "“placed_at” must be a date and time"),
    (put(("orders", "#W1", "placed_at"), "2026-02-30T00:00"), "“placed_at” must be a date and time"),
    (put(("orders", "#W1", "expected_on"), "2026-13-01"), "“expected_on” must be a day"),
    (put(("orders", "#W1", "placed_days_ago"), 1e9), "“placed_days_ago” must be at most"),
    (put(("orders", "#W1", "items"), {}), "“items” must be a list"),
    (put(("orders", "#W1", "address"), "here"), "order #W1, address: must be an object"),
    (put(("orders", "#W1", "address", "zip"), "9" * 21), "“zip” is longer than 20 characters"),
    (put(("orders", "#W1", "payment_history", 0, "transaction_type"), "gift"), "payment 1: “transaction_type”"),
    (put(("orders", "#W2", "return_items"), ["L-BLUE"]), "“return_items” names item L-BLUE"),
    (put(("orders", "#W2", "exchange_items"), ["L-BLUE"]), "“exchange_items” must be items of the order"),
    (put(("orders", "#W1"), None), "order #W1: must be an object"),
    (put(("orders",), []), "“orders” must be an object of records by id"),
    (put(("users", "ann_1", "orders"), ["#W8"]), "customer ann_1: there is no order #W8"),
    (put(("users", "ann_1", "payment_methods", "card_1", "last_four"), "4242424242424242"), "last four digits"),
    (put(("users", "ann_1", "payment_methods", "card_1", "balance"), 5), "only a gift card has a balance"),
    (put(("users", "ann_1", "payment_methods", "card_1", "source"), "cash"), "“source” is “cash”"),
    (put(("users", "ann_1", "email"), "a\0b"), "NUL"),
    (put(("users", "ann_1", "email"), "\ud800"), "not plain JSON"),
    (put(("products", "P-LAMP", "rating"), 7), "“rating” must be from 0 to 5"),
    (put(("products", "P-LAMP", "name"), ""), "product P-LAMP: “name” is missing"),
    (put(("products", "P-LAMP", "reviews"), 1.5), "“reviews” must be a whole number"),
    (put(("products", "P-LAMP", "aliases"), [1]), "“aliases” must be a list of texts"),
    (put(("products", "P-LAMP", "specifications"), {"a": float("nan")}), "not plain JSON"),
    (
        put(("products", "P-LAMP", "variants", "D-OAK"), {"price": 1}),
        "product P-DESK, item D-OAK: is in product P-LAMP as well",
    ),
    (put(("relations",), [{"from": "P-LAMP", "to": "P-X", "kind": "upgrade_of"}]), "there is no product P-X"),
    (put(("relations",), [{"from": "P-LAMP", "to": "P-LAMP", "kind": "upgrade_of"}]), "to itself"),
    (put(("rules",), [{"category": "a"}]), "rule 1: “specification” is missing"),
    (
        put(("complaints",), [{"complaint_id": "C1", "user_id": "ben_2", "order_id": "#W1", "text": "x"}]),
        "complaint C1",
    ),
    (
        put(("refunds",), [{"refund_id": "R1", "order_id": "#W1", "amount": 0}]),
        "refund R1: “amount” must be above zero",
    ),
    (put(("return_days",), -1), "“return_days” must be a whole number"),
    (put(("order_patterns",), [r"SO\d{6}", "(a+)+b"]), "“order_patterns”: “(a+)+b”: do not repeat what is repeated"),
    (put(("order_patterns",), ["SO("]), "“order_patterns”: “SO(”: this is no regular expression"),
    (put(("order_patterns",), [r"SO\d"] * 21), "“order_patterns”: Write at most 20 patterns."),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS, ids=[told[:60] for _, told in FAULTS])
def test_a_fault_is_told_with_its_record_and_nothing_comes_in(shop, fault, told):
    data = little_shop() | {"currency": "EUR"}
    data["products"]["P-LAMP"]["name"] = "Lantern"
    fault(data)
    with pytest.raises(ImportRefused) as caught:
        import_shop(data, actor="test")
    assert told in str(caught.value)
    assert export_shop() == little_shop()


@pytest.mark.parametrize("data", [None, [], "shop", 3])
def test_what_is_no_shop_is_refused(scope, data):
    with pytest.raises(ImportRefused, match="must be an object"):
        import_shop(data, actor="test")


def test_all_faults_are_told_at_once(scope):
    data = little_shop()
    data["orders"]["#W1"]["items"][0] = {"item_id": "123"}
    data["orders"]["#W9"]["status"] = "lost"
    with pytest.raises(ImportRefused) as caught:
        import_shop(data, actor="test")
    assert len(caught.value.errors) == 2


def test_what_is_strange_is_told_and_comes_in(scope):
    data = little_shop()
    data["orders"]["#W1"]["gift_wrap"] = True
    data["orders"]["#W9"]["gift_wrap"] = True
    data["warehouses"] = []
    data["products"]["P-LAMP"]["rating"] = 4.26
    data["orders"]["#W1"]["items"][0]["item_id"] = "L-OLD"
    data["orders"]["#W9"]["payment_history"][0]["payment_method_id"] = "card_9"
    data["orders"]["#W2"]["fulfillments"][0]["item_ids"] = ["L-BLUE"]
    warnings = import_shop(data, actor="test").warnings
    assert "order: “gift_wrap” is not known and was left out (2 times, first in order #W1)" in warnings
    assert "the file: “warehouses” is not known and was left out (1 times, first in the file)" in warnings
    assert "order #W1, item L-OLD: is in no product any more; it is kept as it was sold" in warnings
    assert "order #W9, payment 1: the customer has no payment method card_9" in warnings
    assert "product P-LAMP: the rating 4.26 was rounded to 4.3" in warnings
    assert "order #W2: parcel ['T#W2'] holds item L-BLUE, which is not in the order" in warnings
    assert len(warnings) == 6


def test_prices_follow_the_variants_and_the_catalogue_moves_on(shop):
    version = Shop.objects.get().catalogue_version
    lamp = Product.objects.get(code="P-LAMP")
    assert (float(lamp.price), lamp.available) == (20.0, True)  # 19.99 cannot be had
    Variant.objects.filter(product=lamp).update(available=False)
    follow_variants([lamp])
    lamp.refresh_from_db()
    assert (float(lamp.price), lamp.available) == (19.99, False)
    assert Shop.objects.get().catalogue_version == version + 1
    lamp.variants.all().delete()
    follow_variants()
    lamp.refresh_from_db()
    assert (lamp.price, lamp.available) == (None, False)


def test_products_are_found_while_they_are_offered(shop):
    assert product_types() == {"Desk": "P-DESK", "Lamp": "P-LAMP"}
    assert find_product("P-LAMP").name == "Lamp"
    assert find_variant("L-RED").product.code == "P-LAMP"
    Product.objects.filter(code="P-LAMP").update(active=False)
    for find, code in ((find_product, "P-LAMP"), (find_variant, "L-RED"), (find_product, "P\0")):
        with pytest.raises(NotFound):
            find(code)
    assert product_types() == {"Desk": "P-DESK"}


def test_relations_are_replaced_only_where_the_data_has_some(shop):
    data = little_shop()
    data["relations"] = [{"from": "P-LAMP", "to": "P-DESK", "kind": "accessory_of"}]
    import_shop(data, actor="test")
    import_shop(little_shop(), actor="test")
    assert Relation.objects.count() == 1
    import_shop({"relations": []}, actor="test")
    assert Relation.objects.count() == 0


def test_a_return_is_worth_what_its_items_cost(scope):
    import_shop(rich_shop(), actor="test")
    assert float(Return.objects.get().amount) == 40.0


def test_the_commands_make_a_shop_and_write_it_out(db, tmp_path, capsys):
    source, target = tmp_path / "shop.json", tmp_path / "out.json"
    source.write_text(json.dumps(little_shop()))
    call_command("import_commerce", "retail", str(source))
    said = capsys.readouterr().out
    assert "There was no tenant “retail”: created it" in said
    assert "Imported 2 products, 6 variants, 2 customers" in said
    call_command("export_commerce", "retail", str(target))
    assert json.loads(target.read_text()) == little_shop()
    capsys.readouterr()
    call_command("export_commerce", "retail")
    assert json.loads(capsys.readouterr().out) == little_shop()


def test_the_commands_say_what_is_wrong(db, tmp_path):
    source = tmp_path / "shop.json"
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_commerce", "retail", str(source))
    source.write_text("{")
    with pytest.raises(CommandError, match="is not JSON"):
        call_command("import_commerce", "retail", str(source))
    source.write_text('{"orders": {"#1": {"user_id": "x"}}}')
    assert not Tenant.objects.exists()
    with pytest.raises(CommandError, match="Nothing was imported:\n  order #1: there is no customer x"):
        call_command("import_commerce", "retail", str(source))
    assert not Tenant.objects.exists()
    with pytest.raises(CommandError, match="small letters"):
        call_command("import_commerce", "Retail Shop", str(source))

"""Each change of an order: what it does to the cent, and everything it refuses, leaving nothing behind."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from commerce.exchange import export_shop
from commerce.models import DeliveryEvent, Operation, Order, PaymentMethod, Shop
from commerce.services.customers import change_customer_address, find_customer_by_email, find_customer_by_name
from commerce.services.errors import CommerceError, NotFound
from commerce.services.orders import cancel_order, change_order_address, change_order_items
from commerce.services.payments import change_order_payment
from commerce.services.returns import exchange_items, return_items
from tenants.models import AuditEvent
from tests.commerce.little_shop import HOME, little_shop

pytestmark = pytest.mark.django_db
NEW_HOME = {"address1": "2 Oak Road", "city": "Portland", "state": "OR", "country": "USA", "zip": "97201"}


def balance(code="gift_1"):
    return PaymentMethod.objects.get(code=code).balance


def history(change):
    return [
        (entry["transaction_type"], entry["amount"], entry["payment_method_id"])
        for entry in change.result["payment_history"]
    ]


def items(change):
    return [(item["item_id"], item["price"], item["options"]) for item in change.result["items"]]


def refused(code, service, /, **arguments):
    """The service refuses with this code, and the whole shop is as it was."""
    with pytest.raises(CommerceError) as caught:
        service(actor="ann", **arguments)
    assert caught.value.code == code, str(caught.value)
    assert export_shop() == little_shop()
    assert not Operation.objects.exists()
    return str(caught.value)


def test_a_cancelled_order_is_paid_back_and_audited(ann):
    change = cancel_order(customer=ann, order_code="#W1", reason="no longer needed", actor="ann")
    assert (change.result["status"], change.result["cancel_reason"]) == ("cancelled", "no longer needed")
    assert history(change) == [("payment", 340.0, "card_1"), ("refund", 340.0, "card_1")]
    assert (change.amount, change.method.code, len(change.lines)) == (Decimal("-340.00"), "card_1", 3)
    assert [(entry.kind, entry.amount, entry.label) for entry in change.entries] == [
        ("refund", Decimal("340.00"), "Visa ending 4242")
    ]
    event = AuditEvent.objects.first()
    assert (event.actor, event.action, event.target) == ("ann", "order.cancelled", "#W1")


def test_a_gift_card_is_credited_at_once(ann):
    change = cancel_order(customer=ann, order_code="#W4", reason="ordered by mistake", actor="ann")
    assert balance() == Decimal("30.25")
    assert change.balances == {"gift_1": Decimal("30.25")}


def test_no_payment_is_given_back_twice(ann):
    change_order_payment(customer=ann, order_code="#W4", method_code="card_1", actor="ann")
    assert balance() == Decimal("30.25")
    change = cancel_order(customer=ann, order_code="#W4", reason="ordered by mistake", actor="ann")
    assert history(change) == [
        ("payment", 20.0, "gift_1"),
        ("payment", 20.0, "card_1"),
        ("refund", 20.0, "gift_1"),
        ("refund", 20.0, "card_1"),
    ]
    assert balance() == Decimal("30.25")


@pytest.mark.parametrize(
    ("code", "order", "reason"),
    [
        ("not_found", "#W9", "no longer needed"),
        ("not_found", "#W77", "no longer needed"),
        ("not_found", "", "no longer needed"),
        ("wrong_status", "#W5", "no longer needed"),
        ("wrong_status", "ORD-1003", "no longer needed"),
        ("wrong_status", "#W2", "no longer needed"),
        ("wrong_reason", "#W1", "too expensive"),
    ],
)
def test_what_cannot_be_cancelled(ann, code, order, reason):
    refused(code, cancel_order, customer=ann, order_code=order, reason=reason)


def test_a_pending_order_is_sent_elsewhere(ann):
    change = change_order_address(customer=ann, order_code="#w1", actor="ann", **NEW_HOME)
    assert change.result["address"] == {**NEW_HOME, "address2": ""}
    assert change.detail == {"address": change.result["address"], "before": HOME}
    assert export_shop()["users"] == little_shop()["users"]


@pytest.mark.parametrize(
    ("code", "order", "address"),
    [
        ("wrong_status", "#W2", NEW_HOME),
        ("wrong_status", "ORD-1003", NEW_HOME),
        ("not_found", "#W9", NEW_HOME),
        ("bad_address", "#W1", NEW_HOME | {"address1": " "}),
        ("bad_address", "#W1", NEW_HOME | {"zip": "9" * 21}),
        ("bad_address", "#W1", NEW_HOME | {"city": "Port\0land"}),
    ],
)
def test_where_an_order_cannot_be_sent(ann, code, order, address):
    refused(code, change_order_address, customer=ann, order_code=order, **address)


def test_items_are_changed_each_with_its_own_price_and_the_difference_is_paid(ann):
    change = change_order_items(
        customer=ann,
        order_code="#W1",
        item_codes=["L-RED", "L-RED"],
        new_item_codes=["L-BLUE", "L-GOLD"],
        method_code="card_1",
        actor="ann",
    )
    assert change.result["status"] == "pending (item modified)"
    assert items(change) == [
        ("L-BLUE", 25.5, {"kind": "blue"}),
        ("L-GOLD", 200.0, {"kind": "gold"}),
        ("D-OAK", 300.0, {"wood": "oak"}),
    ]
    assert history(change)[1:] == [("payment", 185.5, "card_1")]
    line = change.lines[0]
    assert (line.item, line.price, line.options) == ("L-RED", Decimal("20.00"), {"colour": "red"})
    assert (line.new_item, line.new_price, line.new_options) == ("L-BLUE", Decimal("25.50"), {"kind": "blue"})
    assert change.amount == Decimal("185.50")


def test_a_piece_that_takes_the_place_of_another_is_not_changed_in_turn(ann):
    change_order_items(
        customer=ann,
        order_code="#W1",
        item_codes=["L-RED"],
        new_item_codes=["L-BLUE"],
        method_code="card_1",
        actor="ann",
    )
    Order.objects.filter(code="#W1").update(status="pending")
    change = change_order_items(
        customer=ann,
        order_code="#W1",
        item_codes=["L-RED", "L-BLUE"],
        new_item_codes=["L-BLUE", "L-GOLD"],
        method_code="card_1",
        actor="ann",
    )
    assert [code for code, *_ in items(change)] == ["L-GOLD", "L-BLUE", "D-OAK"]


def test_a_cheaper_item_credits_a_gift_card(ann):
    arguments = {"item_codes": ["D-OAK"], "new_item_codes": ["D-PINE"], "method_code": "gift_1"}
    change = change_order_items(customer=ann, order_code="#W1", actor="ann", **arguments)
    assert history(change)[1:] == [("refund", 50.0, "gift_1")]
    assert (change.amount, balance(), change.balances) == (-50, Decimal("60.25"), {"gift_1": Decimal("60.25")})


def test_a_gift_card_pays_to_its_last_cent_and_not_one_more(ann):
    PaymentMethod.objects.filter(code="gift_1").update(balance=Decimal("5.49"))
    arguments = {"item_codes": ["L-RED"], "new_item_codes": ["L-BLUE"], "method_code": "gift_1"}
    with pytest.raises(CommerceError, match=r"has 5\.49, which is less than 5\.50"):
        change_order_items(customer=ann, order_code="#W1", actor="ann", **arguments)
    PaymentMethod.objects.filter(code="gift_1").update(balance=Decimal("5.50"))
    change_order_items(customer=ann, order_code="#W1", actor="ann", **arguments)
    assert balance() == 0


@pytest.mark.parametrize(
    ("code", "order", "old", "new", "method"),
    [
        ("not_found", "#W9", ["L-RED"], ["L-BLUE"], "card_1"),
        ("wrong_status", "#W2", ["L-RED"], ["L-BLUE"], "card_1"),
        ("not_found", "#W1", ["D-PINE"], ["D-OAK"], "card_1"),
        ("not_found", "#W1", ["L-RED"] * 3, ["L-BLUE"] * 3, "card_1"),
        ("lists_differ", "#W1", ["L-RED", "L-RED"], ["L-BLUE"], "card_1"),
        ("lists_differ", "#W1", ["L-RED"], ["L-BLUE", "L-GOLD"], "card_1"),
        ("no_items", "#W1", [], [], "card_1"),
        ("same_item", "#W1", ["L-RED"], ["L-RED"], "card_1"),
        ("not_found", "#W1", ["L-RED"], ["D-PINE"], "card_1"),
        ("not_found", "#W1", ["L-RED"], ["L-\0"], "card_1"),
        ("unavailable", "#W1", ["L-RED"], ["L-GREEN"], "card_1"),
        ("balance_too_low", "#W1", ["L-RED"], ["L-GOLD"], "gift_1"),
        ("not_found", "#W1", ["L-RED"], ["L-BLUE"], "card_2"),
    ],
)
def test_items_that_cannot_be_changed(ann, code, order, old, new, method):
    arguments = {"item_codes": old, "new_item_codes": new, "method_code": method}
    refused(code, change_order_items, customer=ann, order_code=order, **arguments)


def test_items_are_changed_once(ann):
    arguments = {"item_codes": ["L-RED"], "new_item_codes": ["L-BLUE"], "method_code": "card_1"}
    change_order_items(customer=ann, order_code="#W1", actor="ann", **arguments)
    for again in (change_order_items, cancel_order):
        with pytest.raises(CommerceError) as caught:
            again(
                customer=ann,
                order_code="#W1",
                actor="ann",
                **(arguments if again is change_order_items else {"reason": "no longer needed"}),
            )
        assert caught.value.code == "wrong_status"


def test_another_method_pays_and_the_first_is_paid_back(ann):
    PaymentMethod.objects.filter(code="gift_1").update(balance=Decimal("340.00"))
    change = change_order_payment(customer=ann, order_code="#W1", method_code="gift_1", actor="ann")
    assert history(change) == [
        ("payment", 340.0, "card_1"),
        ("payment", 340.0, "gift_1"),
        ("refund", 340.0, "card_1"),
    ]
    assert (change.result["status"], balance(), change.amount) == ("pending", 0, 0)


@pytest.mark.parametrize(
    ("code", "order", "method"),
    [
        ("wrong_status", "#W2", "paypal_1"),
        ("wrong_status", "#W5", "paypal_1"),
        ("not_found", "#W9", "paypal_1"),
        ("not_found", "#W1", "card_2"),
        ("same_method", "#W1", "card_1"),
        ("balance_too_low", "#W1", "gift_1"),
    ],
)
def test_a_payment_that_cannot_be_changed(ann, code, order, method):
    refused(code, change_order_payment, customer=ann, order_code=order, method_code=method)


def test_a_payment_is_changed_once(ann):
    change_order_payment(customer=ann, order_code="#W1", method_code="paypal_1", actor="ann")
    with pytest.raises(CommerceError) as caught:
        change_order_payment(customer=ann, order_code="#W1", method_code="card_1", actor="ann")
    assert caught.value.code == "several_payments"


@pytest.mark.parametrize("method", ["card_1", "gift_1"])
def test_a_return_is_asked_for(ann, method):
    change = return_items(
        customer=ann, order_code="#W2", item_codes=["L-RED", "D-OAK"], method_code=method, actor="ann"
    )
    assert change.result["status"] == "return requested"
    assert change.result["return_items"] == ["D-OAK", "L-RED"]
    assert change.result["return_payment_method_id"] == method
    assert (change.amount, change.method.code) == (Decimal("-320.00"), method)
    assert balance() == Decimal("10.25")  # nothing moves before the goods have arrived


@pytest.mark.parametrize(
    ("code", "order", "codes", "method"),
    [
        ("wrong_status", "#W1", ["L-RED"], "card_1"),
        ("not_found", "#W9", ["L-RED"], "card_1"),
        ("not_found", "#W2", ["L-BLUE"], "card_1"),
        ("not_found", "#W2", ["L-RED"] * 3, "card_1"),
        ("no_items", "#W2", [], "card_1"),
        ("wrong_method", "#W2", ["L-RED"], "paypal_1"),
        ("not_found", "#W2", ["L-RED"], "card_2"),
    ],
)
def test_what_cannot_be_returned(ann, code, order, codes, method):
    refused(code, return_items, customer=ann, order_code=order, item_codes=codes, method_code=method)


def test_a_return_cannot_be_returned_or_exchanged(ann):
    return_items(customer=ann, order_code="#W2", item_codes=["L-RED"], method_code="card_1", actor="ann")
    arguments = {"customer": ann, "order_code": "#W2", "item_codes": ["L-RED"], "method_code": "card_1"}
    with pytest.raises(CommerceError, match="is return requested"):
        return_items(actor="ann", **arguments)
    with pytest.raises(CommerceError, match="is return requested"):
        exchange_items(actor="ann", new_item_codes=["L-BLUE"], **arguments)


def test_an_exchange_may_take_the_same_item_again(ann):
    change = exchange_items(
        customer=ann,
        order_code="#W2",
        item_codes=["L-RED", "D-OAK", "L-RED"],
        new_item_codes=["L-RED", "D-PINE", "L-BLUE"],
        method_code="gift_1",
        actor="ann",
    )
    record = change.result
    assert record["status"] == "exchange requested"
    assert (record["exchange_items"], record["exchange_new_items"]) == (
        ["D-OAK", "L-RED", "L-RED"],
        ["D-PINE", "L-BLUE", "L-RED"],
    )
    assert (record["exchange_payment_method_id"], record["exchange_price_difference"]) == ("gift_1", -44.5)
    assert [item["item_id"] for item in record["items"]] == ["L-RED", "L-RED", "D-OAK"]
    assert balance() == Decimal("10.25")


@pytest.mark.parametrize(
    ("code", "order", "old", "new", "method"),
    [
        ("wrong_status", "#W1", ["L-RED"], ["L-BLUE"], "card_1"),
        ("unavailable", "#W2", ["L-RED"], ["L-GREEN"], "card_1"),
        ("balance_too_low", "#W2", ["L-RED"], ["L-GOLD"], "gift_1"),
        ("lists_differ", "#W2", ["L-RED"], [], "card_1"),
        ("not_found", "#W2", ["L-RED"], ["D-OAK"], "card_1"),
        ("not_found", "#W2", ["L-RED"], ["L-BLUE"], "card_9"),
    ],
)
def test_what_cannot_be_exchanged(ann, code, order, old, new, method):
    arguments = {"item_codes": old, "new_item_codes": new, "method_code": method}
    refused(code, exchange_items, customer=ann, order_code=order, **arguments)


def test_goods_go_back_until_the_shops_days_are_over(ann):

    Shop.objects.update(return_days=30)
    arguments = {"customer": ann, "order_code": "#W2", "item_codes": ["L-RED"], "method_code": "card_1"}
    delivery = Order.objects.get(code="#W2").deliveries.get()
    event = DeliveryEvent.objects.create(
        delivery=delivery, at=timezone.now() - dt.timedelta(days=31), status="delivered"
    )
    for service, more in ((return_items, {}), (exchange_items, {"new_item_codes": ["L-BLUE"]})):
        with pytest.raises(CommerceError, match="could be sent back until") as caught:
            service(actor="ann", **arguments, **more)
        assert caught.value.code == "too_late"
    DeliveryEvent.objects.filter(pk=event.pk).update(at=timezone.now() - dt.timedelta(days=30))
    assert return_items(actor="ann", **arguments).result["status"] == "return requested"


def test_a_customer_moves_and_their_orders_do_not(ann):
    change = change_customer_address(customer=ann, actor="ann", **NEW_HOME)
    assert change.result["address"] == {**NEW_HOME, "address2": ""}
    assert change.result["orders"] == ["#W1", "#W2", "ORD-1003", "#W4", "#W5"]
    assert export_shop()["orders"] == little_shop()["orders"]


def test_customers_are_found_in_whatever_case(ann):
    assert find_customer_by_email(" ANN.archer@example.com ") == ann
    assert find_customer_by_name(first_name="ann", last_name="ARCHER", postcode="62701") == ann
    for email in ("", "ann.archer@example.org", "%@example.com", "\0"):
        with pytest.raises(NotFound):
            find_customer_by_email(email)
    for names in (("Ann", "Archer", "62702"), ("Ann", "", "62701"), ("Ben", "Archer", "62701")):
        with pytest.raises(NotFound):
            find_customer_by_name(**dict(zip(("first_name", "last_name", "postcode"), names, strict=True)))

"""The retail set on the little shop: records, whose they are, and changes."""

import pytest

from agents.models import AgentPolicy, Session
from agents.tools.base import ToolError
from commerce.exchange import export_shop
from commerce.models import Customer, Order
from commerce.services.changes import Change
from tests.commerce.little_shop import HOME

pytestmark = pytest.mark.django_db
NEW_HOME = {
    "address1": "2 Oak Road",
    "address2": "",
    "city": "Portland",
    "state": "OR",
    "country": "USA",
    "zip": "97201",
}


@pytest.fixture
def ben(shop):
    return Customer.objects.get(code="ben_2")


def test_records_are_those_of_the_export(use):
    shop = export_shop()
    assert use("get_user_details", user_id="ann_1") == shop["users"]["ann_1"]
    assert use("get_order_details", order_id="#W1").data == shop["orders"]["#W1"]
    assert use("get_product_details", product_id="P-LAMP") == shop["products"]["P-LAMP"]
    assert use("get_item_details", item_id="L-BLUE") == shop["products"]["P-LAMP"]["variants"]["L-BLUE"]
    assert use("list_all_product_types") == {"Desk": "P-DESK", "Lamp": "P-LAMP"}


@pytest.mark.parametrize("number", ["#W1", "W1", "w1 ", "# W1"])
def test_an_order_is_found_however_its_number_is_written(use, number):
    assert use("get_order_details", order_id=number).data["order_id"] == "#W1"


ORDER_TOOLS = {
    "get_order_details": {},
    "track_delivery": {},
    "get_refund_status": {},
    "cancel_pending_order": {"reason": "no longer needed"},
    "modify_pending_order_address": NEW_HOME,
    "modify_pending_order_items": {"item_ids": ["L-RED"], "new_item_ids": ["L-BLUE"], "payment_method_id": "card_2"},
    "modify_pending_order_payment": {"payment_method_id": "card_2"},
    "return_delivered_order_items": {"item_ids": ["L-RED"], "payment_method_id": "card_2"},
    "exchange_delivered_order_items": {
        "item_ids": ["L-RED"],
        "new_item_ids": ["L-BLUE"],
        "payment_method_id": "card_2",
    },
    "request_refund": {"amount": 1, "reason": "late"},
    "file_complaint": {"kind": "late", "text": "late"},
}


@pytest.mark.parametrize("name", ORDER_TOOLS)
def test_somebody_elses_order_is_like_one_that_is_not_there(use, name):
    before = export_shop()
    told = []
    for number in ("#W9", "#W8"):
        with pytest.raises(ToolError) as caught:
            use(name, order_id=number, **ORDER_TOOLS[name])
        assert caught.value.code == "not_found"
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert "W9" not in told[0]
    assert export_shop() == before


def test_a_slip_offers_the_customers_own_orders_alone(use, ben):
    Order.objects.create(customer=ben, code="ORD-1004")
    with pytest.raises(ToolError, match=r"They have ORD-1003: ask"):
        use("get_order_details", order_id="ORD-1005")
    with pytest.raises(ToolError, match="Ask for the number again"):
        use("get_order_details", order_id="ORD-7777")


@pytest.mark.parametrize("name", ["get_user_details", "modify_user_address"])
def test_anybody_elses_user_id_is_not_found(use, name):
    arguments = NEW_HOME if name == "modify_user_address" else {}
    for user_id in ("ben_2", "nobody", "", "ANN_1"):
        with pytest.raises(ToolError, match="User not found") as caught:
            use(name, user_id=user_id, **arguments)
        assert caught.value.code == "not_found"


@pytest.mark.parametrize("name", [*ORDER_TOOLS, "get_user_details", "modify_user_address", "list_my_orders"])
def test_before_a_proof_nothing_is_told(use, name):
    arguments = dict(ORDER_TOOLS.get(name, {}))
    if name in ORDER_TOOLS:
        arguments["order_id"] = "#W1"
    elif name != "list_my_orders":
        arguments["user_id"] = "ann_1"
    if name == "modify_user_address":
        arguments |= NEW_HOME
    with pytest.raises(ToolError, match="not verified") as caught:
        use(name, customer=None, **arguments)
    assert caught.value.code == "not_verified"


def test_products_need_no_customer_and_missing_ones_are_told(use):
    assert use("get_item_details", customer=None, item_id=" D-OAK ")["price"] == 300
    for name, argument in (("get_product_details", "product_id"), ("get_item_details", "item_id")):
        for code in ("nothing", "D-OAK" if "product" in name else "P-DESK"):
            with pytest.raises(ToolError, match="not found"):
                use(name, customer=None, **{argument: code})


CHANGES = {
    "cancel_pending_order": ({"order_id": "#W1", "reason": "no longer needed"}, -340),
    "modify_pending_order_address": ({"order_id": "#W1", **NEW_HOME}, 0),
    "modify_pending_order_items": (
        {
            "order_id": "W1",
            "item_ids": ["L-RED", "D-OAK"],
            "new_item_ids": ["L-BLUE", "D-PINE"],
            "payment_method_id": "gift_1",
        },
        pytest.approx(-44.5),
    ),
    "modify_pending_order_payment": ({"order_id": "#W1", "payment_method_id": "paypal_1"}, 0),
    "modify_user_address": ({"user_id": "ann_1", **NEW_HOME}, 0),
    "return_delivered_order_items": (
        {"order_id": "#W2", "item_ids": ["L-RED", "L-RED"], "payment_method_id": "gift_1"},
        -40,
    ),
    "exchange_delivered_order_items": (
        {"order_id": "#W2", "item_ids": ["L-RED"], "new_item_ids": ["L-BLUE"], "payment_method_id": "card_1"},
        5.5,
    ),
    "request_refund": ({"order_id": "#W2", "amount": 12.34, "reason": "scratched"}, pytest.approx(-12.34)),
    "file_complaint": ({"order_id": "#W2", "kind": "damaged", "text": "The desk is broken", "items": ["Desk"]}, 0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_made_once_under_its_key(use, make_context, ann, name):
    arguments, amount = CHANGES[name]
    before = export_shop()
    context = make_context(ann, key="action-1")
    change = use(name, context=context, **arguments)
    after = export_shop()
    assert isinstance(change, Change)
    assert float(change.amount) == amount
    assert after != before
    assert use(name, context=context, **arguments).result == change.result
    assert export_shop() == after


def test_what_the_shop_refuses_is_told_with_its_reason(use):
    with pytest.raises(ToolError, match="only a pending order") as caught:
        use("cancel_pending_order", order_id="#W2", reason="no longer needed")
    assert caught.value.code == "wrong_status"


def test_an_address_takes_the_place_of_the_whole_one(use):
    use("modify_user_address", user_id="ann_1", **NEW_HOME)
    assert export_shop()["users"]["ann_1"]["address"] == NEW_HOME
    assert export_shop()["orders"]["#W1"]["address"] == HOME


def test_who_the_customer_is_must_stand_in_what_they_typed(use, make_context, ann):
    AgentPolicy.objects.create()
    guessed = make_context(typed=["Where is my order?"])
    with pytest.raises(ToolError):
        use("find_user_id_by_email", context=guessed, email="ann.archer@example.com")
    typed = make_context(typed=["I am Ann.Archer@example.com"])
    assert use("find_user_id_by_email", context=typed, email="ann.archer@example.com") == "ann_1"
    assert Session.objects.get(conversation=typed.conversation).customer == ann
    named = make_context(typed=["My name is Ann Archer and my postcode is 62701"])
    assert use("find_user_id_by_name_zip", context=named, first_name="ann", last_name="Archer", zip="62701") == "ann_1"


def test_a_transfer_says_why(use, make_context):
    passed = use("transfer_to_human_agents", summary="Wants two refunds swapped.")
    assert (passed.handover, passed.summary) == ("unsupported_request", "Wants two refunds swapped.")
    asked = make_context(typed=["I want to talk to a person"])
    assert use("transfer_to_human_agents", context=asked, summary="x").handover == "customer_request"

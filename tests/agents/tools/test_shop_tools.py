# ruff: noqa: E501 - tables of cases stay on few lines
"""Our own tools beside the retail set: products, deliveries, complaints and refunds, and their cards."""

import datetime as dt

import pytest
from django.utils import timezone

from agents.tools.base import ToolError
from agents.tools.labels import LABELS, label, written_day
from commerce.models import (
    Complaint,
    Customer,
    Delivery,
    DeliveryEvent,
    Order,
    Product,
    Refund,
    Relation,
    RelationKind,
    Shop,
)
from commerce.services.refunds import request_refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def phones(shop):
    """Two phones and a charger."""
    Shop.objects.update_or_create(defaults={"currency": "EUR"})
    pro = phone("PH-12", "SmartPhone Pro 12", "799.99", {"storage": "256 GB", "screen": "6.1″"}, rating="4.6")
    mini = phone("PH-MINI", "SmartPhone Mini", "499.00", {"storage": "128 GB", "screen": "6.1″"}, rating="4.1")
    charger = phone("CH-1", "Wall Charger", "29.50", {"power": "65 W"}, category="Chargers")
    Relation.objects.create(source=charger, target=pro, kind=RelationKind.ACCESSORY)
    return pro, mini, charger


def phone(code, name, price, specifications, *, category="Phones", rating=None):
    product = Product.objects.create(
        code=code,
        name=name,
        category=category,
        brand="TechPro",
        specifications=specifications,
        rating=rating,
        warranty_months=24,
        art="phone",
    )
    product.variants.create(code=f"{code}-V", price=price)
    Product.objects.filter(pk=product.pk).update(price=price, available=True)
    return product


def test_products_are_found_by_words_price_and_category(use, phones):
    found = use("find_products", customer=None, query="smartphone")
    assert {product["product_id"] for product in found.data["products"]} == {"PH-12", "PH-MINI"}
    assert found.data["currency"] == "EUR"
    [card] = found.cards
    assert card.kind == "products"
    assert {product["price"] for product in card.data["products"]} == {"€799.99", "€499.00"}
    cheap = use("find_products", query="smartphone", max_price=500)
    assert [product["name"] for product in cheap.data["products"]] == ["SmartPhone Mini"]
    assert cheap.data["products"][0]["price"] == 499.0
    assert [p["product_id"] for p in use("find_products", query="techpro", category="chargers").data["products"]] == [
        "CH-1"
    ]
    assert use("find_products", query="charger please for the wall").data["products"][0]["product_id"] == "CH-1"
    with pytest.raises(ToolError, match="No product"):
        use("find_products", query="fridge")


def test_products_are_compared_by_name_or_code(use, phones, make_context):
    compared = use("compare_products", context=make_context(language="de"), products=["smartphone pro 12", "PH-MINI"])
    rows = {row["name"]: row for row in compared.data["rows"]}
    assert rows["storage"]["values"] == ["256 GB", "128 GB"]
    assert rows["storage"]["differs"]
    assert not rows["screen"]["differs"]
    [card] = compared.cards
    assert [product["price"] for product in card.data["products"]] == [
        "799,99\N{NO-BREAK SPACE}€",
        "499,00\N{NO-BREAK SPACE}€",
    ]
    names = [row["name"] for row in card.data["rows"]]
    assert {"Preis", "Garantie", "storage"} <= set(names)
    price = card.data["rows"][names.index("Preis")]
    assert (price["better"], price["differs"]) == (1, True)
    warranty = card.data["rows"][names.index("Garantie")]
    assert (warranty["values"], warranty["better"]) == (["24 Monate", "24 Monate"], None)


@pytest.mark.parametrize(
    ("products", "problem"),
    [
        (["PH-12"], "two to 6"),
        (["PH-12"] * 7, "two to 6"),
        (["PH-12", "SmartPhone Pro 12"], "same product"),
        (["PH-12", "SmartPhone"], r"No single product is called 'SmartPhone'. There are: SmartPhone"),
        (["PH-12", "zzz"], "Search with find_products"),
    ],
)
def test_comparisons_that_make_no_sense_are_told(use, phones, products, problem):
    with pytest.raises(ToolError, match=problem):
        use("compare_products", products=products)


def test_what_fits_and_what_is_like_it(use, phones):
    fits = use("find_compatible", product="SmartPhone Pro 12")
    assert [(p["name"], p["why"]) for p in fits.data["compatible"]] == [("Wall Charger", "accessory")]
    assert fits.cards[0].data["products"][0]["code"] == "CH-1"
    alike = use("find_similar", product="PH-12")
    assert [(p["name"], p["same"]) for p in alike.data["similar"]] == [("SmartPhone Mini", ["screen"])]
    lonely = use("find_similar", product="P-LAMP")
    assert (lonely.data["similar"], lonely.cards) == ([], ())


@pytest.fixture
def sent(ann, phones):
    order = Order.objects.create(
        customer=ann,
        code="ORD-1002",
        status="processed",
        currency="EUR",
        placed_at=timezone.now(),
        expected_on=dt.date(2026, 2, 10),
    )
    order.items.create(
        name="SmartPhone Pro 12",
        product_code="PH-12",
        variant_code="PH-12-V",
        price="799.99",
        options={"colour": "black"},
    )
    parcel = Delivery.objects.create(
        order=order,
        tracking_codes=["TP1"],
        items=["PH-12-V"],
        carrier="Swift",
        status="in_transit",
        expected_on=dt.date(2026, 2, 10),
    )
    DeliveryEvent.objects.create(
        delivery=parcel, at=dt.datetime(2026, 2, 8, 9, tzinfo=dt.UTC), status="in_transit", place="Leipzig"
    )
    return order


def test_an_order_is_tracked(use, sent):
    tracked = use("track_delivery", order_id="ord1002")
    assert tracked.data["delivery_status"] == "in_transit"
    assert (tracked.data["expected_on"], tracked.data["carrier"], tracked.data["tracking_ids"]) == (
        "2026-02-10",
        "Swift",
        ["TP1"],
    )
    [card] = tracked.cards
    assert card.kind == "order"
    assert (card.data["status_label"], card.data["expected"], card.data["total"]) == (
        "In transit",
        "10 Feb 2026",
        "€799.99",
    )
    assert [step["state"] for step in card.data["steps"]] == ["done", "done", "now", "later", "later"]
    assert card.data["steps"][2]["detail"] == "8 Feb 2026, Leipzig"
    assert card.data["steps"][4]["detail"] == "expected 10 Feb 2026"
    assert card.data["items"] == [{"name": "SmartPhone Pro 12", "detail": "black", "price": "€799.99", "art": "phone"}]


@pytest.mark.parametrize(
    ("language", "status", "expected"),
    [
        ("es", "En camino", "10 de febrero de 2026"),
        ("de-AT", "Unterwegs", "10. Februar 2026"),
        ("fr", "En route", "10 février 2026"),
        ("pl", "In transit", "10 Feb 2026"),
    ],
)
def test_cards_speak_the_conversations_language(use, sent, ann, make_context, language, status, expected):
    context = make_context(ann, language=language)
    [card] = use("get_order_details", context=context, order_id="ORD-1002").cards
    assert (card.data["status_label"], card.data["expected"]) == (status, expected)


def test_labels_are_there_in_every_language():
    assert {language: set(labels) for language, labels in LABELS.items()} == {key: set(LABELS["en"]) for key in LABELS}
    assert label("fr", "on_hold") == "On hold"
    assert written_day("en", None) == ""


def test_a_customers_orders_are_listed_and_nobody_elses(use, sent):
    orders = use("list_my_orders")["orders"]
    assert {order["order_id"] for order in orders} == {"#W1", "#W2", "ORD-1003", "#W4", "#W5", "ORD-1002"}
    assert orders[0] | {"placed_at": ""} == {
        "order_id": "ORD-1002", "status": "processed", "total": 799.99, "currency": "EUR", "items": ["SmartPhone Pro 12"],
        "placed_at": "", "expected_on": "2026-02-10",
    }  # fmt: skip


def test_many_orders_are_listed_in_part(use, ann):
    for number in range(30):
        Order.objects.create(customer=ann, code=f"ORD-2{number:03}", placed_at=timezone.now())
    listed = use("list_my_orders")
    assert len(listed["orders"]) == 20
    assert "Older" in listed["note"]


def test_a_complaint_names_pieces_by_name_or_id(use, ann):
    change = use(
        "file_complaint", order_id="#W2", kind="damaged", text="Both broken", items=["lamp", "L-RED"], wanted="refund"
    )
    complaint = Complaint.objects.get()
    assert (complaint.items, complaint.wanted, complaint.customer) == (["L-RED", "L-RED"], "refund", ann)
    assert change.detail["code"] == complaint.code
    with pytest.raises(ToolError, match=r"which has: Lamp \(L-RED\); Lamp \(L-RED\); Desk \(D-OAK\)"):
        use("file_complaint", order_id="#W2", kind="damaged", text="x", items=["lamp"] * 3)
    with pytest.raises(ToolError, match="together with their order"):
        use("file_complaint", kind="damaged", text="x", items=["lamp"])
    with pytest.raises(ToolError, match="what is wrong"):
        use("file_complaint", kind="other", text="  ")


def test_complaints_are_their_customers_own(use):
    use("file_complaint", kind="service", text="Rude")
    code = Complaint.objects.get().code
    assert use("get_complaint_status", complaint_id=code.lower())["status"] == "open"
    assert [c["complaint_id"] for c in use("get_complaint_status")["complaints"]] == [code]
    ben = Customer.objects.get(code="ben_2")
    assert use("get_complaint_status", customer=ben) == {"complaints": []}
    with pytest.raises(ToolError) as caught:
        use("get_complaint_status", customer=ben, complaint_id=code)
    assert caught.value.code == "not_found"


def test_refunds_are_found_by_number_by_order_or_all(use, ann):
    request_refund(
        customer=ann,
        order_code="#W2",
        amount=Refund._meta.get_field("amount").to_python("12.34"),
        reason="late",
        actor="test",
    )
    code = Refund.objects.get().code
    assert use("get_refund_status", refund_id=code)["amount"] == 12.34
    assert [refund["refund_id"] for refund in use("get_refund_status")["refunds"]] == [code]
    assert use("get_refund_status", order_id="#W2")["refunds"][0]["refund_id"] == code
    assert use("get_refund_status", order_id="#W5")["paid_back"] == [
        {"transaction_type": "refund", "amount": 300.0, "payment_method_id": "card_1"}
    ]
    use("return_delivered_order_items", order_id="#W2", item_ids=["L-RED"], payment_method_id="gift_1")
    sent_back = use("get_refund_status", order_id="#W2")
    assert (sent_back["return_items"], sent_back["return_amount"]) == (["L-RED"], 20.0)
    ben = Customer.objects.get(code="ben_2")
    assert use("get_refund_status", customer=ben) == {"refunds": []}
    with pytest.raises(ToolError) as caught:
        use("get_refund_status", customer=ben, refund_id=code)
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"amount": -5}, "wrong_amount"), ({"amount": 0}, "wrong_amount"), ({"amount": 340.01}, "wrong_amount"), ({"amount": 1.005}, "wrong_amount"),
        ({"amount": 5, "currency": "EUR"}, "wrong_currency"),
    ],
)  # fmt: skip
def test_amounts_that_cannot_be_are_refused(use, wanted, code):
    with pytest.raises(ToolError) as caught:
        use("request_refund", order_id="#W2", reason="late", **wanted)
    assert caught.value.code == code
    assert not Refund.objects.exists()


def test_the_documents_are_searched_for_the_tenant(use, make_context, monkeypatch, tenant):
    from agents.tools import knowledge
    from knowledge.embedding.base import EmbedderError

    asked = []

    class Found:
        passages = (1, 2)

    def search(tenant_id, query, *, k, filters):
        asked.append((tenant_id, query, k, filters.customers))
        return Found()

    monkeypatch.setattr(knowledge, "search", search)
    result = use("search_knowledge", customer=None, query="returns")
    assert (result.data, result.found.passages) == ({"query": "returns", "passages": 2}, (1, 2))
    assert asked == [(tenant.pk, "returns", 8, True)]

    def away(*_, **__):
        raise EmbedderError("away")

    monkeypatch.setattr(knowledge, "search", away)
    with pytest.raises(ToolError, match="cannot be searched"):
        use("search_knowledge", query="returns")

"""The forms of the shop's pages: what is wrong is said in place, nothing typed is lost, nothing is done twice."""

import re
from decimal import Decimal

import pytest
from django.test import Client

from commerce.forms import read_amount
from commerce.models import Complaint, OrderItem, Refund, Return
from tests.commerce.storefront import ODD, client_of, open_shop, path, rows, text_of


@pytest.fixture
def client(tenant, bob) -> Client:
    """Bob's browser; he has two orders."""
    open_shop(tenant, bob)
    return client_of(bob)


def send(client: Client, code: str, page: str, **values):
    form = client.get(path("orders", code, page))
    once = re.search(r'name="once" value="([^"]+)"', form.content.decode())[1]
    return client.post(path("orders", code, page), {"once": once, **values})


def item_ids(code: str) -> list[int]:
    return [item.pk for item in rows(OrderItem) if item.variant_code.startswith(code)]


def test_a_complaint_is_filed_and_its_number_told(client):
    response = send(
        client, ODD, "complaint", kind="defective", text="The left one is silent.", wanted="replacement",
        items=item_ids(ODD)[1:],
    )  # fmt: skip
    (filed,) = rows(Complaint)
    assert (filed.kind, filed.items, filed.wanted) == ("defective", [f"{ODD}-1"], "replacement")
    assert filed.code in text_of(client.get(response["Location"]))


def test_what_is_missing_is_said_and_nothing_typed_is_lost(client):
    response = send(client, ODD, "complaint", text="Left one", wanted="advice", items=item_ids(ODD)[:1])
    page = text_of(response)
    assert response.status_code == 200
    assert "at least one full sentence" in page
    assert "Choose what comes closest" in page
    assert ">Left one</textarea>" in page
    assert re.search(rf'value="{item_ids(ODD)[0]}" checked', page)
    assert re.search('value="advice" checked', page)
    assert rows(Complaint) == []


def test_a_form_sent_twice_acts_once_and_a_changed_one_acts_again(client):
    once = re.search(r'name="once" value="([^"]+)"', client.get(path("orders", ODD, "complaint")).content.decode())[1]
    values = {"once": once, "kind": "late", "text": "It came three weeks late."}
    first = client.post(path("orders", ODD, "complaint"), values)
    second = client.post(path("orders", ODD, "complaint"), values)
    assert first["Location"] == second["Location"]
    assert len(rows(Complaint)) == 1
    client.post(path("orders", ODD, "complaint"), {**values, "text": "It came three weeks late, and wet."})
    assert len(rows(Complaint)) == 2


def test_a_form_without_its_id_is_to_be_sent_again(client):
    response = client.post(
        path("orders", ODD, "complaint"), {"kind": "late", "text": "It came three weeks late.", "once": "x"}
    )
    assert response.status_code == 200
    assert "It came three weeks late." in text_of(response)
    assert rows(Complaint) == []


def test_items_are_sent_back_once(client):
    response = send(client, ODD, "return", items=item_ids(ODD)[:1], method="card")
    (returned,) = rows(Return)
    assert (returned.items, returned.amount) == ([f"{ODD}-0"], Decimal("899.99"))
    page = text_of(client.get(response["Location"]))
    assert "Your return is noted" in page
    assert "Return requested" in page
    assert "Send items back" not in page
    assert "noted already" in text_of(client.get(path("orders", ODD, "return")))


def test_a_return_that_cannot_be_is_refused_in_words(client):
    assert "once the order has been delivered" in text_of(client.get(path("orders", "ORD-2", "return")))
    response = send(client, "ORD-2", "return", items=item_ids("ORD-2")[:1], method="card")
    assert response.status_code == 200
    assert rows(Return) == []
    response = send(client, ODD, "return", items=item_ids("ORD-2"), method="dave's")
    assert response.status_code == 200
    assert rows(Return) == []
    assert "Choose at least one item" in text_of(send(client, ODD, "return", method="card"))


def test_money_is_asked_back_up_to_what_was_paid(client):
    response = send(client, ODD, "refund", amount="1100", reason="All of it is broken.", method="card")
    assert response.status_code == 200
    assert "more than can be given back" in text_of(response)
    assert "All of it is broken." in text_of(response)
    for amount in ("-5", "0", "ten", ""):
        assert send(client, ODD, "refund", amount=amount, reason="Broken.", method="card").status_code == 200
    response = send(client, ODD, "refund", amount="$20.50", reason="The box was open.", method="card")
    (asked,) = rows(Refund)
    assert (asked.amount, asked.reason) == (Decimal("20.50"), "The box was open.")
    assert asked.code in text_of(client.get(response["Location"]))


def test_a_number_in_the_address_that_is_not_theirs_says_nothing(client):
    page = text_of(client.get(path("orders", ODD) + "?sent=CMP-9999"))
    assert "CMP-9999" not in page


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1500", "1500"), ("$1,500", "1500"), ("1.500,00 €", "1500.00"), ("49.9", "49.9"), ("49,99", "49.99"),
        ("1 500", "1500"), ("EUR 5", "5"), ("-5", None), ("cheap", None), ("1e9", None), ("1,500,00", None),
        ("1,50 0", None), (".", None), ("5%", None), ("1.2.3", None), ("9" * 12, None),
    ],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(text, amount):
    assert read_amount(text) == (None if amount is None else Decimal(amount))

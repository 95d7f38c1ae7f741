import time

import pytest

from agents.routing.entities import Taken
from agents.routing.identifiers import find_emails, find_orders, find_postcodes

pytestmark = pytest.mark.unit


def orders(text, *patterns):
    return [entity.value for entity in find_orders(text, Taken(text), patterns)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Where is ORD-1002?", ["ORD-1002"]),
        ("ord 1002, ord1003, Ord_1004", ["ORD-1002", "ORD-1003", "ORD-1004"]),
        ("ORD-1O02", ["ORD-1002"]),
        ("order number 1044 and 1045", ["ORD-1044", "ORD-1045"]),
        ("#W2378156", ["#W2378156"]),
        ("w 2378156", ["#W2378156"]),
        ("order 2378156", ["#W2378156"]),
        ("mi pedido 1012", ["ORD-1012"]),
        ("Bestellnummer: 1012", ["ORD-1012"]),
        ("commande n° 1012", ["ORD-1012"]),
        ("order 1000 pieces", []),
        ("I paid for the order 1000 dollars", []),
        ("call 555-123-4567", []),
        ("5000 mAh, WH-1000XM4, 1080p", []),
        ("ORDER nothing", []),
    ],
)
def test_order_ids(text, values):
    assert orders(text) == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("so123456", "SO123456"),
        ("SO 123456", "SO123456"),
        ("inv 1234", "INV-1234"),
        ("INV1234", "INV-1234"),
        ("#A-77", "#A-77"),
        ("a 77", "#A-77"),
    ],
)
def test_ids_of_a_tenants_own_form_are_put_right(text, value):
    assert orders(f"please check {text}!", r"SO\d{6}", r"INV-\d{4}", r"#A-\d\d") == [value]


def test_a_span_is_where_the_customer_wrote_it():
    text = "so ORD-1002 is late"
    (found,) = find_orders(text, Taken(text), ())
    assert text[found.start : found.end] == found.text == "ORD-1002"


def test_a_pattern_that_got_in_regardless_stops_nobody():
    text = "my order is " + "a" * 39 + " " + "1a" * 2000
    started = time.perf_counter()
    assert orders(text, r"(a+)+b", r"(\w+\s?)+$!", "(") == []
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Bob.Smith@Example.COM.", ["bob.smith@example.com"]),
        ("a@b.com and c+d@e.co.uk", ["a@b.com", "c+d@e.co.uk"]),
        ("bob at gmail dot com", ["bob@gmail.com"]),
        ("jane (at) web.de", ["jane@web.de"]),
        ("look at amazon.com", []),
        ("@support", []),
        ("a@b", []),
    ],
)
def test_addresses(text, values):
    assert [entity.value for entity in find_emails(text, Taken(text))] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("zip 19122", ["19122"]),
        ("postcode sw1a 1aa", ["SW1A 1AA"]),
        ("PLZ 1010", ["1010"]),
        ("I live in 80202", ["80202"]),
        ("10000 mAh", []),
        ("$19122", []),
        ("1010", []),
    ],
)
def test_postcodes(text, values):
    assert [entity.value for entity in find_postcodes(text, Taken(text))] == values


def test_what_is_taken_is_not_found_again():
    text = "ORD-19122@example.com"
    taken = Taken(text)
    assert [entity.value for entity in find_emails(text, taken)] == ["ord-19122@example.com"]
    assert list(find_orders(text, taken, ())) == []


@pytest.mark.parametrize(
    "text", ["a" * 4000, "1-" * 2000, "@" * 4000, "a@" * 2000, "a." * 2000, "order " * 700, "# " * 2000]
)
def test_hostile_texts_take_no_time(text):
    started = time.perf_counter()
    taken = Taken(text)
    list(find_emails(text, taken))
    list(find_orders(text, taken, (r"SO\d{6}",)))
    list(find_postcodes(text, taken))
    assert time.perf_counter() - started < 1.5

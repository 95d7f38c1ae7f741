"""Search, customers, timelines, and money as it is written."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.cards import in_order, written
from commerce.models import Customer, Delivery, DeliveryEvent, DeliveryStatus, Order, OrderItem, Product, Shop, Variant
from commerce.money import format_money
from commerce.queries import (
    Search,
    customer_of,
    find_product,
    order_timeline,
    order_total,
    orders_of,
    search_products,
    shop_of_tenant,
)
from commerce.queries.browsing import words_of
from tenants.models import Role
from tenants.scope import tenant_scope
from tenants.services import add_member


def add(code: str, name: str, price: str | None = "10", **values) -> Product:
    values = {"available": True, **values}
    return Product.objects.create(code=code, name=name, price=None if price is None else Decimal(price), **values)


@pytest.fixture
def catalogue(scope):
    add(
        "x1",
        "TechPro X1 Laptop",
        "1299",
        category="Laptops",
        brand="TechPro",
        reviews=212,
        rating="4.7",
        aliases=["X1"],
    )
    add("x1-16", "TechPro X1 Laptop 16", "1549", category="Laptops", brand="TechPro", reviews=61, rating="4.6")
    add("pods", "Écouteurs Élan", "199.99", category="Audio", brand="Sonar", specifications={"Works with": "laptop"})
    add("g1", "Gaming G1", None, category="Laptops", available=False, aliases=["the beast"])
    add("old", "Old Laptop", "5", category="Laptops", active=False)


def found(text: str = "", **values) -> list[str]:
    return [product.code for product in search_products(Search(text=text, **values)).products]


# ----- search -----


def test_all_words_must_be_there_as_beginnings_of_words(catalogue):
    assert found("x1 lap") == ["x1", "x1-16"]
    assert found("LAPTOP") == ["x1", "x1-16", "g1", "pods"]  # whole words in a name come first
    assert found("laptop 16") == ["x1-16"]
    assert found("ecouteurs elan") == found("Écouteurs") == ["pods"]
    assert found("aptop") == found("laptop fridge") == found("!!!") == []
    assert found("beast") == ["g1"]


def test_hostile_searches_find_nothing_and_break_nothing(catalogue):
    for text in ("\0", "'; DROP TABLE commerce_product; --", "%", "\U0010ffff", "a" * 5000, "laptop\0", "%(tenant)s"):
        found(text)
    assert words_of("A b, C! a d e f g h") == ["a", "b", "c", "d", "e", "f"]
    assert len(found()) == 4


def test_filters_sorting_and_what_a_filter_would_leave(catalogue):
    assert found(categories=("Laptops",), sort="price") == ["x1", "x1-16", "g1"]
    assert found(sort="-price")[:2] == ["x1-16", "x1"]
    assert found(sort="-price")[-1] == "g1"
    assert found(low=Decimal(200), high=Decimal(1299)) == ["x1"]
    assert found(in_stock=True, categories=("Laptops", "Audio"), brands=("Sonar",)) == ["pods"]
    assert found(sort="nonsense") == found(sort="best") == found(sort="popular")
    page = search_products(Search(brands=("TechPro",), categories=("Audio",)))
    assert page.total == 0
    assert [(facet.value, facet.count, facet.chosen) for facet in page.categories] == [
        ("Laptops", 2, False), ("Audio", 0, True),
    ]  # fmt: skip
    assert [(facet.value, facet.count) for facet in page.brands] == [("Sonar", 1), ("TechPro", 0)]


def test_pages_stay_within_what_there_is(catalogue):
    page = search_products(Search(page=9, sort="name"), size=3)
    assert (page.page, page.pages, page.total) == (2, 2, 4)
    assert [product.code for product in page.products] == ["pods"]
    assert search_products(Search(page=-1)).page == 1


def test_the_products_of_others_are_not_found(catalogue_of_other, scope):
    assert found("secret") == []
    assert find_product("secret") is None


@pytest.fixture
def catalogue_of_other(other_tenant):
    with tenant_scope(other_tenant.pk):
        add("secret", "Secret thing")


# ----- one product -----


def test_a_product_is_found_by_whatever_names_it(catalogue):
    Variant.objects.create(product=Product.objects.get(code="g1"), code="g1-32", price=1)
    for text, code in (
        ("x1-16", "x1-16"), ("g1-32", "g1"), ("techpro x1 laptop", "x1"), (" X1 ", "x1"), ("The Beast", "g1"),
        ("ecouteurs", "pods"), ("gaming", "g1"),
    ):  # fmt: skip
        assert find_product(text).code == code, text


@pytest.mark.parametrize("text", ["", " ", "laptop", "techpro", "old", "Old Laptop", "fridge", "\0"])
def test_what_is_nothing_or_several_things_is_none(catalogue, text):
    assert find_product(text) is None


# ----- customers -----


def member(tenant, name: str, email: str | None = None, *, joins: bool = True) -> User:
    user = User.objects.create_user(name, f"{name}@example.com" if email is None else email, "a long enough password")
    if joins:
        add_member(user=user, role=Role.CUSTOMER)
    return user


def test_a_user_is_the_customer_linked_to_them_or_with_their_address(scope):
    linked = member(scope, "linked")
    by_mail = member(scope, "mail")
    first = Customer.objects.create(code="c1", user=linked, email="else@example.com")
    second = Customer.objects.create(code="c2", email="MAIL@example.com")
    assert customer_of(linked) == first
    assert customer_of(by_mail) == second


def test_nobody_is_taken_for_a_customer_by_chance(scope):
    Customer.objects.create(code="c1", email="outsider@example.com")
    Customer.objects.create(code="c2", email="twice@example.com")
    Customer.objects.create(code="c3", email="twice@example.com")
    owner = member(scope, "first")
    Customer.objects.create(code="c4", email="taken@example.com", user=owner)
    Customer.objects.create(code="c5", email="")
    assert customer_of(member(scope, "outsider", joins=False)) is None
    assert customer_of(member(scope, "twice")) is None
    assert customer_of(member(scope, "taken")) is None
    assert customer_of(member(scope, "nomail", email="")) is None


def test_somebody_who_has_left_is_no_customer_any_more(scope):
    user = member(scope, "gone", joins=False)
    Customer.objects.create(code="c1", user=user)
    assert customer_of(user) is None


# ----- orders -----


@pytest.fixture
def buyer(scope) -> Customer:
    return Customer.objects.create(code="buyer", first_name="Ann")


def order(buyer: Customer, code: str = "O1", status: str = "pending", **values) -> Order:
    return Order.objects.create(code=code, customer=buyer, status=status, **values)


AT = dt.datetime(2026, 2, 3, 10, 0, tzinfo=dt.UTC)


def test_orders_come_newest_first_in_few_queries_with_totals_to_the_cent(buyer):
    for place, day in enumerate((1, 3, None, 2)):
        made = order(buyer, f"O{place}", placed_at=day and AT.replace(day=day))
        for price in ("0.10", "0.20"):
            OrderItem.objects.create(order=made, name="Pen", variant_code="p", price=Decimal(price))
    order(Customer.objects.create(code="other"), "X")
    with CaptureQueriesContext(connection) as few:
        listed = list(orders_of(buyer))
        assert [order_total(each) for each in listed] == [Decimal("0.30")] * 4
        for each in listed:
            order_timeline(each)
    assert [each.code for each in listed] == ["O1", "O3", "O0", "O2"]
    assert len(few) <= 5


def shape(timeline) -> str:
    """A letter a step: d for done, c for current, D for both, a dot for what is to come."""
    letters = {(True, True): "D", (True, False): "d", (False, True): "c", (False, False): "."}
    return "".join(letters[step.done, step.current] for step in timeline.steps)


@pytest.mark.parametrize(
    ("status", "steps", "where"),
    [
        ("pending", "c....", "ordered"),
        ("pending (item modified)", "c....", "ordered"),
        ("processed", "dc...", "packed"),
        ("delivered", "ddddD", "delivered"),
        ("return requested", "ddddD", "delivered"),
        ("exchange requested", "ddddD", "delivered"),
        ("cancelled", "d....", "cancelled"),
        ("something else", "c....", "ordered"),
    ],
)
def test_an_order_without_events_is_where_its_status_says(buyer, status, steps, where):
    made = order(buyer, status=status, placed_at=AT, expected_on=dt.date(2026, 2, 10))
    timeline = order_timeline(made)
    assert (shape(timeline), timeline.status) == (steps, where)
    assert timeline.steps[0].at == AT
    assert all(step.at is None for step in timeline.steps[1:])
    coming = where in {"ordered", "packed"}
    assert timeline.expected_on == timeline.steps[-1].day == (dt.date(2026, 2, 10) if coming else None)


def parcel(made: Order, *events: tuple[str, str], **values) -> Delivery:
    delivery = Delivery.objects.create(order=made, **values)
    for hours, (status, place) in enumerate(events):
        DeliveryEvent.objects.create(delivery=delivery, at=AT + dt.timedelta(hours=hours), status=status, place=place)
    return delivery


def test_events_give_times_and_places_and_mark_the_current_step(buyer):
    made = order(buyer, status="processed", placed_at=AT - dt.timedelta(days=1))
    parcel(
        made, ("packed", "Columbus"), ("in_transit", "Dayton"), ("in_transit", "Memphis"), tracking_codes=["T1"],
        carrier="Lakes", expected_on=dt.date(2026, 2, 10),
    )  # fmt: skip
    timeline = order_timeline(made)
    assert (shape(timeline), timeline.status, timeline.carrier) == ("ddc..", "in_transit", "Lakes")
    assert [step.place for step in timeline.steps] == ["", "Columbus", "Memphis", "", ""]
    assert timeline.steps[2].at == AT + dt.timedelta(hours=2)
    assert timeline.tracking_codes == ("T1",)
    assert timeline.steps[4].day == dt.date(2026, 2, 10)


def test_of_several_parcels_the_slowest_counts_and_each_can_be_asked_for(buyer):
    made = order(buyer, status="processed")
    fast = parcel(made, ("delivered", "Door"), tracking_codes=["T1"])
    parcel(made, ("packed", ""), tracking_codes=["T2"], position=1)
    assert order_timeline(made).status == DeliveryStatus.PACKED
    assert order_timeline(made).tracking_codes == ("T1", "T2")
    alone = order_timeline(made, fast)
    assert (shape(alone), alone.status, alone.tracking_codes) == ("ddddD", "delivered", ("T1",))


def test_a_parcel_that_goes_back_is_at_none_of_the_steps(buyer):
    made = order(buyer, status="processed")
    parcel(made, ("in_transit", "Dayton"), ("returned", "Depot"))
    timeline = order_timeline(made)
    assert timeline.status == "returned"
    assert not any(step.current for step in timeline.steps)
    assert timeline.expected_on is None


def test_a_parcel_that_tells_nothing_is_where_the_order_is(buyer):
    made = order(buyer, status="delivered")
    parcel(made, tracking_codes=["T1"])
    assert shape(order_timeline(made)) == "ddddD"


# ----- words and figures -----


def test_the_shop_has_settings_even_before_anybody_made_it(scope):
    assert shop_of_tenant().currency == "USD"
    assert not Shop.objects.exists()


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("1099.98", "USD", "en", "$1,099.98"),
        ("49.99", "EUR", "de", "49,99\xa0€"),
        ("1234567.5", "EUR", "es-MX", "1.234.567,50\xa0€"),
        ("1099.98", "EUR", "fr", "1\u202f099,98\xa0€"),
        ("-5", "GBP", "en", "-£5.00"),
        ("5", "CHF", "en", "CHF\xa05.00"),
        ("5", "CHF", "de", "5,00\xa0CHF"),
        ("0.005", "USD", "xx", "$0.01"),
        ("-0.001", "USD", "en", "$0.00"),
    ],
)
def test_money_is_written_as_the_language_does(amount, currency, language, text):
    assert format_money(Decimal(amount), currency, language) == text


def test_a_card_tells_the_short_facts_that_people_look_at_first(scope):
    facts = {
        "Size": "31 x 22",
        "Memory": "16 GB (soldered)",
        "Display": "14 inch, 400 nits",
        "Slots": 2,
        "HDMI": "None",
    }
    add("x", "X", specifications={**facts, "Modes": ["fast", "slow"]})
    (card,) = search_products(Search()).products
    assert card.summary == "14 inch, 16 GB, fast"
    assert list(in_order(facts))[:2] == ["Display", "Memory"]
    assert [written(value) for value in (True, None, 2, ["a", False])] == ["yes", "", "2", "a, no"]

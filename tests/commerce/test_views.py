"""The shop's pages, as each of the people who may open them."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.models import Complaint, Customer, Product, Refund, Return, Variant
from tenants.models import Role
from tenants.scope import tenant_scope
from tenants.services import add_member
from tests.commerce.storefront import ODD, client_of, open_shop, order, path, product, rows, text_of


@pytest.fixture
def dave(tenant) -> User:
    user = User.objects.create_user("dave", "dave@example.com", "a long enough password")
    with tenant_scope(tenant.pk):
        add_member(user=user, role=Role.CUSTOMER)
    return user


@pytest.fixture
def shop(tenant, bob, dave):
    """Bob has two orders, Dave one; Eve ordered, but has no account."""
    return open_shop(tenant, bob)


@pytest.fixture
def people(shop, alice, bob, dave, charlie):
    return {"owner": alice, "customer": bob, "other": dave, "outsider": charlie, "anonymous": None}


# ----- who may see what -----


@pytest.mark.parametrize("who", ["owner", "customer", "other", "outsider", "anonymous"])
@pytest.mark.parametrize("address", ["/acme/products/", "/acme/products/phone/", "/acme/compare/?p=phone&p=mini"])
def test_the_catalogue_is_open_to_all(people, who, address):
    response = client_of(people[who]).get(address)
    assert response.status_code == 200
    assert "SmartPhone Pro 12" in text_of(response)


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 404), ("customer", 200), ("other", 404), ("outsider", 404), ("anonymous", 302)]
)
@pytest.mark.parametrize("page", [(), ("complaint",), ("return",), ("refund",)])
def test_an_order_is_its_customers_alone(people, who, status, page):
    response = client_of(people[who]).get(path("orders", ODD, *page))
    assert response.status_code == status
    if who == "anonymous":
        assert response["Location"].startswith("/accounts/sign-in/?next=/acme/orders/")
    if status != 200:
        assert "899.99" not in text_of(response)


@pytest.mark.parametrize("page", ["complaint", "return", "refund"])
@pytest.mark.parametrize("who", ["owner", "other", "outsider", "anonymous"])
def test_nobody_else_sends_a_form(people, page, who):
    response = client_of(people[who]).post(path("orders", ODD, page), {"text": "It does not work at all."})
    assert response.status_code in {302, 404}
    assert rows(Complaint) == rows(Refund) == rows(Return) == []


@pytest.mark.parametrize(
    ("who", "seen"),
    [("owner", set()), ("customer", {ODD, "ORD-2"}), ("other", {"ORD-3"}), ("outsider", set())],
)
def test_my_orders_are_mine(people, who, seen):
    """Dave is found by his e-mail address, as a member; Charlie is none, though an address of an order is his."""
    shown = text_of(client_of(people[who]).get("/acme/orders/"))
    assert {code for code in (ODD, "ORD-2", "ORD-3", "ORD-4") if code in shown} == seen
    assert ("No orders here" in shown) == (not seen)


def test_my_orders_ask_for_the_sign_in_and_come_back(shop):
    assert client_of(None).get("/acme/orders/")["Location"] == "/accounts/sign-in/?next=/acme/orders/"


def test_another_tenant_has_none_of_it(people, other_tenant):
    for address in ("products/phone/", "orders/ORD-2/"):
        assert client_of(people["customer"]).get(f"/globex/{address}").status_code == 404
    assert "SmartPhone" not in text_of(client_of(None).get("/globex/products/"))
    assert "No orders here" in text_of(client_of(people["customer"]).get("/globex/orders/"))


# ----- the browser -----


def names(response) -> list[str]:
    return re.findall(r"<h3><a [^>]*>([^<]*)</a>", response.content.decode())


def test_search_filters_and_sorting(shop):
    visitor = client_of(None)
    assert set(names(visitor.get("/acme/products/"))) == {
        "SmartPhone Pro 12",
        "SmartPhone Mini",
        "Clear Case &lt;b&gt;",
    }
    assert names(visitor.get("/acme/products/?q=smart+min")) == ["SmartPhone Mini"]
    assert names(visitor.get("/acme/products/?category=Phones&sort=price")) == ["SmartPhone Mini", "SmartPhone Pro 12"]
    assert names(visitor.get("/acme/products/?low=$500&high=700,00")) == ["SmartPhone Mini"]
    assert names(visitor.get("/acme/products/?brand=TechPro&stock=1")) == ["SmartPhone Mini"]
    assert "Nothing found" in text_of(visitor.get("/acme/products/?q=fridge"))


def test_what_is_unfit_counts_as_not_given_and_is_kept_to_be_put_right(shop):
    response = client_of(None).get("/acme/products/?low=cheap&page=zero&sort=magic&category=%00")
    assert len(names(response)) == 3
    assert "“cheap” is no amount" in text_of(response)
    assert 'value="cheap"' in text_of(response)
    assert client_of(None).get("/acme/products/?q=%00&page=99999").status_code == 200


def test_htmx_gets_what_has_changed_with_a_short_address(shop):
    response = client_of(None).get("/acme/products/?q=mini&low=&add=case%231", headers={"HX-Request": "true"})
    assert "<html" not in text_of(response)
    assert 'id="facets" hx-swap-oob="true"' in text_of(response)
    assert response["HX-Push-Url"] == "/acme/products/?q=mini&p=case%231"


def test_the_tray_takes_at_most_four_and_gives_them_back(shop):
    visitor = client_of(None)
    page = text_of(visitor.get("/acme/products/?p=phone&add=mini&p=nothing"))
    assert "2 to compare" in page
    assert "/acme/compare/?p=phone&amp;p=mini" in page
    assert "1 to compare" in text_of(visitor.get("/acme/products/?p=phone&p=mini&drop=mini"))
    assert "to compare" not in text_of(visitor.get("/acme/products/?p=phone&drop=phone"))


def test_pages_hold_twenty_four_and_asking_costs_the_same(shop):
    def ask(address: str):
        with CaptureQueriesContext(connection) as queries:
            response = client_of(None).get(address)
        return response, len(queries)

    _, few = ask("/acme/products/")
    with tenant_scope(shop.pk):
        for number in range(30):
            product(f"n{number}", f"Cable {number}", category="Cables")
    response, many = ask("/acme/products/")
    assert few == many
    assert len(names(response)) == 24
    assert "Page 1 of 2" in text_of(response)
    assert len(names(client_of(None).get("/acme/products/?page=2"))) == 9
    assert "Page 2 of 2" in text_of(client_of(None).get("/acme/products/?page=77"))


# ----- a product, and several -----


def test_a_product_with_what_goes_with_it(shop):
    page = text_of(client_of(None).get("/acme/products/phone/"))
    for part in (
        "$899.99",
        "24 months warranty",
        "30 days",
        "Memory",
        "Clear Case &lt;b&gt;",
        "Accessory",
        "SmartPhone Mini",
    ):
        assert part in page
    assert "/acme/?about=phone" in page
    assert "/acme/products/case%231/" in page
    assert client_of(None).get("/acme/products/case%231/").status_code == 200


@pytest.mark.parametrize("code", ["nothing", "old", "a/b", "%00"])
def test_a_product_that_is_not_offered_is_not_found(shop, code):
    assert client_of(None).get(f"/acme/products/{code}/").status_code == 404


def test_a_variant_can_be_chosen(shop):
    with tenant_scope(shop.pk):
        Variant.objects.create(
            product=Product.objects.get(code="phone"), code="gold", options={"colour": "gold"}, price=950,
            available=False, position=1,
        )  # fmt: skip
    page = text_of(client_of(None).get("/acme/products/phone/?variant=gold"))
    assert "$950.00" in page
    assert "Sold out" in page
    assert "$899.99" in text_of(client_of(None).get("/acme/products/phone/?variant=nonsense"))


def test_a_comparison_puts_what_differs_first_and_says_what_is_better(shop):
    page = text_of(client_of(None).get("/acme/compare/?p=phone&p=mini&p=nothing"))
    assert re.search(r'class="best">8 GB .*?<span class="sr"> better</span>', page)
    assert re.search(r'class="best">\$599\.00', page)
    assert page.index("Price") < page.index("The same")
    assert "We do not have nothing" in page


@pytest.mark.parametrize("query", ["", "?p=phone", "?p=phone&p=phone", "?p=%00&p=nothing"])
def test_a_comparison_of_too_few_says_what_to_do(shop, query):
    assert "Choose two to four products" in text_of(client_of(None).get(f"/acme/compare/{query}"))


# ----- orders -----


def test_an_order_shows_all_of_it(people):
    page = text_of(client_of(people["customer"]).get(path("orders", ODD)))
    for part in ("$1,099.98", "SmartPhone Pro 12", "Visa ending 4242", 'aria-current="step"', "Send items back"):
        assert part in page
    assert "/acme/?order=%23W23%2F1" in page
    assert "Send items back" not in text_of(client_of(people["customer"]).get(path("orders", "ORD-2")))


def test_many_orders_cost_as_many_queries_as_few(people, tenant):
    client = client_of(people["customer"])

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(path("orders", ODD)).status_code == 200
        return len(found)

    few = queries()
    with tenant_scope(tenant.pk):
        for number in range(12):
            order(Customer.objects.get(code="bob"), f"X-{number}")
    assert queries() == few

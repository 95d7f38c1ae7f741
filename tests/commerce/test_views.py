"""The shop's pages, as each of the people who may open them."""

import re
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commerce.forms import read_amount
from commerce.models import (
    Complaint,
    Customer,
    Order,
    OrderItem,
    Payment,
    PaymentMethod,
    Product,
    Refund,
    Relation,
    Return,
    Shop,
    Variant,
)  # fmt: skip
from tenants.models import Role, Tenant
from tenants.scope import tenant_scope
from tenants.services import add_member

ODD = "#W23/1"  # a code that an address must quote


def client_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


def product(code: str, name: str, price: str = "100", **values) -> Product:
    made = Product.objects.create(code=code, name=name, price=Decimal(price), available=True, **values)
    options = {"colour": "black"}
    Variant.objects.create(product=made, code=f"{code}-1", options=options, price=Decimal(price), position=0)
    return made


def order(customer: Customer, code: str, status: str = "delivered", *pieces: tuple[str, str]) -> Order:
    made = Order.objects.create(code=code, customer=customer, status=status, placed_at=timezone.now())
    for place, (name, price) in enumerate(pieces or (("SmartPhone Pro 12", "899.99"), ("Earbuds", "199.99"))):
        OrderItem.objects.create(
            order=made, position=place, name=name, variant_code=f"{code}-{place}", price=Decimal(price),
            product_code="phone", options={"colour": "white"},
        )  # fmt: skip
    total = sum(item.price for item in made.items.all())
    Payment.objects.create(order=made, kind="payment", amount=total, method_code="card")
    return made


def customer(code: str, user: User | None, email: str) -> Customer:
    made = Customer.objects.create(code=code, user=user, first_name=code.title(), email=email)
    PaymentMethod.objects.create(customer=made, code="card", source="credit_card", brand="visa", last_four="4242")
    return made


@pytest.fixture
def dave(tenant) -> User:
    user = User.objects.create_user("dave", "dave@example.com", "a long enough password")
    with tenant_scope(tenant.pk):
        add_member(user=user, role=Role.CUSTOMER)
    return user


@pytest.fixture
def shop(tenant, bob, dave):
    """Bob has two orders, Dave one; Eve ordered, but has no account."""
    with tenant_scope(tenant.pk):
        Shop.objects.create(currency="USD", return_days=30)
        phone = product(
            "phone", "SmartPhone Pro 12", "899.99", category="Phones", rating="4.6", reviews=12, warranty_months=24,
            specifications={"Memory": "8 GB", "Display": "6.3 in"}, art="phone",
        )  # fmt: skip
        product("mini", "SmartPhone Mini", "599", category="Phones", specifications={"Memory": "6 GB"}, brand="TechPro")
        case = product("case#1", "Clear Case <b>", "19.5", category="Cases")
        Product.objects.create(code="old", name="Old Phone", active=False)
        Relation.objects.create(source=case, target=phone, kind="accessory_of")
        bobs = customer("bob", bob, "bob@example.com")
        order(bobs, ODD)
        order(bobs, "ORD-2", "pending")
        order(customer("dave", None, "dave@example.com"), "ORD-3")
        order(customer("eve", None, "charlie@example.com"), "ORD-4")
    return tenant


@pytest.fixture
def people(shop, alice, bob, dave, charlie):
    return {"owner": alice, "customer": bob, "other": dave, "outsider": charlie, "anonymous": None}


def path(*parts: str) -> str:
    return "/acme/" + "".join(f"{quote(part, safe='')}/" for part in parts)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


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
    with tenant_scope(_tenant_pk()):
        assert not Complaint.objects.exists()
        assert not Refund.objects.exists()
        assert not Return.objects.exists()


def _tenant_pk() -> int:
    return Tenant.objects.get(slug="acme").pk


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
    assert "Nothing fits" in text_of(visitor.get("/acme/products/?q=fridge"))


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
    assert "/acme/?about=%23W23%2F1" in page
    assert "Send items back" not in text_of(client_of(people["customer"]).get(path("orders", "ORD-2")))


def test_many_orders_cost_as_many_queries_as_few(people):
    client = client_of(people["customer"])

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(path("orders", ODD)).status_code == 200
        return len(found)

    few = queries()
    with tenant_scope(_tenant_pk()):
        for number in range(12):
            order(Customer.objects.get(code="bob"), f"X-{number}")
    assert queries() == few


# ----- forms -----


def send(client: Client, code: str, page: str, **values):
    form = client.get(path("orders", code, page))
    once = re.search(r'name="once" value="([^"]+)"', form.content.decode())[1]
    return client.post(path("orders", code, page), {"once": once, **values})


def rows(model) -> list:
    with tenant_scope(_tenant_pk()):
        return list(model.objects.all())


def item_ids(code: str) -> list[int]:
    with tenant_scope(_tenant_pk()):
        return list(OrderItem.objects.filter(order__code=code).values_list("pk", flat=True))


def test_a_complaint_is_filed_and_its_number_told(people):
    client = client_of(people["customer"])
    response = send(
        client, ODD, "complaint", kind="defective", text="The left one is silent.", wanted="replacement",
        items=item_ids(ODD)[1:],
    )  # fmt: skip
    (filed,) = rows(Complaint)
    assert (filed.kind, filed.items, filed.wanted) == ("defective", [f"{ODD}-1"], "replacement")
    assert filed.code in text_of(client.get(response["Location"]))


def test_what_is_missing_is_said_and_nothing_typed_is_lost(people):
    client = client_of(people["customer"])
    response = send(client, ODD, "complaint", text="Left one", wanted="advice", items=item_ids(ODD)[:1])
    page = text_of(response)
    assert response.status_code == 200
    assert "at least one full sentence" in page
    assert "Choose what comes closest" in page
    assert ">Left one</textarea>" in page
    assert re.search(rf'value="{item_ids(ODD)[0]}" checked', page)
    assert re.search('value="advice" checked', page)
    assert rows(Complaint) == []


def test_a_form_sent_twice_acts_once_and_a_changed_one_acts_again(people):
    client = client_of(people["customer"])
    once = re.search(r'name="once" value="([^"]+)"', client.get(path("orders", ODD, "complaint")).content.decode())[1]
    values = {"once": once, "kind": "late", "text": "It came three weeks late."}
    first = client.post(path("orders", ODD, "complaint"), values)
    second = client.post(path("orders", ODD, "complaint"), values)
    assert first["Location"] == second["Location"]
    assert len(rows(Complaint)) == 1
    client.post(path("orders", ODD, "complaint"), {**values, "text": "It came three weeks late, and wet."})
    assert len(rows(Complaint)) == 2


def test_a_form_without_its_id_is_to_be_sent_again(people):
    response = client_of(people["customer"]).post(
        path("orders", ODD, "complaint"), {"kind": "late", "text": "It came three weeks late.", "once": "x"}
    )
    assert response.status_code == 200
    assert "It came three weeks late." in text_of(response)
    assert rows(Complaint) == []


def test_items_are_sent_back_once(people):
    client = client_of(people["customer"])
    response = send(client, ODD, "return", items=item_ids(ODD)[:1], method="card")
    (returned,) = rows(Return)
    assert (returned.items, returned.amount) == ([f"{ODD}-0"], Decimal("899.99"))
    page = text_of(client.get(response["Location"]))
    assert "Your return is noted" in page
    assert "Return requested" in page
    assert "Send items back" not in page
    assert "noted already" in text_of(client.get(path("orders", ODD, "return")))


def test_a_return_that_cannot_be_is_refused_in_words(people):
    client = client_of(people["customer"])
    assert "once the order has been delivered" in text_of(client.get(path("orders", "ORD-2", "return")))
    response = send(client, "ORD-2", "return", items=item_ids("ORD-2")[:1], method="card")
    assert response.status_code == 200
    assert rows(Return) == []
    response = send(client, ODD, "return", items=item_ids("ORD-2"), method="dave's")
    assert response.status_code == 200
    assert rows(Return) == []
    assert "Choose at least one item" in text_of(send(client, ODD, "return", method="card"))


def test_money_is_asked_back_up_to_what_was_paid(people):
    client = client_of(people["customer"])
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


def test_a_number_in_the_address_that_is_not_theirs_says_nothing(people):
    page = text_of(client_of(people["customer"]).get(path("orders", ODD) + "?sent=CMP-9999"))
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

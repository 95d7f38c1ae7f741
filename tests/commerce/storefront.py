"""A small shop for the tests of its pages, and how they are looked at."""

import re
from decimal import Decimal
from urllib.parse import quote

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from commerce.models import (
    Customer,
    Order,
    OrderItem,
    Payment,
    PaymentMethod,
    Product,
    Relation,
    Shop,
    Variant,
)
from tenants.models import Tenant
from tenants.scope import tenant_scope

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


def open_shop(tenant: Tenant, bob: User) -> Tenant:
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


def path(*parts: str) -> str:
    return "/acme/" + "".join(f"{quote(part, safe='')}/" for part in parts)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def rows(model) -> list:
    """All rows of the tenant."""
    with tenant_scope(Tenant.objects.get(slug="acme").pk):
        return list(model.objects.all())

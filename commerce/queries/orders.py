"""Customers and their orders."""

from decimal import Decimal

from django.contrib.auth.models import User
from django.db.models import F, QuerySet

from commerce.models import Customer, Order
from commerce.money import ZERO, cents
from commerce.records import whole_orders
from tenants.models import Membership


def customer_of(user: User) -> Customer | None:
    """The customer of the tenant in scope that a signed-in user is.

    That is the customer linked to the user. Without one it is the customer with the user's e-mail address, under three
    conditions: the user is a member of this tenant (an account elsewhere with the same address proves nothing here),
    exactly one customer has that address, and no other user is linked to them. Outsiders are nobody's customer, even
    where an address fits; nor is anybody without an address.
    """
    linked: Customer | None = Customer.objects.filter(user=user).first()
    if linked is not None:
        return linked if Membership.objects.filter(user=user).exists() else None
    if not user.email or not Membership.objects.filter(user=user).exists():
        return None
    found = list(Customer.objects.filter(email__iexact=user.email)[:2])
    return found[0] if len(found) == 1 and found[0].user_id is None else None


def orders_of(customer: Customer) -> "QuerySet[Order]":
    """A customer's orders, the newest first, with all that is shown of them."""
    newest = (F("placed_at").desc(nulls_last=True), "-position", "-pk")
    return whole_orders(Order.objects.filter(customer=customer)).order_by(*newest)


def order_total(order: Order) -> Decimal:
    """What the items of an order cost, to the cent."""
    return cents(sum((item.price for item in order.items.all()), ZERO))

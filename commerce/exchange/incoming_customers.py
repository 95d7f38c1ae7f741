"""Customers who come in."""

from commerce.exchange.reading import Fields
from commerce.exchange.rows import put_rows
from commerce.models import Customer, PaymentMethod, PaymentSource
from commerce.records import ADDRESS
from commerce.services.addresses import MAX_PART

CUSTOMER = ("first_name", "last_name", "email", *ADDRESS)
METHOD = ("source", "brand", "last_four", "balance", "position")
DIGITS = 4  # of a card that are kept


def take_customers(top: Fields) -> dict[str, int]:
    """Customers with their payment methods, which replace those they had; returns how many there are of each."""
    customers: list[Customer] = []
    methods: list[PaymentMethod] = []
    for code, fields in top.named("users", "customer", "user_id"):
        customers.append(_read_customer(code, fields))
        for position, (method_code, own) in enumerate(fields.named("payment_methods", "payment method", "id")):
            methods.append(_read_method(customers[-1], method_code, position, own))
        fields.texts("orders")  # `take_orders` takes them
        fields.close()
    top.report.refuse()
    put_rows(customers, by=("code",), set_fields=CUSTOMER)
    _drop_others(customers, methods)
    for method in methods:
        method.customer_id = method.customer.pk
    put_rows(methods, by=("customer", "code"), set_fields=METHOD)
    return {"customers": len(customers), "payment_methods": len(methods)}


def _read_customer(code: str, fields: Fields) -> Customer:
    name, address = fields.part("name"), fields.part("address")
    customer = Customer(
        code=code,
        first_name=name.text("first_name", limit=100),
        last_name=name.text("last_name", limit=100),
        email=fields.text("email", limit=254),
        **read_address(address),
    )
    name.close()
    return customer


def read_address(fields: Fields) -> dict[str, str]:
    """The parts of an address."""
    parts = {name: fields.text(name, limit=MAX_PART[name]) for name in ADDRESS}
    fields.close()
    return parts


def _read_method(customer: Customer, code: str, position: int, fields: Fields) -> PaymentMethod:
    source = fields.choice("source", PaymentSource.values, "")
    has_balance = fields.has("balance")
    method = PaymentMethod(
        customer=customer,
        code=code,
        source=source,
        brand=fields.text("brand", limit=40),
        last_four=fields.text("last_four"),
        balance=fields.money("balance", required=False) if has_balance else None,
        position=position,
    )
    if method.last_four and not (len(method.last_four) == DIGITS and method.last_four.isdecimal()):
        fields.error("“last_four” must be the last four digits, and no more")
        method.last_four = ""
    if has_balance and source != PaymentSource.GIFT_CARD:
        fields.error("only a gift card has a balance")
    fields.close()
    return method


def _drop_others(customers: list[Customer], methods: list[PaymentMethod]) -> None:
    """Removes the payment methods that the data no longer has."""
    kept = {(method.customer.pk, method.code) for method in methods}
    there = PaymentMethod.objects.filter(customer__in=[customer.pk for customer in customers])
    gone = [
        pk
        for pk, customer_id, code in there.values_list("pk", "customer_id", "code")
        if (customer_id, code) not in kept
    ]
    PaymentMethod.objects.filter(pk__in=gone).delete()

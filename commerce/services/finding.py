"""Finding what a customer names, among what is theirs."""

import re

from commerce.models import Customer, Order, PaymentMethod
from commerce.services.errors import CommerceError, NotFound

MAX_NEAR = 5
#: Shorter codes are one edit away from too many others.
MIN_CODE = 4


def find_order(customer: Customer, text: str) -> Order:
    """The customer's order of this number, however its letters and signs are written: "ord1002" is "ORD-1002".

    Raises:
        NotFound: when no order of theirs has it, or several may be meant.
    """
    orders = Order.objects.filter(customer=customer)
    codes, bare = list(orders.values_list("code", flat=True)), _bare(text)
    found = [text] if text in codes else [code for code in codes if bare and _bare(code) == bare]
    if len(found) != 1:
        raise NotFound(f"Order {text[:80]} was not found.")
    order: Order = orders.get(code=found[0])
    return order


def near_orders(customer: Customer, text: str) -> list[Order]:
    """The customer's own orders whose numbers are one slip of the pen away from this text, newest first."""
    bare = _bare(text)
    if len(bare) < MIN_CODE:
        return []
    orders = Order.objects.filter(customer=customer)
    digits = re.sub(r"\D", "", bare)
    found = [
        code
        for code in orders.values_list("code", flat=True)
        if one_slip(_bare(code), bare) or (len(digits) >= MIN_CODE and re.sub(r"\D", "", code) == digits)
    ]
    return list(orders.filter(code__in=found)[:MAX_NEAR])


def one_slip(left: str, right: str) -> bool:
    """Whether one letter more, less or other, or two neighbours swapped, make one text of the other; or nothing."""
    if len(left) > len(right):
        left, right = right, left
    same = 0
    while same < len(left) and left[same] == right[same]:
        same += 1
    rest, longer = left[same:], right[same:]
    if len(left) == len(right):
        swapped = len(rest) > 1 and rest[:2] == longer[1::-1] and rest[2:] == longer[2:]
        return swapped or rest[1:] == longer[1:]
    return len(right) - len(left) == 1 and rest == longer[1:]


def lock_order(customer: Customer, text: str) -> tuple[Order, dict[str, PaymentMethod]]:
    """The customer's order and their payment methods by code, kept from other changes until the transaction ends."""
    order: Order = Order.objects.select_for_update().get(pk=find_order(customer, text).pk)
    order.customer = customer
    return order, lock_methods(customer)


def lock_methods(customer: Customer) -> dict[str, PaymentMethod]:
    """The customer's payment methods by code, kept from other changes until the transaction ends."""
    methods = PaymentMethod.objects.select_for_update().filter(customer=customer).order_by("pk")
    return {method.code: method for method in methods}


def method_of(methods: dict[str, PaymentMethod], code: str) -> PaymentMethod:
    """The payment method of this code; raises NotFound."""
    if code not in methods:
        raise NotFound(f"Payment method {code[:80]} was not found.")
    return methods[code]


def require_status(order: Order, allowed: bool, what: str) -> None:
    """Raises "wrong_status" where the order is not one that this may be done to."""
    if not allowed:
        raise CommerceError("wrong_status", f"Order {order.code} is {order.status}; {what}.")


def _bare(code: str) -> str:
    return re.sub(r"[\W_]+", "", code).casefold()

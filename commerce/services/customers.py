"""Who a customer is, and where they live."""

from typing import Unpack

from django.db.models import QuerySet

from commerce.models import Customer
from commerce.money import ZERO
from commerce.records import DEFAULT_CURRENCY, address_record, customer_record
from commerce.services.addresses import AddressFields, checked_address
from commerce.services.changes import Change, run_once
from commerce.services.errors import NotFound
from tenants.services import record_audit


def find_customer_by_email(email: str) -> Customer:
    """The customer with this e-mail address, in whatever case; raises NotFound."""
    return _only(Customer.objects.filter(email__iexact=_plain(email)) if _plain(email) else Customer.objects.none())


def find_customer_by_name(*, first_name: str, last_name: str, postcode: str) -> Customer:
    """The customer with this name, in whatever case, and postcode; raises NotFound, also where it may be several."""
    if not all(map(_plain, (first_name, last_name, postcode))):
        raise NotFound("No such customer was found.")
    return _only(
        Customer.objects.filter(
            first_name__iexact=_plain(first_name), last_name__iexact=_plain(last_name), zip__iexact=_plain(postcode)
        )
    )


def change_customer_address(
    *, customer: Customer, actor: str, key: str = "", **address: Unpack[AddressFields]
) -> Change:
    """Gives a customer another default address; parts that are not named are empty; orders keep theirs.

    Raises:
        CommerceError: bad_address.
    """
    return run_once(
        name="change_customer_address",
        customer=customer,
        key=key,
        change=lambda: _change_address(customer, address, actor),
    )


def _change_address(customer: Customer, address: AddressFields, actor: str) -> Change:
    row: Customer = Customer.objects.select_for_update().get(pk=customer.pk)
    before = address_record(row)
    for name, value in checked_address(address).items():
        setattr(row, name, value)
    row.save(update_fields=list(before))
    record_audit(actor=actor, action="customer.address_changed", target=row.code)
    return Change(
        name="change_customer_address",
        order="",
        lines=(),
        amount=ZERO,
        currency=DEFAULT_CURRENCY,
        method=None,
        result=customer_record(row),
        detail={"address": address_record(row), "before": before},
    )


def _only(customers: QuerySet[Customer]) -> Customer:
    found = list(customers[:2])
    if len(found) != 1:
        raise NotFound("No such customer was found.")
    return found[0]


def _plain(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())

"""Addresses as they come in."""

from typing import TypedDict

from commerce.records import ADDRESS
from commerce.services.errors import CommerceError

#: Characters of each part.
MAX_PART = {"address1": 200, "address2": 200, "city": 100, "state": 100, "country": 100, "zip": 20}


class AddressFields(TypedDict, total=False):
    """The parts of an address; those that are not named are empty."""

    address1: str
    address2: str
    city: str
    state: str
    country: str
    zip: str


def checked_address(address: AddressFields) -> dict[str, str]:
    """All parts of the address, with blanks trimmed.

    Raises:
        CommerceError: "bad_address" without street or city, or with a part that is too long or no plain text.
    """
    parts = {name: str(address.get(name, "")).strip() for name in ADDRESS}
    if not parts["address1"] or not parts["city"]:
        raise CommerceError("bad_address", "An address needs a street and a city.")
    for name, value in parts.items():
        if len(value) > MAX_PART[name] or not value.isprintable():
            raise CommerceError("bad_address", f"The {name} of the address is too long, or is not plain text.")
    return parts

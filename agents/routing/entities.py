"""What a message names: orders, e-mail addresses, products, dates, amounts, quantities and postcodes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["order", "email", "product", "date", "amount", "quantity", "postcode"]
Value = str | Decimal | date | int
MAX_TEXT = 4000  # characters of a message that are looked at


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing a message names.

    Attributes:
        kind: what it is.
        value: normalised: the order id or product code in the shop's spelling, the address in lower case, a
            `datetime.date`, a Decimal, a whole number.
        text: as the customer wrote it, `message[start:end]`.
        start: character offset in the message.
        end: character offset behind it.
        score: how sure this is, 0 to 1; 1 = the form allows nothing else.
        label: a product's name, an amount's currency (ISO 4217); empty otherwise.
    """

    kind: Kind
    value: Value
    text: str
    start: int
    end: int
    score: float = 1.0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Entities:
    """The entities of one message by kind, each in the order of the message and without repeats."""

    orders: tuple[Entity, ...] = ()
    emails: tuple[Entity, ...] = ()
    products: tuple[Entity, ...] = ()
    dates: tuple[Entity, ...] = ()
    amounts: tuple[Entity, ...] = ()
    quantities: tuple[Entity, ...] = ()
    postcodes: tuple[Entity, ...] = ()

    def __iter__(self) -> Iterator[Entity]:
        """All of them."""
        for field in fields(self):
            yield from getattr(self, field.name)

    def values(self) -> dict[str, list[str | int]]:
        """The values by kind ("orders", "emails" …), as JSON can hold them; kinds without any are left out."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: [_plain(entity.value) for entity in group] for name, group in found.items() if group}


def _plain(value: Value) -> str | int:
    return value if isinstance(value, int | str) else str(value)


class Taken:
    """Which characters of a message belong to an entity already: what is an e-mail address is no order as well."""

    def __init__(self, text: str) -> None:
        """Begin with nothing taken of `text`."""
        self._taken = bytearray(len(text))

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing between the two is taken."""
        return not any(self._taken[start:end])

    def take(self, start: int, end: int) -> bool:
        """Take what lies between the two; False when some of it was taken."""
        if not self.is_free(start, end):
            return False
        self._taken[start:end] = b"\1" * (end - start)
        return True


def without_repeats(found: list[Entity]) -> tuple[Entity, ...]:
    """In the order of the message, the first mention of each value."""
    first: dict[Value, Entity] = {}
    for entity in sorted(found, key=lambda entity: entity.start):
        first.setdefault(entity.value, entity)
    return tuple(first.values())

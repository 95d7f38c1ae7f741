"""Products as lists show them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

#: Columns of commerce_product, as `p`, in the order of ProductCard's fields.
CARD_COLUMNS = (
    "p.code, p.name, p.brand, p.category, p.price, p.available, p.rating, p.reviews, p.warranty_months, p.art, "
    "p.specifications"
)
CARD_SIZE = len(CARD_COLUMNS.split(", "))
SUMMARY_FACTS = 4  # specifications in the line below a name
SUMMARY_LENGTH = 20  # characters of a specification that fits there
#: What people look at first; the database keeps specifications in no order of the shop's.
FIRST = (
    "display", "screen size", "screen", "processor", "memory", "ram", "storage", "capacity", "output", "power",
    "usb-c output", "battery life", "battery", "noise cancelling", "connection", "connector", "connects by",
    "interface", "speed", "camera", "material", "colour", "color", "layout", "weight",
)  # fmt: skip
NOTHING = frozenset({"", "-", "no", "none", "n/a", "yes"})  # values that say nothing without their name
WITHOUT = ("none ", "not ", "no ")  # the beginning of values that say that something is missing


@dataclass(frozen=True, slots=True)
class ProductCard:
    """A product in a list. `price` is in the shop's currency, None where nothing of it has a price."""

    code: str
    name: str
    brand: str
    category: str
    price: Decimal | None
    available: bool
    rating: Decimal | None
    reviews: int | None
    warranty_months: int | None
    art: str
    specifications: dict[str, Any]

    @property
    def summary(self) -> str:
        """A line of short specifications, each to its first comma: “14 inch, Core i7, 16 GB, 12 hours”."""
        values = (re.split(r"[,;(]", written(value))[0].strip() for value in in_order(self.specifications).values())
        fitting = [value for value in values if _tells(value)]
        return ", ".join(dict.fromkeys(fitting[:SUMMARY_FACTS]))


def _tells(value: str) -> bool:
    """Whether a value is short and says something without its name: “12 hours”, not “12”, “3 x 4” or “none”."""
    return (
        len(value) <= SUMMARY_LENGTH
        and value.lower() not in NOTHING
        and not value.lower().startswith(WITHOUT)
        and not re.fullmatch(r"[\W\d_x]*", value)
    )


def in_order(specifications: Mapping[str, Any]) -> dict[str, Any]:
    """The specifications with what people look at first in front."""
    rank = {name: place for place, name in enumerate(FIRST)}
    return dict(sorted(specifications.items(), key=lambda entry: rank.get(entry[0].lower(), len(rank))))


def written(value: object) -> str:
    """The value of a specification or option as people read it: lists with commas, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(written(part) for part in value)
    return "" if value is None else str(value).strip()

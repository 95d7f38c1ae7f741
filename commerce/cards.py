"""Products as lists show them."""

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
SUMMARY_LENGTH = 28  # characters of a specification that fits there


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
        """A line of short specifications: “14″, Core i7, 16 GB”."""
        values = [text for value in self.specifications.values() if 0 < len(text := written(value)) <= SUMMARY_LENGTH]
        return ", ".join(values[:SUMMARY_FACTS])


def written(value: object) -> str:
    """The value of a specification or option as people read it: lists with commas, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(written(part) for part in value)
    return "" if value is None else str(value).strip()

"""Products side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from commerce.cards import CARD_COLUMNS, CARD_SIZE, ProductCard, in_order, written
from commerce.graph.quantities import best_amounts, best_of
from commerce.graph.rows import as_json, card, fetch


class RowKind(StrEnum):
    """What a row of a comparison tells."""

    PRICE = "price"
    RATING = "rating"
    WARRANTY = "warranty"
    """Amounts in months."""
    AVAILABLE = "available"
    """Amounts 1 and 0."""
    SPECIFICATION = "specification"
    OPTION = "option"
    """What can be chosen: all values of the variants."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One line: a text for each product, in their order, empty where it is not known.

    `amounts` has numbers for the first four kinds, whose texts are without currency and unit, and None elsewhere.
    `best` holds the places of the better ones; it is empty where that cannot be known.
    """

    kind: RowKind
    name: str
    values: tuple[str, ...]
    amounts: tuple[Decimal | None, ...]
    differs: bool
    best: frozenset[int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Products in the order asked for, rows with those that differ first, and the codes that are unknown."""

    products: tuple[ProductCard, ...]
    rows: tuple[ComparisonRow, ...]
    unknown: tuple[str, ...]


_SQL = f"""
SELECT {CARD_COLUMNS}, (
    SELECT jsonb_object_agg(chosen.name, chosen.choices) FROM (
        SELECT o.key AS name, jsonb_agg(DISTINCT o.value) AS choices
        FROM commerce_variant v, jsonb_each(CASE jsonb_typeof(v.options) WHEN 'object' THEN v.options END) AS o
        WHERE v.tenant_id = %(tenant)s AND v.product_id = p.id GROUP BY o.key
    ) AS chosen
)
FROM commerce_product p WHERE p.tenant_id = %(tenant)s AND p.code = ANY(%(codes)s) AND p.active
"""  # noqa: S608 (made of the constants above)

_PLAIN: tuple[tuple[RowKind, int, Callable[[ProductCard], Decimal | int | None]], ...] = (
    (RowKind.PRICE, -1, lambda product: product.price),
    (RowKind.RATING, 1, lambda product: product.rating),
    (RowKind.WARRANTY, 1, lambda product: product.warranty_months),
    (RowKind.AVAILABLE, 1, lambda product: int(product.available)),
)


def compare(codes: Sequence[str]) -> Comparison:
    """The products with these codes side by side: price, rating, warranty, availability, specifications, options."""
    wanted = list(dict.fromkeys(codes))
    found: dict[str, tuple[ProductCard, dict[str, Any]]] = {
        row[0]: (card(row), as_json(row[CARD_SIZE]) or {}) for row in fetch(_SQL, {"codes": wanted})
    }
    products = [found[code][0] for code in wanted if code in found]
    options = [found[code][1] for code in wanted if code in found]
    rows = [*_plain_rows(products), *_specification_rows(products), *_option_rows(products, options)]
    return Comparison(
        products=tuple(products),
        rows=tuple(sorted(rows, key=lambda row: not row.differs)),
        unknown=tuple(code for code in wanted if code not in found),
    )


def _plain_rows(products: Sequence[ProductCard]) -> list[ComparisonRow]:
    rows = []
    for kind, wanted, read in _PLAIN:
        amounts = tuple(None if (value := read(product)) is None else Decimal(value) for product in products)
        if any(amount is not None for amount in amounts):
            values = tuple("" if amount is None else str(amount) for amount in amounts)
            best = best_amounts(wanted, amounts)
            rows.append(ComparisonRow(kind, kind.value, values, amounts, len(set(amounts)) > 1, best))
    return rows


def _specification_rows(products: Sequence[ProductCard]) -> list[ComparisonRow]:
    names = dict.fromkeys(name for product in products for name in in_order(product.specifications))
    return [
        _row(RowKind.SPECIFICATION, name, [written(product.specifications.get(name)) for product in products])
        for name in names
    ]


def _option_rows(products: Sequence[ProductCard], options: Sequence[dict[str, Any]]) -> list[ComparisonRow]:
    """Options that no specification has told already."""
    told = {name.casefold() for product in products for name in product.specifications}
    names = dict.fromkeys(name for choices in options for name in choices if name.casefold() not in told)
    return [_row(RowKind.OPTION, name, [written(choices.get(name)) for choices in options]) for name in names]


def _row(kind: RowKind, name: str, values: Sequence[str]) -> ComparisonRow:
    differs = len({value.casefold() for value in values}) > 1
    best = best_of(name, values) if differs and kind == RowKind.SPECIFICATION else frozenset()
    return ComparisonRow(kind, name, tuple(values), (None,) * len(values), differs, best)

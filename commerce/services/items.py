"""Which pieces of an order are meant, and what may take their place."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from commerce.models import Order, OrderItem, Variant
from commerce.money import ZERO
from commerce.services.changes import Line
from commerce.services.errors import CommerceError, NotFound


@dataclass(frozen=True, slots=True)
class Swap:
    """A piece of an order and the variant that is to take its place."""

    item: OrderItem
    variant: Variant

    def line(self) -> Line:
        return Line(
            item=self.item.variant_code,
            name=self.item.name,
            options=self.item.options,
            price=self.item.price,
            new_item=self.variant.code,
            new_options=self.variant.options,
            new_price=self.variant.price,
        )


def pieces_of(order: Order, item_codes: Sequence[str]) -> list[OrderItem]:
    """The pieces of the order that the codes name, in the order of the codes; a code that repeats names another piece.

    Raises:
        NotFound: an item is not in the order, or not as often as named.
        CommerceError: "no_items" when none is named.
    """
    if not item_codes:
        raise CommerceError("no_items", "No items were named.")
    left: dict[str, list[OrderItem]] = defaultdict(list)
    for item in order.items.all():
        left[item.variant_code].append(item)
    pieces = []
    for code in item_codes:
        if not left[code]:
            often = " that often" if item_codes.count(code) > 1 else ""
            raise NotFound(f"Item {code[:80]} is not in order {order.code}{often}.")
        pieces.append(left[code].pop(0))
    return pieces


def swaps_of(order: Order, item_codes: Sequence[str], new_item_codes: Sequence[str], *, may_keep: bool) -> list[Swap]:
    """Each named piece with the variant of its product that is to take its place.

    Args:
        order: whose pieces.
        item_codes: the pieces, as for `pieces_of`.
        new_item_codes: the new item of each.
        may_keep: whether a piece may be swapped for another of the very same item.

    Raises:
        NotFound: as `pieces_of`; a new item is no variant of the piece's product.
        CommerceError: no_items, lists_differ, same_item, unavailable.
    """
    pieces = pieces_of(order, item_codes)
    if len(pieces) != len(new_item_codes):
        raise CommerceError("lists_differ", "There must be one new item for each item, in the same order.")
    offered = Variant.objects.select_related("product").filter(product__code__in={p.product_code for p in pieces})
    variants = {variant.code: variant for variant in offered}
    return [
        Swap(piece, _substitute(piece, variants.get(code), code, may_keep=may_keep))
        for piece, code in zip(pieces, new_item_codes, strict=True)
    ]


def _substitute(piece: OrderItem, variant: Variant | None, code: str, *, may_keep: bool) -> Variant:
    if piece.variant_code == code and not may_keep:
        raise CommerceError("same_item", f"Item {code} is in the order already: choose another.")
    if variant is None or variant.product.code != piece.product_code:
        raise NotFound(f"Item {code[:80]} is not a variant of {piece.name}.")
    if not variant.available:
        raise CommerceError("unavailable", f"Item {code} of {piece.name} is not available.")
    return variant


def difference_of(swaps: Sequence[Swap]) -> Decimal:
    """What the new pieces cost more than the old; below zero when they cost less."""
    return sum((swap.variant.price - swap.item.price for swap in swaps), ZERO)


def lines_of(order: Order) -> tuple[Line, ...]:
    """All pieces of the order."""
    return lines_of_items(list(order.items.all()))


def lines_of_items(items: Sequence[OrderItem]) -> tuple[Line, ...]:
    """These pieces."""
    return tuple(Line(item=item.variant_code, name=item.name, options=item.options, price=item.price) for item in items)

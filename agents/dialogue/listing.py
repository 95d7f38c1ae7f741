"""Products in lists: a line each, and the card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.dialogue.saying import plain
from agents.tools.cards import products_card
from commerce.cards import ProductCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.dialogue.talk import Talk
    from commerce.models import Product

SHOWN = 6


def as_card(product: Product) -> ProductCard:
    """Return a product as lists show it."""
    return ProductCard(
        code=product.code,
        name=product.name,
        brand=product.brand,
        category=product.category,
        price=product.price,
        available=product.available,
        rating=product.rating,
        reviews=product.reviews,
        warranty_months=product.warranty_months,
        art=product.art,
        specifications=product.specifications if isinstance(product.specifications, dict) else {},
    )


def show(talk: Talk, cards: Sequence[ProductCard]) -> None:
    """Show products and remember them."""
    if cards:
        talk.cards.append(products_card(cards[:SHOWN], talk.currency, talk.language))
        talk.state.saw_products([card.code for card in cards[:SHOWN]])


def product_line(talk: Talk, card: ProductCard) -> str:
    """Return a product on one line."""
    stock = talk.words("in_stock" if card.available else "out_of_stock")
    if card.price is None:
        return f"- {plain(card.name)}: {stock}."
    return "- " + talk.words("product_line", name=plain(card.name), price=talk.money(card.price), stock=stock)

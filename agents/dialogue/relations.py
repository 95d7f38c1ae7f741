"""How products stand to one another: what fits, what is similar, what is a step up, what is bought together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.dialogue.listing import SHOWN, as_card, product_line, show
from agents.dialogue.references import content
from agents.dialogue.saying import plain
from commerce.graph import compatible_with, how_related, similar_to
from commerce.models import Product, Relation, RelationKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.dialogue.state import Request
    from agents.dialogue.talk import Talk
    from commerce.cards import ProductCard

FITTING = 10
"""Products listed that go with another."""
WHICH = re.compile(r"\b(?:which|what|welche[rsmn]?|was|qu[eé]|cu[aá]l(?:es)?|quel(?:le)?s?)\b", re.IGNORECASE)


def fits(talk: Talk, request: Request, products: list[Product]) -> None:
    """What goes with a product, narrowed by the kind that is asked for; with two products, whether they fit."""
    if not talk.uses("find_compatible"):
        talk.ask_documents(request.text)
        return
    if len(products) > 1 and not WHICH.search(request.text):
        _fit_of_two(talk, request, products[0], products[1])
        return
    product = products[-1]
    found = [hit.product for hit in compatible_with(product.code, limit=40)]
    wanted = content(request.text) - content(product.name)
    scored = [(2 * len(wanted & content(card.name)) + len(wanted & content(card.category)), card) for card in found]
    cards = (_sharpest(scored) or found)[:FITTING]
    if not cards:
        talk.say("fits_none", name=plain(product.name))
        return
    lines = [product_line(talk, card) for card in cards]
    talk.say_list("fits" if len(cards) > 1 else "fits_only", lines, name=plain(product.name))
    show(talk, cards)
    talk.state.product = product.code


def _sharpest(scored: list[tuple[int, ProductCard]]) -> list[ProductCard]:
    best = max((score for score, _ in scored), default=0)
    return [card for score, card in scored if score == best] if best else []


def _fit_of_two(talk: Talk, request: Request, first: Product, second: Product) -> None:
    hit = next((hit for hit in compatible_with(first.code, limit=200) if hit.product.code == second.code), None)
    names = {"name": plain(first.name), "other": plain(second.name)}
    if hit is None:
        talk.ask_documents(request.text)
    elif hit.kind == "rule":
        talk.say("fits_yes", **names, reason=plain(hit.reason))
    else:
        talk.say("fits_yes_plain", **names)
    show(talk, [as_card(first), as_card(second)])


def similar(talk: Talk, request: Request, products: list[Product]) -> None:
    """What is like a product."""
    if not talk.uses("find_similar"):
        talk.ask_documents(request.text)
        return
    cards = [hit.product for hit in similar_to(products[0].code, limit=SHOWN)]
    _tell_list(talk, products[0], cards, "similar")


def upgrades(talk: Talk, request: Request, products: list[Product]) -> None:
    """What is a step up from a product."""
    del request
    rows = Relation.objects.filter(target=products[0], kind=RelationKind.UPGRADE, source__active=True)
    cards = [as_card(row.source) for row in rows.select_related("source").order_by("-weight")[:SHOWN]]
    _tell_list(talk, products[0], cards, "upgrades")


def bought(talk: Talk, request: Request, products: list[Product]) -> None:
    """What is often bought together with a product."""
    del request
    product = products[0]
    ways = (("source", "target"), ("target", "source"))
    found = {
        row_product.code: row_product
        for mine, other in ways
        for row in Relation.objects.filter(**{mine: product}, kind=RelationKind.BOUGHT)
        .select_related(other)
        .order_by("-weight")[:SHOWN]
        if (row_product := getattr(row, other)).active
    }
    _tell_list(talk, product, [as_card(each) for each in found.values()][:SHOWN], "bought_with", none="similar_none")


def related(talk: Talk, request: Request, products: list[Product]) -> None:
    """How two products are related."""
    if len(products) < 2:  # noqa: PLR2004 (a relation has two ends)
        fits(talk, request, products)
        return
    first, second = products[:2]
    path = how_related(first.code, second.code)
    if path is None:
        talk.say("related_none", first=plain(first.name), second=plain(second.name))
    else:
        talk.say("related", path=plain(str(path)))
    show(talk, [as_card(first), as_card(second)])


def _tell_list(talk: Talk, product: Product, cards: Sequence[ProductCard], key: str, none: str = "") -> None:
    if not cards:
        talk.say(none or f"{key}_none", name=plain(product.name))
        return
    talk.say_list(key, [product_line(talk, card) for card in cards], name=plain(product.name))
    show(talk, cards)

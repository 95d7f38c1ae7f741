"""Questions about products: price, stock, specifications, what fits, what is similar, what there is."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.dialogue import goals, relations
from agents.dialogue.comparison import answer_comparison
from agents.dialogue.finding import order_of
from agents.dialogue.listing import SHOWN, as_card, product_line, show
from agents.dialogue.references import content, is_place, items_named, places_in, refers_back
from agents.dialogue.saying import described, listed, plain
from agents.dialogue.specifications import (
    PRICE,
    QUESTION,
    RATING,
    STOCK,
    WARRANTY,
    asked_facts,
    find_choices,
    find_facts,
    is_about_a_part,
)
from agents.dialogue.talk import Part
from commerce.models import Product
from commerce.queries import Search, search_products

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.dialogue.state import Request
    from agents.dialogue.talk import Talk

MONTHS_A_YEAR = 12
ABOUT = re.compile(
    r"^\W*(?:(?:please|can you|could you|hi|hello)\W+)*(?:tell (?:me|us)|show (?:me|us)|describe|give me|what is|what's|info\w*|details|specs?|features|i want to know (?:more )?about|let me see|h[aá]bleme|cu[eé]nt\w+|inf[oó]rm\w+|qu[eé] es|detalles|erz[äa]hl\w*|zeig\w*|was ist|infos?|beschreib\w*|parle[zr]?|qu['’]est-ce que|montre\w*|d[ée]cri\w*)\b|\b(?:specs?|specifications|features|more about|informaci[oó]n sobre|informationen|technische daten|caract[ée]ristiques)\b",
    re.IGNORECASE,
)
UNDER = re.compile(
    r"\b(?:under|below|less than|cheaper than|up to|at most|max(?:imum)?|menos de|por debajo de|hasta|unter|bis(?: zu)?|weniger als|h[öo]chstens|moins de|jusqu['’][àa])\b",
    re.IGNORECASE,
)
OVER = re.compile(
    r"\b(?:over|above|more than|at least|from|m[aá]s de|über|mehr als|mindestens|ab|plus de|au moins)\b", re.IGNORECASE
)
BARE_AMOUNT = re.compile(r"(?<![\w.])(\d{2,6}(?:[.,]\d{2})?)(?![\w.])")
CHEAPEST = re.compile(
    r"\b(?:cheapest|lowest price|m[aá]s barat\w+|g[üu]nstigste\w*|billigste\w*|moins ch[eè]re?)\b", re.IGNORECASE
)


def answer_products(talk: Talk, request: Request) -> None:
    """Answer a question about products; what the records do not tell is left to the documents."""
    if request.goal == goals.COMPARE:
        answer_comparison(talk, request, resolve_products(talk, request))
    elif request.goal == goals.SEARCH:
        _search(talk, request)
    else:
        products = resolve_products(talk, request)
        teller = {
            goals.FITS: relations.fits, goals.SIMILAR: relations.similar, goals.UPGRADE: relations.upgrades, goals.BOUGHT: relations.bought, goals.RELATED: relations.related,
        }.get(request.goal, _about)  # fmt: skip
        if products:
            teller(talk, request, products)
        elif request.goal == goals.PRODUCT and (request.back or request.place is not None):
            talk.ask_documents(request.text)
        else:
            _search(talk, request)
    talk.end_paragraph()


def resolve_products(talk: Talk, request: Request) -> list[Product]:
    """Return the products a request names or refers back to."""
    if owned := _from_order(talk, request):
        return owned
    if request.products:
        named = talk.products(request.products)
        if request.goal == goals.COMPARE and len(named) == 1:
            return [*(p for p in _mentioned(talk, request) if p.code != named[0].code), *named]
        return named
    return _mentioned(talk, request)


def _from_order(talk: Talk, request: Request) -> list[Product]:
    """The product of an order that is named: "the laptop from ORD-1001"."""
    for number in request.orders[:1]:
        order = order_of(talk, number)
        if order:
            items = list(order.items.all())
            kinds = dict(
                Product.objects.filter(code__in=[i.product_code for i in items]).values_list("code", "category")
            )
            named = items_named(items, request.text, kinds) or (items if len(items) == 1 else [])
            return talk.products(item.product_code for item in named)
    return []


def _mentioned(talk: Talk, request: Request) -> list[Product]:
    """The products that "it", "the second one" or "both" mean."""
    state = talk.state
    places = places_in(request.text)
    if request.goal == goals.COMPARE and len(places) > 1:
        return talk.products([state.products[each] for each in places if is_place(each, state.products)])
    place = request.place
    if place is not None and is_place(place, state.products):
        return talk.products([state.products[place]])
    if request.goal == goals.COMPARE:
        return talk.products(state.products[:4] if not request.products else state.products[:1])
    if not state.product or not (refers_back(request.text) or len(request.text.split()) <= 6):  # noqa: PLR2004 (words of an afterthought)
        return []
    by_kind = [
        p for p in talk.products(state.products) if content(request.text) & (content(p.category) | content(p.name))
    ]
    return by_kind[:1] or talk.products([state.product])


def _about(talk: Talk, request: Request, products: list[Product]) -> None:
    """Say what is asked of each product: to the point, or a summary, or let the documents answer."""
    if not talk.uses("get_product_details"):
        talk.ask_documents(request.text)
        return
    asked = asked_facts(request.text)
    told = [product for product in products if _tell(talk, product, request.text, asked)]
    if not told and (ABOUT.search(request.text) or _only_names(request, products)):
        for product in products:
            _summary(talk, product)
        told = products
    if told:
        show(talk, [as_card(product) for product in products])
        return
    talk.state.saw_products([product.code for product in products])
    talk.ask_documents(request.text if request.products else f"{request.text} ({products[0].name})")


def _only_names(request: Request, products: list[Product]) -> bool:
    """Whether a clause says nothing beside names: "And the UltraBook 13?"."""
    names = set().union(*(content(f"{p.name} {p.code} {' '.join(map(str, p.aliases or []))}") for p in products))
    return not content(request.text) - names


def _tell(talk: Talk, product: Product, text: str, asked: Sequence[str]) -> bool:
    """Say the asked facts of one product; returns whether there was anything to say."""
    tellers = {PRICE: _price, STOCK: _stock, WARRANTY: _warranty, RATING: _rating}
    choices = None if QUESTION.search(text) else find_choices(product, text)
    if choices:
        _, values, missing = choices
        talk.say(
            "product_choices",
            name=plain(product.name),
            values=listed([plain(value) for value in values], talk.language),
        )
        for value in missing:
            talk.say("product_choice_missing", value=plain(value))
        return True
    if asked and (is_about_a_part(product, text) or goals.ABOUT_ME.search(text)):
        return False
    for name in asked:
        tellers[name](talk, product)
    if asked:
        return True
    if QUESTION.search(text):
        return False
    facts = find_facts(product, text)
    said = [
        talk.words("product_fact", name=plain(product.name), fact=plain(name), value=plain(value).rstrip("."))
        for name, value in facts
    ]
    if said:
        talk.end_paragraph()
        question = text if product.name in text else f"{text} ({product.name})"
        talk.parts.append(Part(" ".join(said), question))
    return bool(facts)


def _price(talk: Talk, product: Product) -> None:
    name = plain(product.name)
    offered = [v for v in product.variants.all() if v.available] or list(product.variants.all())
    prices = sorted({variant.price for variant in offered})
    if not prices:
        talk.say("product_price_unknown", name=name)
    elif len(prices) == 1:
        talk.say("product_price", name=name, price=talk.money(prices[0]))
    else:
        each = [f"{described(variant.options)} {talk.money(variant.price)}" for variant in offered[:SHOWN]]
        talk.say(
            "product_price_range",
            name=name,
            low=talk.money(prices[0]),
            high=talk.money(prices[-1]),
            variants=", ".join(each),
        )


def _stock(talk: Talk, product: Product) -> None:
    name = plain(product.name)
    yes = [described(v.options) for v in product.variants.all() if v.available]
    no = [described(v.options) for v in product.variants.all() if not v.available]
    if yes and no and all(yes) and all(no):
        talk.say("product_stock_some", name=name, yes=listed(yes, talk.language, "or"), no=listed(no, talk.language))
    else:
        talk.say("product_stock_yes" if product.available else "product_stock_no", name=name)


def warranty_time(talk: Talk, months: int) -> str:
    """Return a length of time in years where it is whole years."""
    years, rest = divmod(months, MONTHS_A_YEAR)
    if rest or not years:
        return talk.words("months_count", count=months)
    return talk.words("year") if years == 1 else talk.words("years", count=years)


def _warranty(talk: Talk, product: Product) -> None:
    if product.warranty_months is None:
        talk.say("product_warranty_unknown", name=plain(product.name))
    else:
        talk.say("product_warranty", name=plain(product.name), time=warranty_time(talk, product.warranty_months))


def _rating(talk: Talk, product: Product) -> None:
    if product.rating is None:
        talk.say("product_rating_none", name=plain(product.name))
    elif product.reviews:
        talk.say("product_rating", name=plain(product.name), rating=product.rating, reviews=product.reviews)
    else:
        talk.say("product_rating_plain", name=plain(product.name), rating=product.rating)


def _summary(talk: Talk, product: Product) -> None:
    _price(talk, product)
    _stock(talk, product)
    facts = [f"{plain(name)} {plain(value)}" for name, value in list(as_card(product).specifications.items())[:SHOWN]]
    if product.description:
        talk.end_paragraph()
        talk.add_text(plain(product.description))
    if facts:
        talk.add_text("; ".join(facts) + ".")


def _search(talk: Talk, request: Request) -> None:
    """Look for products by kind and price; where there is nothing of the kind, the documents are asked."""
    kinds = _kinds_named(request.text) if _searches(request.text) else []
    limits = _limits(request)
    if not kinds or not talk.uses("list_all_product_types"):
        talk.ask_documents(request.text)
        return
    sort = "price" if CHEAPEST.search(request.text) else ""
    page = search_products(Search(categories=tuple(kinds), low=limits[0], high=limits[1], sort=sort), size=SHOWN)
    if not page.products:
        talk.say("found_none")
        return
    talk.say_list("found_products", [product_line(talk, card) for card in page.products])
    show(talk, list(page.products))


def _searches(text: str) -> bool:
    """Whether a text looks for products of a kind, not for something about one of them."""
    if goals.LIMITED.search(text):
        return True
    about_one = asked_facts(text) or goals.OWN_THING.search(text) or goals.GENERAL.search(text) or QUESTION.search(text)
    return bool(goals.SEARCHING.search(text)) and not about_one


def _kinds_named(text: str) -> list[str]:
    """Categories of the shop that a text names."""
    wanted = content(text)
    categories = (
        Product.objects.filter(active=True)
        .exclude(category="")
        .order_by("category")
        .values_list("category", flat=True)
        .distinct()
    )
    return [category for category in categories if wanted & content(category)]


def _limits(request: Request) -> tuple[Decimal | None, Decimal | None]:
    amounts = [Decimal(amount) for amount in request.amounts]
    if not amounts:
        amounts = [Decimal(match[1].replace(",", ".")) for match in BARE_AMOUNT.finditer(request.text)]
    if not amounts:
        return None, None
    if len(amounts) > 1:
        return min(amounts), max(amounts)
    if OVER.search(request.text) and not UNDER.search(request.text):
        return amounts[0], None
    return None, amounts[0]

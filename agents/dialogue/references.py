"""What a customer refers to without naming it: "the first one", "that order", "it", "the laptop", "both"."""
# ruff: noqa: E501, RUF001 - patterns of four languages, one a line; customers type the typographic apostrophe

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from agents.words import FUNCTION_WORDS, stem, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.dialogue.state import Option
    from commerce.models import Order, OrderItem

PLACES: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (place, re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE))
    for place, pattern in (
        (0, r"first(?: one)?|1st|former|primer[oa]?|erste[nrms]?|premi[eè]re?"),
        (1, r"second(?: one)?|2nd|latter|segund[oa]|zweite[nrms]?|deuxi[eè]me|seconde?"),
        (2, r"third(?: one)?|3rd|tercer[oa]?|dritte[nrms]?|troisi[eè]me"),
        (3, r"fourth(?: one)?|4th|cuart[oa]|vierte[nrms]?|quatri[eè]me"),
        (4, r"fifth(?: one)?|5th|quint[oa]|fünfte[nrms]?|cinqui[eè]me"),
        (-1, r"last one|the last|[uú]ltim[oa]|letzte[nrms]?|derni[eè]re?"),
    )
)
BACK = re.compile(
    r"\b(?:it|its|it's|that|this|them|their|these|those|the (?:order|parcel|package|delivery|product|laptop|phone|former|latter|same|other)(?: one)?|that one|this one|same|and)\b"
    r"|\b(?:es[ea]|est[ea]|eso|esto|lo|la misma|el mismo|su|el pedido|el paquete|y)\b|\b(?:es|das|dies\w*|ihn|dessen|deren|die bestellung|das paket|der|und)\b"
    r"|\b(?:il|elle|ce(?:la|tte|t)?|[cç]a|celui|celle|la commande|le colis|le m[eê]me|et|son|sa)\b|\b(?:l['’]article)\b",
    re.IGNORECASE,
)
ALL = re.compile(
    r"\b(?:all(?: of (?:them|it))?|everything|both|whole|entire|complete|tod[oa]s?|ambos|ambas|los dos|las dos|alles?|beide[sn]?|ganze[sn]?|komplett\w*|tou(?:te?s?)|les deux|tout|enti[eè]re?)\b",
    re.IGNORECASE,
)
PLURAL_ENDINGS = ("s", "x", "n", "e", "r")
NUMBER = re.compile(r"^\W*(?:number |no\.? |#|nr\.? )?(\d{1,2})\W*$", re.IGNORECASE)


def place_in(text: str) -> int | None:
    """Return the place named by "the second one", from 0, -1 for the last; None without one."""
    for place, pattern in PLACES:
        if pattern.search(text):
            return place
    number = NUMBER.match(text)
    return int(number[1]) - 1 if number and int(number[1]) else None


def places_in(text: str) -> list[int]:
    """Return all places that a text names, in its order."""
    found = [(match.start(), place) for place, pattern in PLACES for match in pattern.finditer(text)]
    return [place for _, place in sorted(found)]


def is_place(place: int, things: Sequence[object]) -> bool:
    """Return whether there is something at a place of a list."""
    return -1 <= place < len(things) and bool(things)


def refers_back(text: str) -> bool:
    """Return whether words such as "it" or "that one" point to something said before."""
    return bool(BACK.search(text))


def content(text: str) -> set[str]:
    """Return the words that carry meaning, folded and cut to a stem."""
    return {stem(fold(word)) for word in words(text) if word not in FUNCTION_WORDS}


def fold(text: str) -> str:
    """Return small letters without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def picked(options: Sequence[Option], text: str, *, places: bool = True) -> list[Option]:
    """Return the options that an answer means: by label, place, number or words; none when it is no answer to them.

    Without `places`, "the first one" is not taken to mean one of these.
    """
    said = fold(text).strip(" .!,?")
    exact = [option for option in options if said in (fold(option.label), fold(option.value))]
    if exact:
        return exact[:1]
    place = place_in(text) if places else None
    if place is not None and is_place(place, options):
        return [options[place]]
    wanted = content(text)
    scored = [(len(wanted & content(f"{option.label} {option.value} {option.words}")), option) for option in options]
    best = max((score for score, _ in scored), default=0)
    return [option for score, option in scored if score == best] if best else []


def items_named(
    items: Sequence[OrderItem], text: str, kinds: dict[str, str], products: Sequence[str] = ()
) -> list[OrderItem]:
    """Return the pieces of an order that a text names: by product, by words of the name, by kind, "both", "the second".

    Args:
        items: of the order, in its order.
        text: what the customer wrote.
        kinds: the category of each product code: "the laptop" is of the category Laptops.
        products: codes that were recognised in the text.
    """
    by_code = [item for item in items if item.product_code in products]
    wanted = content(text)
    if by_code:
        wanted -= set().union(*(content(f"{item.name} {kinds.get(item.product_code, '')}") for item in by_code))
        also = _named_by_words([item for item in items if item not in by_code], wanted, kinds)
        chosen = [*by_code, *_best_of_each(also)]
        return [item for item in items if item in chosen]
    named = _named_by_words(items, wanted, kinds)
    if named and (len(named) < len(items) or len({score for score, _ in named}) > 1):
        return _best_of_each(named)
    if ALL.search(text):
        return list(items)
    place = place_in(text)
    if place is not None and is_place(place, items):
        return [items[place]]
    return [item for _, item in named]


def _named_by_words(items: Sequence[OrderItem], wanted: set[str], kinds: dict[str, str]) -> list[tuple[int, OrderItem]]:
    """Return the pieces of which a word is wanted, each with how well it fits."""
    named = []
    for item in items:
        score = len(wanted & content(item.name)) * 2 + len(wanted & content(kinds.get(item.product_code, "")))
        if score:
            options = item.options.values() if isinstance(item.options, dict) else ()
            named.append((score + len(wanted & content(" ".join(map(str, options)))), item))
    return named


def doubtful(items: Sequence[OrderItem], text: str) -> list[OrderItem]:
    """Return the pieces among those named of which one is meant, but not which: "the speaker", and there are two kinds.

    Nothing is in doubt where the text says "both" or speaks of several.
    """
    kinds: dict[str, set[str]] = {}
    for item in items:
        kinds.setdefault(item.product_code, set()).add(item.variant_code)
    several = [item for item in items if len(kinds[item.product_code]) > 1]
    return [] if ALL.search(text) else [item for item in several if not _in_plural(item.name, text)]


def _in_plural(name: str, text: str) -> bool:
    """Return whether a text has a word of a name with an ending that the name does not have: "speakers"."""
    own = {fold(word) for word in words(name)}
    stems = {stem(word) for word in own}
    return any(
        stem(said) in stems and said not in own and said.endswith(PLURAL_ENDINGS) for said in map(fold, words(text))
    )


def _best_of_each(named: list[tuple[int, OrderItem]]) -> list[OrderItem]:
    """Of pieces of one product that differ in options, those that fit best; one of each other product."""
    best: dict[str, int] = {}
    for score, item in named:
        best[item.product_code] = max(best.get(item.product_code, 0), score)
    return [item for score, item in named if score == best[item.product_code]]


def orders_with(orders: Sequence[Order], text: str, kinds: dict[str, str], products: Sequence[str] = ()) -> list[Order]:
    """Return the orders that have the most of the things a text names, by products that were recognised and by words."""
    wanted = content(text)
    scored = []
    for order in orders:
        items = list(order.items.all())
        by_code = len(set(products) & {item.product_code for item in items})
        words: set[str] = set()
        for item in items:
            words |= wanted & (content(item.name) | content(kinds.get(item.product_code, "")))
        if by_code or (words and not products):
            scored.append(((by_code, len(words)), order))
    best = max((score for score, _ in scored), default=(0, 0))
    return [order for score, order in scored if score[0] == best[0] and (products or score == best)]

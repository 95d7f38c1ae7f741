"""The product browser: search by words, filters, sorting, pages, and how many products each filter has."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from commerce.cards import CARD_COLUMNS, ProductCard
from commerce.graph.rows import card, fetch
from commerce.models.lookup import WORD_LENGTH

PAGE = 24  # products on a page
WORDS = 6  # of a search that count
LAST_LETTER = "\U0010ffff"  # follows every other one
#: How a list may be sorted, by the name in the address.
SORTS = {
    "popular": "p.reviews DESC NULLS LAST, p.name, p.id",
    "price": "p.price, p.name, p.id",
    "-price": "p.price DESC NULLS LAST, p.name, p.id",
    "rating": "p.rating DESC NULLS LAST, p.name, p.id",
    "name": "p.name, p.code, p.id",
    "best": "matched.score DESC, p.reviews DESC NULLS LAST, p.name, p.id",
}


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. Several categories or brands mean any of them; prices are inclusive, in the shop's currency.

    `sort` is one of SORTS; empty for the best matches where there is a text, the most popular where there is none.
    """

    text: str = ""
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    low: Decimal | None = None
    high: Decimal | None = None
    in_stock: bool = False
    sort: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a filter and how many products would be shown with it alone, the other filters being as they are."""

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class ProductPage:
    """One page of what was found. `page` is within 1..`pages`, whatever was asked for."""

    products: tuple[ProductCard, ...]
    total: int
    page: int
    pages: int
    categories: tuple[Facet, ...]
    brands: tuple[Facet, ...]


def fold(text: str) -> str:
    """Small letters without accents, as commerce_fold makes them in the database."""
    decomposed = unicodedata.normalize("NFKD", text)
    return re.sub("[\u0300-\u036f]", "", decomposed).lower()


def words_of(text: str) -> list[str]:
    """The words of a search, folded, each once."""
    return list(dict.fromkeys(word[:WORD_LENGTH] for word in re.findall(r"[^\W_]+", fold(text))))[:WORDS]


def search_products(search: Search, *, size: int = PAGE) -> ProductPage:
    """The products that have all words of the text (or longer ones that begin with them) and pass the filters."""
    words = words_of(search.text)
    if search.text.strip() and not words:
        return ProductPage((), 0, 1, 1, (), ())
    values = _values(search, words)
    matched = _matched(words)
    counted = _count(search, matched, values)
    total = sum(
        n for (category, brand), n in counted.items() if _chosen(category, search.categories)
        and _chosen(brand, search.brands)
    )  # fmt: skip
    pages = max(1, math.ceil(total / size))
    page = min(max(search.page, 1), pages)
    products = _products(search, matched, {**values, "size": size, "skipped": (page - 1) * size})
    return ProductPage(
        products=products,
        total=total,
        page=page,
        pages=pages,
        categories=_facets(counted, 0, search.categories, search.brands),
        brands=_facets(counted, 1, search.brands, search.categories),
    )


def _values(search: Search, words: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "categories": list(search.categories), "brands": list(search.brands), "low": search.low, "high": search.high,
    }  # fmt: skip
    for place, word in enumerate(words):
        values[f"word{place}"], values[f"end{place}"] = word, word + (LAST_LETTER if len(word) > 1 else "\1")
    return values


def _matched(words: Sequence[str]) -> str:
    """What joins products with those that have all words, as `matched` with a score: each word its own join.

    One grouped query over all words would be shorter, but then the planner expects next to nothing to be found.
    """
    if not words:
        return ""
    each = [
        f"""(SELECT product_id, max(weight + CASE WHEN word = %(word{place})s THEN 1 ELSE 0 END) AS score
        FROM commerce_productword
        WHERE tenant_id = %(tenant)s AND word >= %(word{place})s AND word < %(end{place})s
        GROUP BY product_id) AS word{place}"""  # noqa: S608 (words are passed as values)
        for place in range(len(words))
    ]
    scores = " + ".join(f"word{place}.score" for place in range(len(words)))
    joined = each[0] + "".join(f" JOIN {word} USING (product_id)" for word in each[1:])
    return f"JOIN (SELECT product_id, {scores} AS score FROM {joined}) AS matched ON matched.product_id = p.id"  # noqa: S608 (see above)


def _narrowed(search: Search) -> str:
    """The conditions that do not depend on category and brand."""
    conditions = ["p.tenant_id = %(tenant)s", "p.active"]
    if search.in_stock:
        conditions.append("p.available")
    if search.low is not None:
        conditions.append("p.price >= %(low)s")
    if search.high is not None:
        conditions.append("p.price <= %(high)s")
    return " AND ".join(conditions)


def _count(search: Search, matched: str, values: dict[str, Any]) -> Counter[tuple[str, str]]:
    """How many products there are of each category and brand."""
    rows = fetch(
        f"SELECT p.category, p.brand, count(*) FROM commerce_product p {matched}"  # noqa: S608 (constants)
        f" WHERE {_narrowed(search)} GROUP BY p.category, p.brand",
        values,
    )
    return Counter({(category, brand): n for category, brand, n in rows})


def _products(search: Search, matched: str, values: dict[str, Any]) -> tuple[ProductCard, ...]:
    sort = search.sort if search.sort in SORTS and (search.sort != "best" or matched) else ""
    order = SORTS[sort or ("best" if matched else "popular")]
    where = _narrowed(search)
    if search.categories:
        where += " AND p.category = ANY(%(categories)s)"
    if search.brands:
        where += " AND p.brand = ANY(%(brands)s)"
    rows = fetch(
        f"SELECT {CARD_COLUMNS} FROM commerce_product p {matched} WHERE {where}"  # noqa: S608 (constants)
        f" ORDER BY {order} LIMIT %(size)s OFFSET %(skipped)s",
        values,
    )
    return tuple(card(row) for row in rows)


def _facets(
    counted: Counter[tuple[str, str]], own: int, chosen: Sequence[str], others: Sequence[str]
) -> tuple[Facet, ...]:
    """The values of one filter, those with most products first; a chosen one stays even when nothing is left of it."""
    counts: Counter[str] = Counter(dict.fromkeys(chosen, 0))
    for key, n in counted.items():
        if key[own] and _chosen(key[1 - own], others):
            counts[key[own]] += n
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Facet(value, n, value in chosen) for value, n in ordered)


def _chosen(value: str, chosen: Sequence[str]) -> bool:
    return not chosen or value in chosen

"""The catalogue: finding products, comparing them, and what goes with them."""

from collections import Counter
from decimal import Decimal
from typing import Any

from agents.tools.base import ToolContext, ToolError, ToolResult
from agents.tools.cards import comparison_card, products_card, row_values
from agents.tools.registry import tool
from commerce.cards import ProductCard
from commerce.graph import compare, compatible_with, similar_to
from commerce.models import Product
from commerce.queries import Search, find_product, search_products, shop_of_tenant
from commerce.queries.browsing import words_of
from commerce.records import given

FOUND = 8
"""Products that a search returns."""
SUGGESTED = 5
COMPARED = 6
"""Products side by side."""
POOL = 50
"""Products looked at for each word when none has them all."""


@tool()
def find_products(
    context: ToolContext, query: str, max_price: Decimal | None = None, category: str | None = None
) -> ToolResult:
    """Search the shop's products by name, brand, kind or features. Prices are in the shop's currency.

    Args:
        query: What is wanted, in a few words, such as 'wireless headphones'.
        max_price: The highest price, if the customer named one.
        category: A category of the shop, if it is known.
    """
    products = _search(query, max_price, category)
    if not products:
        raise ToolError("No product was found. Try fewer or other words.", code="not_found")
    currency = shop_of_tenant().currency
    data = {"currency": currency, "products": [_told(product) for product in products]}
    return ToolResult(data, (products_card(products, currency, context.language),))


@tool()
def compare_products(context: ToolContext, products: list[str]) -> ToolResult:
    """Compare products side by side: prices, ratings, warranty, availability, specifications and options.

    Args:
        products: Names or product ids of two to six products.
    """
    if not 2 <= len(products) <= COMPARED:  # noqa: PLR2004 (one alone compares with nothing)
        raise ToolError(f"Name two to {COMPARED} products.")
    comparison = compare([_named(product).code for product in products])
    if len(comparison.products) < 2:  # noqa: PLR2004 (as above)
        raise ToolError("These are all the same product: name two different ones.")
    currency = shop_of_tenant().currency
    rows = [
        {"name": row.name, "values": row_values(row, currency, context.language), "differs": row.differs}
        for row in comparison.rows
    ]
    data = {"products": [_told(product) for product in comparison.products], "rows": rows}
    return ToolResult(data, (comparison_card(comparison, currency, context.language),))


@tool()
def find_compatible(context: ToolContext, product: str) -> ToolResult:
    """Find what is compatible with a product: accessories, and products whose specifications fit.

    Args:
        product: The product's name or product id.
    """
    wanted = _named(product)
    fits = compatible_with(wanted.code, limit=FOUND)
    currency = shop_of_tenant().currency
    data = {
        "product": wanted.name,
        "currency": currency,
        "compatible": [{**_told(fit.product), "why": fit.reason} for fit in fits],
    }
    return _with_card(context, data, [fit.product for fit in fits], currency)


@tool()
def find_similar(context: ToolContext, product: str) -> ToolResult:
    """Find products like another one, as alternatives to it.

    Args:
        product: The product's name or product id.
    """
    wanted = _named(product)
    found = similar_to(wanted.code, limit=SUGGESTED)
    currency = shop_of_tenant().currency
    data = {
        "product": wanted.name,
        "currency": currency,
        "similar": [{**_told(like.product), "same": list(like.shared)} for like in found],
    }
    return _with_card(context, data, [like.product for like in found], currency)


def _with_card(context: ToolContext, data: dict[str, Any], products: list[ProductCard], currency: str) -> ToolResult:
    return ToolResult(data, (products_card(products, currency, context.language),) if products else ())


def _named(text: str) -> Product:
    """Return the product of this name or code; ToolError offers what is near."""
    found = find_product(text)
    if found is None:
        near = [product.name for product in _search(text, None, None)[:SUGGESTED]]
        hint = f" There are: {'; '.join(near)}." if near else " Search with find_products."
        raise ToolError(f"No single product is called {text[:80]!r}.{hint}", code="not_found")
    return found


def _search(text: str, high: Decimal | None, category: str | None) -> list[ProductCard]:
    """Return the products that have all words; where there are none, those that have most of them."""
    categories = _categories(category)
    found = search_products(Search(text=text, high=high, categories=categories), size=FOUND).products
    if found:
        return list(found)
    known: dict[str, ProductCard] = {}
    counts: Counter[str] = Counter()
    for word in words_of(text):
        for product in search_products(Search(text=word, high=high, categories=categories), size=POOL).products:
            known[product.code] = product
            counts[product.code] += 1
    return [known[code] for code, _ in counts.most_common(FOUND)]


def _categories(wanted: str | None) -> tuple[str, ...]:
    """Return the shop's own spelling of a category; one that it does not have filters nothing."""
    if not wanted:
        return ()
    facets = search_products(Search(), size=1).categories
    return tuple(facet.value for facet in facets if facet.value.casefold() == wanted.strip().casefold())


def _told(product: ProductCard) -> dict[str, Any]:
    return {
        "product_id": product.code,
        "name": product.name,
        "price": None if product.price is None else float(product.price),
        "available": product.available,
        **given(
            brand=product.brand,
            category=product.category,
            rating=None if product.rating is None else float(product.rating),
            warranty_months=product.warranty_months,
            specifications=product.specifications,
        ),
    }

"""Single products, and the shop."""

from django.db.models import Prefetch, Q, QuerySet

from commerce.models import Product, Shop, Variant
from commerce.queries.browsing import Search, search_products


def shop_of_tenant() -> Shop:
    """The shop of the tenant in scope; one with the usual settings, not saved, where nobody has made it."""
    return Shop.objects.first() or Shop()


def products_with_variants() -> "QuerySet[Product]":
    """Active products, each with its variants in their order."""
    found: QuerySet[Product] = Product.objects.filter(active=True).prefetch_related(
        Prefetch("variants", Variant.objects.all())
    )
    return found


def find_product(code_or_name: str) -> Product | None:
    """The active product with this code, item id, name or other name; else the only one that has all its words.

    Letters may be small or large. None where nothing or more than one thing is meant. Products are returned with their
    variants.
    """
    text = code_or_name.strip().replace("\0", "")
    if not text:
        return None
    products = products_with_variants()
    exact = products.filter(Q(code=text) | Q(pk__in=Variant.objects.filter(code=text).values("product")))[:2]
    named = exact or products.filter(name__iexact=text)[:2] or _by_alias(products, text)
    if named:
        return named[0] if len(named) == 1 else None
    found = search_products(Search(text=text), size=1)
    return products.filter(code=found.products[0].code).first() if found.total == 1 else None


def _by_alias(products: "QuerySet[Product]", text: str) -> list[Product]:
    """Those with the text among their other names; looked for only among products that have its words."""
    wanted = text.casefold()
    near = search_products(Search(text=text), size=50).products
    return [
        product
        for product in products.filter(code__in=[card.code for card in near])
        if isinstance(product.aliases, list) and any(str(alias).casefold() == wanted for alias in product.aliases)
    ]

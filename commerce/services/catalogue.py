"""What follows from a change of variants: the price and availability of their products, and the catalogue's version."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, F, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from commerce.models import Product, Shop, Variant
from commerce.services.errors import NotFound


def current_shop() -> Shop:
    """The shop of the tenant in scope, made when there is none."""
    shop: Shop
    shop, _ = Shop.objects.get_or_create()
    return shop


@transaction.atomic
def follow_variants(products: Iterable[Product] | None = None) -> None:
    """Takes price and availability of these products, or of all, from their variants; the catalogue's version rises.

    To be called after every change of products, variants, relations or rules.
    """
    rows = Product.objects.all() if products is None else Product.objects.filter(pk__in=[p.pk for p in products])
    variants = Variant.objects.filter(product=OuterRef("pk"))
    available = variants.filter(available=True)
    rows.update(available=Exists(available), price=Coalesce(_lowest(available), _lowest(variants)))
    Shop.objects.filter(pk=current_shop().pk).update(catalogue_version=F("catalogue_version") + 1)


def find_product(code: str) -> Product:
    """The product of this id, if it is offered; raises NotFound."""
    product: Product | None = Product.objects.filter(code=code.replace("\0", ""), active=True).first()
    if product is None:
        raise NotFound(f"Product {code[:80]} was not found.")
    return product


def find_variant(code: str) -> Variant:
    """The variant of this item id, with its product, if that is offered; raises NotFound."""
    offered = Variant.objects.select_related("product").filter(product__active=True)
    variant: Variant | None = offered.filter(code=code.replace("\0", "")).first()
    if variant is None:
        raise NotFound(f"Item {code[:80]} was not found.")
    return variant


def product_types() -> dict[str, str]:
    """The id of each product that is offered by its name, in the order of the names."""
    return dict(Product.objects.filter(active=True).order_by("name", "code").values_list("name", "code"))


def _lowest(variants: QuerySet[Variant]) -> Subquery:
    return Subquery(variants.order_by().values("product").annotate(lowest=Min("price")).values("lowest"))

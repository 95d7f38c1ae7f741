"""Products, relations and rules that come in."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone

from commerce.exchange.reading import Fields
from commerce.exchange.rows import add_rows, put_rows
from commerce.models import CompatibilityRule, Product, Relation, RelationKind, Variant
from commerce.models.catalogue import Comparison

PRODUCT = (
    "name",
    "brand",
    "category",
    "description",
    "specifications",
    "aliases",
    "rating",
    "reviews",
    "warranty_months",
    "art",
    "active",
    "updated_at",
)
BEST = 5  # stars
MAX_COUNT, MAX_MONTHS = 2_000_000_000, 1200
MAX_WEIGHT = Decimal(1_000_000)


def take_products(top: Fields) -> dict[str, int]:
    """Products with their variants, which replace those they had; returns how many there are of each."""
    products: list[Product] = []
    variants: dict[str, Variant] = {}
    for code, fields in top.named("products", "product", "product_id"):
        products.append(_read_product(code, fields))
        for position, (item, own) in enumerate(fields.named("variants", "item", "item_id")):
            if item in variants:
                own.error(f"is in product {variants[item].product.code} as well")
            variants[item] = _read_variant(products[-1], item, position, own)
        fields.close()
    top.report.refuse()
    put_rows(products, by=("code",), set_fields=PRODUCT)
    Variant.objects.filter(product__in=[p.pk for p in products]).exclude(code__in=variants).delete()
    for variant in variants.values():
        variant.product_id = variant.product.pk
    put_rows(list(variants.values()), by=("code",), set_fields=("product", "options", "price", "available", "position"))
    return {"products": len(products), "variants": len(variants)}


def _read_product(code: str, fields: Fields) -> Product:
    return Product(
        code=code,
        name=fields.text("name", limit=200, required=True),
        brand=fields.text("brand", limit=80),
        category=fields.text("category", limit=80),
        description=fields.text("description"),
        specifications=fields.mapping("specifications"),
        aliases=fields.texts("aliases"),
        rating=_rating(fields),
        reviews=fields.whole("reviews", most=MAX_COUNT),
        warranty_months=fields.whole("warranty_months", most=MAX_MONTHS),
        art=fields.text("art", limit=30),
        active=fields.flag("active", default=True),
        updated_at=timezone.now(),
    )


def _rating(fields: Fields) -> Decimal | None:
    rating = fields.number("rating")
    if rating is None:
        return None
    if not 0 <= rating <= BEST:
        fields.error(f"“rating” must be from 0 to {BEST}")
        return None
    rounded = rating.quantize(Decimal("0.1"), ROUND_HALF_UP)
    if rounded != rating:
        fields.warn(f"the rating {rating} was rounded to {rounded}")
    return rounded


def _read_variant(product: Product, code: str, position: int, fields: Fields) -> Variant:
    variant = Variant(
        product=product,
        code=code,
        options=fields.mapping("options"),
        price=fields.money("price"),
        available=fields.flag("available", default=True),
        position=position,
    )
    fields.close()
    return variant


def take_relations(top: Fields) -> dict[str, int]:
    """All relations, where the data has any; returns how many."""
    if not top.has("relations"):
        return {}
    ids = dict(Product.objects.values_list("code", "pk"))
    rows: dict[tuple[str, str, str], Relation] = {}
    for fields in top.parts("relations", "relation"):
        source, target = fields.code("from"), fields.code("to")
        kind = fields.choice("kind", RelationKind.values, "")
        for code in (source, target):
            if code and code not in ids:
                fields.error(f"there is no product {code}")
        if source == target:
            fields.error(f"relates {source} to itself")
        weight = fields.number("weight")
        if weight is not None and abs(weight) > MAX_WEIGHT:
            fields.error(f"“weight” is beyond {MAX_WEIGHT}")
        rows[source, target, kind] = Relation(
            source_id=ids.get(source, 0),
            target_id=ids.get(target, 0),
            kind=kind,
            weight=1.0 if weight is None else float(weight),
        )
        fields.close()
    top.report.refuse()
    Relation.objects.all().delete()
    add_rows(list(rows.values()))
    return {"relations": len(rows)}


def take_rules(top: Fields) -> dict[str, int]:
    """All rules, where the data has any; returns how many."""
    if not top.has("rules"):
        return {}
    rows = {}
    for fields in top.parts("rules", "rule"):
        rule = CompatibilityRule(
            comparison=fields.choice("comparison", Comparison.values, Comparison.EQUAL),
            **{
                name: fields.text(name, limit=80, required=True)
                for name in ("category", "specification", "with_category", "with_specification")
            },
        )
        rows[rule.category, rule.specification, rule.with_category, rule.with_specification] = rule
        fields.close()
    top.report.refuse()
    CompatibilityRule.objects.all().delete()
    add_rows(list(rows.values()))
    return {"rules": len(rows)}

"""Products like another one."""

from dataclasses import dataclass

from commerce.cards import CARD_COLUMNS, CARD_SIZE, ProductCard
from commerce.graph.rows import card, fetch

NEAR = 100  # products next above, and as many next below in price, that are looked at
SHARED, NEARNESS, BRAND = 0.6, 0.3, 0.1  # what counts how much; a choice, they add up to 1


@dataclass(frozen=True, slots=True)
class Similar:
    """A product like another: the share of specifications they have in common, and a score, both 0..1."""

    product: ProductCard
    shared: tuple[str, ...]
    """Names of the specifications that are the same."""
    score: float


_SQL = f"""
WITH me AS MATERIALIZED (
    SELECT id, category, brand, specifications, price::float8 AS price,
        CASE jsonb_typeof(specifications) WHEN 'object' THEN specifications ELSE '{{}}'::jsonb END AS facts
    FROM commerce_product WHERE tenant_id = %(tenant)s AND code = %(code)s AND active AND category <> ''
), near AS (
    (SELECT f.product_id AS id, f.number FROM commerce_productfact f, me
     WHERE f.tenant_id = %(tenant)s AND f.category = me.category AND f.name = '' AND f.number >= coalesce(me.price, 0)
     ORDER BY f.number LIMIT {NEAR} + 1)
    UNION ALL
    (SELECT f.product_id, f.number FROM commerce_productfact f, me
     WHERE f.tenant_id = %(tenant)s AND f.category = me.category AND f.name = '' AND f.number < me.price
     ORDER BY f.number DESC LIMIT {NEAR})
), scored AS (
    SELECT p.id, same.names,
        {SHARED} * cardinality(same.names) / greatest((SELECT count(*) FROM jsonb_object_keys(me.facts)), 1)
        + {NEARNESS} * CASE WHEN me.price > 0 THEN exp(-2 * abs(near.number - me.price) / me.price) ELSE 0 END
        + CASE WHEN p.brand = me.brand AND me.brand <> '' THEN {BRAND} ELSE 0 END AS score
    FROM near CROSS JOIN me
    JOIN commerce_product p ON p.tenant_id = %(tenant)s AND p.id = near.id AND p.active AND p.id <> me.id
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(fact.key), '{{}}') AS names
        FROM jsonb_each(me.facts) AS fact WHERE p.specifications -> fact.key = fact.value
    ) AS same
)
SELECT {CARD_COLUMNS}, scored.names, scored.score
FROM (SELECT * FROM scored ORDER BY score DESC, id LIMIT %(limit)s) AS scored
JOIN commerce_product p ON p.tenant_id = %(tenant)s AND p.id = scored.id
ORDER BY scored.score DESC, p.available DESC, p.id
"""  # noqa: S608 (made of the constants above)


def similar_to(code: str, *, limit: int = 6) -> list[Similar]:
    """Products of the same category, best first: same specifications count most, then a near price, then the brand.

    Looked at are the NEAR products next in price on either side. Empty for an unknown code or one without a category.
    """
    rows = fetch(_SQL, {"code": code, "limit": max(limit, 0)})
    return [Similar(card(row), tuple(row[CARD_SIZE]), float(row[CARD_SIZE + 1])) for row in rows]

"""What is compatible with a product: what is stated, and what follows from the shop's rules on specifications."""

from dataclasses import dataclass
from enum import StrEnum

from commerce.cards import CARD_COLUMNS, CARD_SIZE, ProductCard
from commerce.graph.rows import card, fetch

CANDIDATES = 1000  # products of each other category that a rule is tried on


class FitKind(StrEnum):
    """Why a product goes with another, strongest first."""

    ACCESSORY = "accessory"
    """It is an accessory of the product."""
    COMPATIBLE = "compatible"
    """The shop says that both are compatible."""
    MADE_FOR = "made_for"
    """The product is an accessory of it."""
    RULE = "rule"
    """Their specifications fit."""


@dataclass(frozen=True, slots=True)
class Compatible:
    """A product that goes with another one, and why: “accessory”, “USB-C = USB-C”, “96 W ≥ 65 W”."""

    product: ProductCard
    kind: FitKind
    reason: str


#: What is stated about a product in one direction, strongest first: no more rows are read than are asked for.
_STATED = """
    (SELECT r.{other}_id AS id, '{kind}' AS kind, '{reason}' AS reason, {rank} AS rank, r.weight
     FROM commerce_relation r, me
     WHERE r.tenant_id = %(tenant)s AND r.{mine}_id = me.id AND r.kind = '{stated}'
     ORDER BY r.weight DESC LIMIT %(limit)s * 2)
"""
_ALL_STATED = " UNION ALL ".join(
    _STATED.format(mine=mine, other=other, stated=stated, kind=kind, reason=reason, rank=rank)
    for mine, other, stated, kind, reason, rank in (
        ("target", "source", "accessory_of", FitKind.ACCESSORY, "accessory", 0),
        ("source", "target", "compatible_with", FitKind.COMPATIBLE, "compatible", 1),
        ("target", "source", "compatible_with", FitKind.COMPATIBLE, "compatible", 1),
        ("source", "target", "accessory_of", FitKind.MADE_FOR, "made for it", 2),
    )
)
#: Texts as lists of words in blanks, so that “USB-C” is found in “two USB-C, HDMI” and “USB” is not.
_LISTED = r"' ' || regexp_replace({}, '[^[:alnum:].-]+', ' ', 'g') || ' '"
#: Whether the value `theirs` of another product satisfies a demand `d`.
_SATISFIES = f"""
    CASE d.comparison
        WHEN 'equal' THEN theirs.value = d.value
        WHEN 'at_least' THEN CASE WHEN d.mine_first THEN d.number >= theirs.number ELSE theirs.number >= d.number END
        WHEN 'contains' THEN CASE WHEN d.mine_first
            THEN position({_LISTED.format("theirs.value")} in {_LISTED.format("d.value")}) > 0
            ELSE position({_LISTED.format("d.value")} in {_LISTED.format("theirs.value")}) > 0 END
    END
"""
_SQL = f"""
WITH me AS MATERIALIZED (
    SELECT id, category FROM commerce_product WHERE tenant_id = %(tenant)s AND code = %(code)s AND active
), stated AS (
    {_ALL_STATED}
), mine AS MATERIALIZED (
    SELECT f.name, f.value, f.number, f.text
    FROM commerce_productfact f, me WHERE f.tenant_id = %(tenant)s AND f.product_id = me.id
), rules AS (
    SELECT r.id, r.comparison, r.with_category AS category, commerce_fold(r.specification) AS my_name,
        commerce_fold(r.with_specification) AS name, true AS mine_first, false AS back
    FROM commerce_compatibilityrule r, me WHERE r.tenant_id = %(tenant)s AND r.category = me.category
    UNION ALL
    SELECT r.id, r.comparison, r.category, commerce_fold(r.with_specification), commerce_fold(r.specification), false,
        r.category = r.with_category
    FROM commerce_compatibilityrule r, me WHERE r.tenant_id = %(tenant)s AND r.with_category = me.category
), demands AS MATERIALIZED (
    SELECT rules.*, mine.value, mine.number, mine.text,
        count(*) OVER same AS demanded, count(mine.value) OVER same AS known,
        row_number() OVER (same ORDER BY rules.comparison <> 'equal', rules.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS place
    FROM rules LEFT JOIN mine ON mine.name = rules.my_name
    WINDOW same AS (PARTITION BY rules.category, rules.back)
), candidates AS MATERIALIZED (
    SELECT d.category, d.back, d.demanded, theirs.product_id AS id
    FROM demands d, me, LATERAL (
        SELECT product_id FROM commerce_productfact theirs
        WHERE d.comparison = 'equal' AND theirs.tenant_id = %(tenant)s AND theirs.category = d.category
            AND theirs.name = d.name AND theirs.value = d.value AND theirs.product_id <> me.id
        LIMIT {CANDIDATES}
    ) theirs WHERE d.place = 1 AND d.known = d.demanded AND d.comparison = 'equal'
    UNION ALL
    SELECT d.category, d.back, d.demanded, theirs.product_id
    FROM demands d, me, LATERAL (
        SELECT product_id FROM commerce_productfact theirs
        WHERE theirs.tenant_id = %(tenant)s AND theirs.category = d.category AND theirs.name = d.name
            AND theirs.product_id <> me.id AND {_SATISFIES}
        LIMIT {CANDIDATES}
    ) theirs WHERE d.place = 1 AND d.known = d.demanded AND d.comparison <> 'equal'
), derived AS (
    SELECT c.id, '{FitKind.RULE}' AS kind, string_agg(
        CASE WHEN d.mine_first THEN d.text ELSE theirs.text END
        || CASE d.comparison WHEN 'equal' THEN ' = ' WHEN 'at_least' THEN ' ≥ ' ELSE ' ∋ ' END
        || CASE WHEN d.mine_first THEN theirs.text ELSE d.text END, ', ' ORDER BY d.id) AS reason,
        3 AS rank, 0.0::float8 AS weight
    FROM candidates c
    JOIN demands d ON d.category = c.category AND d.back = c.back
    JOIN commerce_productfact theirs
        ON theirs.tenant_id = %(tenant)s AND theirs.product_id = c.id AND theirs.name = d.name AND {_SATISFIES}
    GROUP BY c.id, c.category, c.back, c.demanded HAVING count(*) = c.demanded
), best AS (
    SELECT DISTINCT ON (id) * FROM (SELECT * FROM stated UNION ALL SELECT * FROM derived) AS found
    ORDER BY id, rank, weight DESC
)
SELECT {CARD_COLUMNS}, best.kind, best.reason
FROM best JOIN commerce_product p ON p.tenant_id = %(tenant)s AND p.id = best.id AND p.active
ORDER BY best.rank, best.weight DESC, p.available DESC, p.reviews DESC NULLS LAST, p.name, p.id
LIMIT %(limit)s
"""  # noqa: S608 (made of the constants above)


def compatible_with(code: str, *, limit: int = 10) -> list[Compatible]:
    """What goes with a product: its accessories first, then what is compatible, then what it is an accessory of.

    After what is stated comes what follows from rules: two products fit when *all* rules on their two categories hold;
    a specification that either lacks proves nothing. At most CANDIDATES products of each category are looked at. Empty
    for an unknown code.
    """
    rows = fetch(_SQL, {"code": code, "limit": max(limit, 0)})
    return [Compatible(card(row), FitKind(row[CARD_SIZE]), row[CARD_SIZE + 1]) for row in rows]

"""What is compatible with a product: what is stated, and what follows from the shop's rules on specifications."""

from dataclasses import dataclass
from enum import StrEnum

from commerce.cards import CARD_COLUMNS, CARD_SIZE, ProductCard
from commerce.graph.rows import card, fetch

CANDIDATES = 200  # products that one rule can bring


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
    """A product that goes with another one, and why: “accessory”, “USB-C = USB-C”, “96 W ≥ 65 W”, “Bluetooth”."""

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
_NOTHING = "'', '-', 'no', 'none', 'n/a'"  # values that say that there is none: two of them fit nothing
#: Whether the value `theirs` of another product satisfies a demand `d`.
_SATISFIES = f"""
    CASE d.comparison
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
        commerce_fold(r.with_specification) AS name, true AS mine_first
    FROM commerce_compatibilityrule r, me WHERE r.tenant_id = %(tenant)s AND r.category = me.category
    UNION ALL
    SELECT r.id, r.comparison, r.category, commerce_fold(r.with_specification), commerce_fold(r.specification), false
    FROM commerce_compatibilityrule r, me WHERE r.tenant_id = %(tenant)s AND r.with_category = me.category
), demands AS MATERIALIZED (
    SELECT rules.*, mine.value, mine.number, mine.text
    FROM rules JOIN mine ON mine.name = rules.my_name AND mine.value NOT IN ({_NOTHING})
), fitting AS (
    SELECT d.*, theirs.product_id, theirs.text AS their_text
    FROM demands d, me, LATERAL (
        SELECT theirs.product_id, theirs.text FROM commerce_productfact theirs
        WHERE theirs.tenant_id = %(tenant)s AND theirs.category = d.category AND theirs.name = d.name
            AND theirs.value = d.value AND theirs.product_id <> me.id
        LIMIT {CANDIDATES}
    ) AS theirs WHERE d.comparison = 'equal'
    UNION ALL
    SELECT d.*, theirs.product_id, theirs.text
    FROM demands d, me, LATERAL (
        SELECT theirs.product_id, theirs.text FROM commerce_productfact theirs
        WHERE theirs.tenant_id = %(tenant)s AND theirs.category = d.category AND theirs.name = d.name
            AND theirs.value NOT IN ({_NOTHING}) AND theirs.product_id <> me.id AND {_SATISFIES}
        LIMIT {CANDIDATES}
    ) AS theirs WHERE d.comparison <> 'equal'
), derived AS (
    SELECT product_id AS id, '{FitKind.RULE}' AS kind, string_agg(DISTINCT
        CASE comparison WHEN 'equal' THEN one || ' = ' WHEN 'at_least' THEN one || ' ≥ ' ELSE '' END || other,
            '; ') AS reason,
        3 AS rank, 0.0::float8 AS weight
    FROM (
        SELECT product_id, comparison, CASE WHEN mine_first THEN text ELSE their_text END AS one,
            CASE WHEN mine_first THEN their_text ELSE text END AS other
        FROM fitting
    ) AS sides GROUP BY product_id
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

    After what is stated comes what follows from rules. Each rule alone makes products fit, and each that holds is named
    in the reason; of one on what a list contains, the thing that is in it. A specification that either lacks, or that
    says "none", proves nothing. One rule brings at most CANDIDATES products. Empty for an unknown code.
    """
    rows = fetch(_SQL, {"code": code, "limit": max(limit, 0)})
    return [Compatible(card(row), FitKind(row[CARD_SIZE]), row[CARD_SIZE + 1]) for row in rows]

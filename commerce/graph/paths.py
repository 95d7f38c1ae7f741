"""How two products are related: the shortest way between them, over at most three relations."""

from dataclasses import dataclass

from commerce.cards import CARD_COLUMNS, CARD_SIZE, ProductCard
from commerce.graph.rows import card, fetch

FAN = 50  # relations of a kind and direction that are followed from either end, strongest first
PAIRS = 2500  # pairs of neighbours between which a relation is looked for
MAX_HOPS = 3
SAME_CATEGORY = "same_category"
_WORDS = {
    "compatible_with": "is compatible with",
    "bought_with": "is often bought with",
    "accessory_of": "is an accessory of",
    "upgrade_of": "is an upgrade of",
    SAME_CATEGORY: "is in the same category as",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One relation of a path. It is stated of `source` about `target`; `forward` tells whether the path goes that way.

    `kind` is one of RelationKind, or SAME_CATEGORY.
    """

    source: ProductCard
    target: ProductCard
    kind: str
    forward: bool

    def __str__(self) -> str:
        return f"{self.source.name} {_WORDS[self.kind]} {self.target.name}"


@dataclass(frozen=True, slots=True)
class Path:
    """The way from one product to another: `products` is one longer than `steps`."""

    products: tuple[ProductCard, ...]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.steps))


def _neighbours(end: str) -> str:
    """Those of one end, with their categories; the strongest FAN of each kind and direction."""
    away = end == "a"  # steps lead away from a, and towards b
    return f"""
    SELECT x.id, x.kind, x.forward, x.weight, p.category
    FROM {end}, kinds, LATERAL (
        (SELECT r.target_id AS id, r.kind, {away} AS forward, r.weight FROM commerce_relation r
         WHERE r.tenant_id = %(tenant)s AND r.source_id = {end}.id AND r.kind = kinds.kind
         ORDER BY r.weight DESC LIMIT {FAN})
        UNION ALL
        (SELECT r.source_id, r.kind, {not away}, r.weight FROM commerce_relation r
         WHERE r.tenant_id = %(tenant)s AND r.target_id = {end}.id AND r.kind = kinds.kind
         ORDER BY r.weight DESC LIMIT {FAN})
    ) AS x JOIN commerce_product p ON p.tenant_id = %(tenant)s AND p.id = x.id AND p.active
    """  # noqa: S608 (made of constants)


def _edge(start: str, end: str) -> str:
    """A relation between two products, in either direction: two looks at an index, however many relations they have."""
    return f"""LATERAL (
        SELECT r.kind, true AS forward, r.weight FROM commerce_relation r
        WHERE r.tenant_id = %(tenant)s AND r.source_id = {start} AND r.target_id = {end}
        UNION ALL
        SELECT r.kind, false, r.weight FROM commerce_relation r
        WHERE r.tenant_id = %(tenant)s AND r.source_id = {end} AND r.target_id = {start}
    ) AS edge"""  # noqa: S608 (made of constants)


_SQL = f"""
WITH a AS MATERIALIZED (
    SELECT id, category FROM commerce_product WHERE tenant_id = %(tenant)s AND code = %(start)s AND active
), b AS MATERIALIZED (
    SELECT id, category FROM commerce_product WHERE tenant_id = %(tenant)s AND code = %(end)s AND active
), kinds (kind) AS (VALUES ('compatible_with'), ('bought_with'), ('accessory_of'), ('upgrade_of')
), near_a AS MATERIALIZED ({_neighbours("a")}), near_b AS MATERIALIZED ({_neighbours("b")}
), one AS MATERIALIZED (
    SELECT ARRAY[a.id, b.id] AS nodes, ARRAY[edge.kind]::text[] AS kinds, ARRAY[edge.forward] AS forwards
    FROM a, b, {_edge("a.id", "b.id")} ORDER BY edge.weight DESC LIMIT 1
), two AS MATERIALIZED (
    SELECT * FROM (
        SELECT ARRAY[a.id, m.id, b.id] AS nodes, ARRAY[m.kind, edge.kind]::text[] AS kinds,
            ARRAY[m.forward, edge.forward] AS forwards, m.weight + edge.weight AS weight
        FROM a, b, near_a m, {_edge("m.id", "b.id")} WHERE NOT EXISTS (SELECT FROM one) AND %(hops)s >= 2
        UNION ALL
        SELECT ARRAY[a.id, m.id, b.id], ARRAY[edge.kind, m.kind]::text[], ARRAY[edge.forward, m.forward],
            m.weight + edge.weight
        FROM a, b, near_b m, {_edge("a.id", "m.id")} WHERE NOT EXISTS (SELECT FROM one) AND %(hops)s >= 2
    ) AS found ORDER BY weight DESC LIMIT 1
), three AS MATERIALIZED (
    SELECT ARRAY[a.id, x.id, y.id, b.id] AS nodes, ARRAY[x.kind, edge.kind, y.kind]::text[] AS kinds,
        ARRAY[x.forward, edge.forward, y.forward] AS forwards
    FROM a, b,
        (SELECT * FROM near_a ORDER BY weight DESC
         LIMIT {PAIRS} / (SELECT least(greatest(count(*), 1), 60) FROM near_b)) AS x,
        (SELECT * FROM near_b ORDER BY weight DESC
         LIMIT {PAIRS} / (SELECT least(greatest(count(*), 1), 60) FROM near_a)) AS y,
        {_edge("x.id", "y.id")}
    WHERE NOT EXISTS (SELECT FROM one) AND NOT EXISTS (SELECT FROM two) AND %(hops)s >= 3
        AND x.id <> b.id AND y.id <> a.id
    ORDER BY x.weight + edge.weight + y.weight DESC LIMIT 1
), stated AS (
    SELECT * FROM one UNION ALL SELECT nodes, kinds, forwards FROM two UNION ALL SELECT * FROM three
), by_category AS (
    SELECT nodes, kinds, forwards, weight FROM (
        SELECT ARRAY[a.id, b.id] AS nodes, ARRAY['{SAME_CATEGORY}'] AS kinds, ARRAY[true] AS forwards, 0 AS weight
        FROM a, b WHERE a.category = b.category AND a.category <> ''
        UNION ALL
        SELECT ARRAY[a.id, m.id, b.id], ARRAY[m.kind, '{SAME_CATEGORY}']::text[], ARRAY[m.forward, true], m.weight
        FROM a, b, near_a m WHERE m.category = b.category AND m.category <> '' AND %(hops)s >= 2
        UNION ALL
        SELECT ARRAY[a.id, m.id, b.id], ARRAY['{SAME_CATEGORY}', m.kind]::text[], ARRAY[true, m.forward], m.weight
        FROM a, b, near_b m WHERE m.category = a.category AND m.category <> '' AND %(hops)s >= 2
        UNION ALL
        SELECT ARRAY[a.id, x.id, y.id, b.id], ARRAY[x.kind, '{SAME_CATEGORY}', y.kind]::text[],
            ARRAY[x.forward, true, y.forward], x.weight + y.weight
        FROM a, b, (SELECT * FROM near_a ORDER BY weight DESC LIMIT 60) AS x
        JOIN (SELECT * FROM near_b ORDER BY weight DESC LIMIT 60) AS y ON y.category = x.category AND y.id <> x.id
        WHERE x.category <> '' AND x.id <> b.id AND y.id <> a.id AND %(hops)s >= 3
    ) AS found WHERE NOT EXISTS (SELECT FROM stated) ORDER BY cardinality(nodes), weight DESC LIMIT 1
), path AS (
    SELECT * FROM stated UNION ALL SELECT nodes, kinds, forwards FROM by_category
)
SELECT {CARD_COLUMNS}, path.kinds[node.place], path.forwards[node.place]
FROM path, unnest(path.nodes) WITH ORDINALITY AS node (id, place)
JOIN commerce_product p ON p.tenant_id = %(tenant)s AND p.id = node.id
ORDER BY node.place
"""  # noqa: S608 (made of constants)


def how_related(code_a: str, code_b: str, *, hops: int = MAX_HOPS) -> Path | None:
    """The shortest way over stated relations, of the strongest where several are as short; None if there is none.

    Being of the same category counts as a relation only where no stated ones lead there, and once on a way. The search
    begins at both ends and meets by looking up single relations, so that what lies between may have any number of
    them. It is complete up to FAN relations of a kind and direction at either end, and for three hops up to PAIRS pairs
    of neighbours; beyond, it follows the strongest.

    Raises:
        ValueError: when `hops` is not 1, 2 or 3.
    """
    if not 1 <= hops <= MAX_HOPS:
        raise ValueError(f"Ways of 1 to {MAX_HOPS} hops are looked for, not of {hops}.")
    if code_a == code_b:
        return None
    rows = fetch(_SQL, {"start": code_a, "end": code_b, "hops": hops})
    if not rows:
        return None
    products = tuple(card(row) for row in rows)
    steps = tuple(_step(products[place], products[place + 1], *row[CARD_SIZE:]) for place, row in enumerate(rows[:-1]))
    return Path(products, steps)


def _step(before: ProductCard, after: ProductCard, kind: str, forward: bool) -> Step:
    return Step(before, after, kind, True) if forward else Step(after, before, kind, False)

"""Graph questions and the product browser on 100,000 products and 1,000,000 relations, on one core.

    .venv/bin/python -m benchmarks.catalogue [--products 100000] [--relations 1000000] [--asked 500]

The catalogue is random, with hubs: one product has 30,000 relations, a hundred have thousands. It lies in an embedded
PostgreSQL of its own, behind the tenant's policy. Times are those of the Python functions, with opening the scope.
Bar: p95 of each graph question 30 ms.
"""

import argparse
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

BAR = 30.0  # milliseconds
BATCH = 5000  # rows a statement
CATEGORIES, BRANDS, HUBS, LARGEST_HUB = 40, 60, 100, 30_000
KINDS = ("compatible_with", "bought_with", "accessory_of", "upgrade_of")
WORDS = [
    a + b for a in ("pro", "ultra", "max", "neo", "air", "duo", "zen", "core") for b in ("", "x", "line", "wave", "go")
]
PLUGS = ("USB-C", "USB-A", "Lightning", "Barrel", "HDMI", "DisplayPort", "Thunderbolt", "MagSafe")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--relations", type=int, default=1_000_000)
    parser.add_argument("--asked", type=int, default=500, help="questions of each kind")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # PostgreSQL, started below, inherits it
    with tempfile.TemporaryDirectory(prefix="askwell-catalogue-") as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"ASKWELL_DATA": f"{folder}/data", "DJANGO_SETTINGS_MODULE": "project.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from project.database import database_ready

        with database_ready():
            met = measure(options)
    sys.exit(0 if met else 1)


def measure(options: argparse.Namespace) -> bool:
    from tenants.services import create_tenant

    tenant = create_tenant(slug="bench", name="Bench").pk
    started = time.monotonic()
    hubs = fill(tenant, options.products, options.relations)
    print(f"{options.products:,} products and {options.relations:,} relations in {time.monotonic() - started:.0f} s")
    chance = random.Random(7)
    pick = lambda: f"P{chance.randrange(options.products)}"  # noqa: E731
    hub = lambda: f"P{chance.choice(hubs)}"  # noqa: E731
    met = True
    for name, question in graph_questions(pick, hub):
        met &= report(name, tenant, question, options.asked) <= BAR
    for name, question in browser_questions(chance):
        report(name, tenant, question, max(1, options.asked // 4))
    return met


def graph_questions(pick: Callable[[], str], hub: Callable[[], str]) -> Iterator[tuple[str, Callable[[], object]]]:
    from commerce.graph import compare, compatible_with, how_related, similar_to

    yield "compare, 4 products", lambda: compare([pick() for _ in range(4)])
    yield "compatible_with", lambda: compatible_with(pick(), limit=10)
    yield "compatible_with, hubs", lambda: compatible_with(hub(), limit=10)
    yield "similar_to", lambda: similar_to(pick(), limit=6)
    yield "how_related", lambda: how_related(pick(), pick())
    yield "how_related, one a hub", lambda: how_related(pick(), hub())
    yield "how_related, both hubs", lambda: how_related(hub(), hub())


def browser_questions(chance: random.Random) -> Iterator[tuple[str, Callable[[], object]]]:
    from commerce.queries import Search, search_products

    word = lambda: chance.choice(WORDS)  # noqa: E731
    category = lambda: (f"Category {chance.randrange(CATEGORIES)}",)  # noqa: E731
    yield "browser, everything", lambda: search_products(Search())
    yield "browser, one word", lambda: search_products(Search(text=word()))
    yield "browser, two words", lambda: search_products(Search(text=f"{word()} {chance.randrange(1000)}"))
    yield "browser, category by price", lambda: search_products(Search(categories=category(), sort="price"))
    yield "browser, price range", lambda: search_products(Search(low=Decimal(900), high=Decimal(950), in_stock=True))


def report(name: str, tenant: int, question: Callable[[], object], asked: int) -> float:
    """Asks and prints; returns the 95th percentile in milliseconds."""
    from tenants.scope import tenant_scope

    times, found = [], 0
    for turn in range(asked + 20):
        started = time.perf_counter()
        with tenant_scope(tenant):
            answer = question()
        if turn >= 20:  # warm
            times.append((time.perf_counter() - started) * 1000)
            found += bool(answer)
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    print(
        f"{name:32} p50 {cuts[49]:6.1f} ms   p95 {cuts[94]:6.1f} ms   max {max(times):6.1f} ms"
        f"   answered {found / asked:.0%}",
        flush=True,
    )
    return cuts[94]


def fill(tenant: int, products: int, relations: int) -> list[int]:
    """Writes the catalogue; returns the numbers of the hubs, which are product codes without their P."""
    from django.db import connection

    from commerce.models import CompatibilityRule, Product
    from tenants.scope import tenant_scope

    chance = random.Random(1)
    hubs = chance.sample(range(products), HUBS)
    with tenant_scope(tenant), connection.cursor() as cursor:
        ids = []
        for start in range(0, products, BATCH):
            batch = [product(tenant, number, chance) for number in range(start, min(start + BATCH, products))]
            ids += [made.pk for made in Product.objects.bulk_create(batch)]
        rows = pairs(products, relations, hubs, chance)
        while batch := list(itertools.islice(rows, BATCH * 10)):
            sources, targets, kinds = zip(*batch, strict=True)
            weights = [chance.random() for _ in batch]
            cursor.execute(
                "INSERT INTO commerce_relation (tenant_id, source_id, target_id, kind, weight)"
                " SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::float8[])",
                [tenant, [ids[n] for n in sources], [ids[n] for n in targets], list(kinds), weights],
            )
        for number in range(8):
            CompatibilityRule.objects.create(
                category=f"Category {number}", specification="Plug", with_category=f"Category {number + 10}",
                with_specification="Socket",
            )  # fmt: skip
            CompatibilityRule.objects.create(
                category=f"Category {number}", specification="Power", comparison="at_least",
                with_category=f"Category {number + 10}", with_specification="Needs",
            )  # fmt: skip
    connection.ensure_connection()
    with connection.cursor() as cursor:
        for table in ("product", "relation", "productword", "productfact"):
            cursor.execute(f"VACUUM ANALYZE commerce_{table}")
    return hubs


def product(tenant: int, number: int, chance: random.Random) -> Any:
    from commerce.models import Product

    category = min(int(chance.paretovariate(0.6)), CATEGORIES) - 1  # the first has a third of all, the last a ninth
    return Product(
        tenant_id=tenant,
        code=f"P{number}",
        name=f"{chance.choice(WORDS)} {chance.choice(WORDS)} {chance.randrange(1000)}".title(),
        brand=f"Brand {chance.randrange(BRANDS)}",
        category=f"Category {category}",
        description="A product for every day.",
        specifications={
            "Memory": f"{chance.choice((4, 8, 16, 32, 64))} GB",
            "Storage": f"{chance.choice((128, 256, 512, 1024))} GB",
            "Weight": f"{chance.randint(80, 3000)} g",
            "Colour": chance.choice(("black", "white", "silver", "blue", "red")),
            "Plug": chance.choice(PLUGS),
            "Socket": chance.choice(PLUGS),
            "Power": f"{chance.randint(5, 200)} W",
            "Needs": f"{chance.randint(5, 200)} W",
        },
        rating=Decimal(chance.randint(10, 50)) / 10,
        reviews=chance.randrange(5000),
        art="laptop",
        price=Decimal(chance.randint(100, 200_000)) / 100,
        available=chance.random() < 0.9,
    )


def pairs(products: int, relations: int, hubs: list[int], chance: random.Random) -> Iterator[tuple[int, int, str]]:
    """Relations, each once: of one hub with a great many products, of hubs with some, of anything with anything."""
    seen: set[tuple[int, int]] = set()
    while len(seen) < relations:
        if len(seen) < min(LARGEST_HUB, relations // 4):
            source, target = chance.randrange(products), hubs[0]
        elif chance.random() < 0.25:
            source, target = chance.randrange(products), chance.choice(hubs)
        else:
            source, target = chance.randrange(products), chance.randrange(products)
        if source != target and (source, target) not in seen:
            seen.add((source, target))
            yield source, target, chance.choice(KINDS)


if __name__ == "__main__":
    main()

"""Measures many tenants in one process: 1,000 with sizes by Zipf's law, asked at random.

    python -m benchmarks.tenants_zipf [--data ../shared/data] [--work FOLDER] [--tenants 1000] [--chunks 1000000]

The chunks are copies of SQuAD's (`benchmarks.copied_chunks`). Every tenant is asked once (cold), then tenants are drawn
evenly (the hardest for a cache) and by size. Bars: p95 of the warm questions 60 ms, snapshots within the cap, and the
smallest tenant's ten nearest passages all found.
"""

import argparse
import contextlib
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.serving import percentile

ROOT = Path(__file__).resolve().parent.parent
P95, CAP = 60.0, 1024  # milliseconds, megabytes


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without writing again")
    parser.add_argument("--tenants", type=int, default=1_000)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=1_000)
    parser.add_argument("--asked", type=int, help="only so many of the tenants, drawn evenly, where time is short")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-zipf-")))
        work.mkdir(parents=True, exist_ok=True)
        os.environ |= {"ASKWELL_DATA": str(work), "ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        os.environ["ASKWELL_INDEX_MEMORY"] = str(CAP)
        from project.database import database_ready

        stack.enter_context(database_ready())
        sizes = write(options.data / "retrieval" / "squad", work, options.tenants, options.chunks)
        asked = drawn(sizes, options.asked or options.tenants)
        met = measure(options.data / "retrieval" / "squad", asked, options.questions)
    sys.exit(not met)


def zipf(tenants: int, chunks: int) -> list[int]:
    """How many chunks each tenant has: in proportion to one by its rank."""
    shares = 1 / np.arange(1, tenants + 1)
    return np.maximum((shares / shares.sum() * chunks).astype(int), 1).tolist()


def drawn(sizes: dict[int, int], count: int) -> dict[int, int]:
    """So many of the tenants, the smallest among them."""
    chosen = np.random.default_rng(3).permutation(sorted(sizes))[: count - 1].tolist()
    return {tenant: sizes[tenant] for tenant in {*chosen, min(sizes, key=lambda tenant: sizes[tenant])}}


def write(folder: Path, work: Path, tenants: int, chunks: int) -> dict[int, int]:
    """The tenants' ids and sizes; written at the first call."""
    from benchmarks.copied_chunks import copy_chunks, ingest_base, read_base
    from knowledge.models import KnowledgeState
    from tenants.models import Tenant
    from tenants.scope import tenant_scope
    from tenants.services import create_tenant

    base = ingest_base(folder)
    found = dict(Tenant.objects.filter(slug__startswith="zipf-").values_list("slug", "pk"))
    names = [f"zipf-{n:04d}" for n in range(tenants)]
    sizes = {
        found.get(name) or create_tenant(slug=name).pk: size
        for name, size in zip(names, zipf(tenants, chunks), strict=True)
    }
    if not found:
        started = time.monotonic()
        copy_chunks(work, read_base(work, base), sizes)
        print(f"{sum(sizes.values()):,} chunks of {tenants:,} tenants written in {time.monotonic() - started:.0f} s")
        for tenant in sizes:
            with tenant_scope(tenant):
                from knowledge.queries import today

                KnowledgeState.objects.create(tenant_id=tenant, version=1, day=today())
    return sizes


def measure(folder: Path, sizes: dict[int, int], questions: int) -> bool:
    from knowledge.evaluation import read_queries
    from knowledge.indexes.replica import replicas

    chance = np.random.default_rng(7)
    texts = list(read_queries(folder / "queries.jsonl").values())
    tenants = np.array(list(sizes))
    print(f"tenants of {min(sizes.values()):,} to {max(sizes.values()):,} chunks, {sum(sizes.values()):,} in all")
    started, spent = time.monotonic(), time.process_time()
    ask("cold, each once", chance.permutation(tenants).tolist(), texts)
    replicas.settle()
    print(f"  all loaded and stored after {time.monotonic() - started:.0f} s, {time.process_time() - spent:.0f} CPU s")
    ask("once more, each once", chance.permutation(tenants).tolist(), texts)
    replicas.settle()
    even = ask("warm, drawn evenly", chance.choice(tenants, questions).tolist(), texts)
    shares = np.array(list(sizes.values())) / sum(sizes.values())
    by_size = ask("warm, drawn by size", chance.choice(tenants, questions, p=shares).tolist(), texts)
    held = replicas.held() / 2**20
    print(f"  snapshots hold {held:.0f} MB (cap {CAP}); of the process: {memory()}")
    smallest = recall(min(sizes, key=lambda tenant: sizes[tenant]), texts[:100])
    print(f"  smallest tenant: recall@10 of the nearest passages {smallest:.3f} (bar 1.000)")
    return even <= P95 and by_size <= P95 and held <= CAP and smallest == 1.0


def ask(name: str, tenants: list[int], texts: list[str]) -> float:
    """Asks each of these tenants a question; prints and returns the p95 in milliseconds."""
    from knowledge.retrieval.search import search

    wall, cpu, served = [], [], Counter()
    for n, tenant in enumerate(tenants):
        started, spent = time.perf_counter(), time.thread_time()
        result = search(tenant, texts[n % len(texts)])
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((time.thread_time() - spent) * 1000)
        served[result.index] += 1
        assert len(result.passages) == 10
    p95 = percentile(wall, 0.95)
    print(
        f"  {name:<22} p50 {percentile(wall, 0.5):5.1f} ms, p95 {p95:6.1f} ms, largest {max(wall):7.1f} ms;"
        f" CPU p50 {percentile(cpu, 0.5):4.1f}, p95 {percentile(cpu, 0.95):5.1f};"
        f" served by {', '.join(f'{index} {count}' for index, count in served.most_common())}"
    )
    return p95


def recall(tenant: int, texts: list[str]) -> float:
    """How many of the ten nearest passages the index names, by an exact search over the database's own vectors."""
    from knowledge.embedding.serving import serving_embedder
    from knowledge.indexes.replica import replicas
    from knowledge.indexes.rows import read_rows
    from knowledge.queries import retrievable_chunks
    from tenants.scope import tenant_scope

    snapshot = replicas.load(tenant)
    assert snapshot is not None
    assert snapshot.paragraphs is not None
    with tenant_scope(tenant):
        rows = read_rows(retrievable_chunks())
    chunks, vectors = np.array([row.chunk for row in rows]), np.array([row.paragraph for row in rows], np.float32)
    shares = []
    for text in texts:
        vector = serving_embedder(tenant).encode_query(text).vector
        exact = set(chunks[np.argsort(-(vectors @ vector))[:10]].tolist())
        found, _ = snapshot.paragraphs.search(vector, 10)
        shares.append(len(exact & set(snapshot.chunks[found].tolist())) / len(exact))
    return float(np.mean(shares))


def memory() -> str:
    wanted = {"RssAnon": "own", "RssFile": "mapped files"}
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {
        wanted[name]: int(rest.split()[0]) // 1024
        for name, _, rest in (line.partition(":") for line in lines)
        if name in wanted
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return ", ".join(f"{name} {size} MB" for name, size in found.items()) + f", peak {peak} MB"


if __name__ == "__main__":
    main()

"""Measures retrieval on public sets, through the same ingestion and search that the product uses.

    python -m benchmarks.retrieval [--data ../shared/data] [--work FOLDER] [--sets squad xquad-es xquad-de]

Bars: SQuAD R@1 .85, R@5 .96, MRR@10 .90; XQuAD es R@1 .93, de .92. Beside it: the CPU time of each stage of a search,
at about 2,000 chunks and at 20,000 (the same chunks ten times over, in memory only).
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knowledge.indexes.snapshot import Row, Snapshot

ROOT = Path(__file__).resolve().parent.parent
BARS = {
    "squad": {"recall@1": 0.85, "recall@5": 0.96, "mrr@10": 0.90},
    "xquad-es": {"recall@1": 0.93},
    "xquad-de": {"recall@1": 0.92},
}
STAGED = 200  # queries that the stages are timed with


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without ingesting again")
    parser.add_argument("--sets", nargs="+", default=list(BARS), choices=list(BARS))
    options = parser.parse_args()
    folder = options.data / "retrieval"
    if not folder.is_dir():
        sys.exit(f"There is no {folder}; say with --data where the public data is.")
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-retrieval-")))
        os.environ |= {"ASKWELL_DATA": str(work), "ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        met = [measure(folder / name, BARS[name]) for name in options.sets]
    sys.exit(not all(met))


def measure(folder: Path, bars: dict[str, float]) -> bool:
    from knowledge.evaluation import evaluate, read_judgements, read_queries
    from knowledge.indexes.replica import replicas

    tenant = ingested(folder)
    started = time.process_time()
    snapshot = replicas.load(tenant)
    if snapshot is None:
        sys.exit("FAISS cannot be loaded, so there is no replica to measure.")
    print(f"\n{folder.name}: {len(snapshot)} chunks, loaded in {time.process_time() - started:.2f} CPU seconds")
    queries = read_queries(folder / "queries.jsonl")
    evaluation = evaluate(tenant, queries, read_judgements(folder / "qrels.jsonl"))
    for name, value in evaluation.metrics.items():
        bar = f"   bar {bars[name]:.2f}" if name in bars else ""
        print(f"  {name:<12} {value:.4f}{bar}")
    print("  latency      " + ", ".join(f"{name} {ms:.1f} ms" for name, ms in evaluation.latency_ms.items()))
    if folder.name == "squad":
        print_stages(tenant, snapshot, list(queries.values())[:STAGED])
    return all(evaluation.metrics[name] >= bar for name, bar in bars.items())


def ingested(folder: Path) -> int:
    """The tenant of a set, with its documents; ingested at the first call."""
    from knowledge.loading import load
    from knowledge.sources import from_path
    from tenants.models import Tenant
    from tenants.services import create_tenant

    found = Tenant.objects.filter(slug=folder.name).first()
    tenant = found or create_tenant(slug=folder.name, name=folder.name)
    for loaded in load(tenant.pk, from_path(folder / "documents.jsonl"), actor="benchmark", wait=True):
        if loaded.state not in ("live", "unchanged"):
            sys.exit(f"{loaded.document}: {loaded.state}. {loaded.error}")
    return tenant.pk


def print_stages(tenant: int, snapshot: "Snapshot", queries: list[str]) -> None:
    from knowledge.indexes.packing import held_bytes
    from knowledge.indexes.replica import empty_snapshot, read_rows
    from knowledge.queries import retrievable_chunks
    from tenants.scope import tenant_scope

    with tenant_scope(tenant):
        rows = read_rows(retrievable_chunks())
        large = empty_snapshot(rows).grown(list(copies(rows, 10)))
    for size in (snapshot, large):
        print(f"  CPU ms of a query at {len(size)} chunks ({held_bytes(size) / 2**20:.0f} MB in memory)")
        for stage, milliseconds in stages(tenant, size, queries).items():
            print(f"    {stage:<44} {milliseconds:6.2f}")


def copies(rows: "list[Row]", times: int) -> "Iterator[Row]":
    for n in range(times):
        yield from (row._replace(fingerprint=row.fingerprint // 2 + n) for row in rows)


def stages(tenant: int, snapshot: "Snapshot", queries: list[str]) -> dict[str, float]:
    from knowledge.embedding.base import get_embedder
    from knowledge.retrieval.passages import best_passages
    from knowledge.retrieval.ranking import rank
    from tenants.scope import tenant_scope

    spent: dict[str, float] = {}

    def timed(stage: str, function: Callable[..., Any], *values: Any) -> Any:
        started = time.thread_time()
        result = function(*values)
        spent[stage] = spent.get(stage, 0.0) + (time.thread_time() - started) * 1000 / len(queries)
        return result

    for query in queries:
        encoding = timed("encode the query", get_embedder().encode_query, query)
        timed("  of ranking: words and letters", snapshot.lexical.scores, query)
        timed("  of ranking: paragraph vectors", snapshot.paragraphs.search, encoding.vector, 100)
        ranking = timed("rank", rank, snapshot, query, encoding)
        with tenant_scope(tenant):
            timed("fetch, look closely, assemble", best_passages, snapshot, ranking, encoding, 10)
    return spent


if __name__ == "__main__":
    main()

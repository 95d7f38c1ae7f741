"""Measures retrieval on public sets, through the same ingestion and search that the product uses.

    python -m benchmarks.retrieval [--data ../shared/data] [--work FOLDER] [--sets squad banking] [--most 500]
                                   [--ablations]

Questions as they are, with typing errors, several in one text, and whole stories (`benchmarks/retrieval_queries.py`,
which has the bars). Beside it: what each step of the ranking is worth, and the CPU time of each stage of a search, at
about 2,000 chunks and at 20,000 (the same chunks ten times over, in memory only).
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
from unittest import mock

from benchmarks.retrieval_queries import TASKS, Task, questions

if TYPE_CHECKING:
    from knowledge.indexes.snapshot import Row, Snapshot

ROOT = Path(__file__).resolve().parent.parent
STAGED = 200  # queries that the stages are timed with
ABLATED = 300  # queries of each task that are asked without each step
MEASURES = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without ingesting again")
    sets = sorted({task.documents for task in TASKS})
    parser.add_argument("--sets", nargs="+", default=sets, choices=sets, help="whose documents are asked")
    parser.add_argument("--most", type=int, help="queries of each task, evenly; all without")
    parser.add_argument("--ablations", action="store_true", help="also leave out each step of the ranking")
    options = parser.parse_args()
    folder = options.data / "retrieval"
    if not folder.is_dir():
        sys.exit(f"There is no {folder}; say with --data where the public data is.")
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-retrieval-")))
        os.environ |= {"ASKWELL_DATA": str(work), "ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        tasks = [task for task in TASKS if task.documents in options.sets]
        print(f"{'':<34}" + "".join(f"{name:>11}" for name in MEASURES) + "    p50 ms  p95 ms")
        met = [measure(task, folder, options.most) for task in tasks]
        if options.ablations:
            ablate(tasks, folder)
        if "squad" in options.sets:
            print_stages(ingested(folder / "squad"), folder / "squad")
    sys.exit(not all(met))


def measure(task: Task, folder: Path, most: int | None, step: str = "") -> bool:
    """Prints one line of the table, and one of the bars; whether they are met."""
    from knowledge.evaluation import evaluate
    from knowledge.indexes.replica import replicas

    tenant = ingested(folder / task.documents)
    if replicas.load(tenant) is None:
        sys.exit("FAISS cannot be loaded, so there is no replica to measure.")
    queries, judgements = questions(task, folder)
    chosen = dict(list(queries.items())[:: max(len(queries) // most, 1)]) if most else queries
    found = evaluate(tenant, chosen, judgements)
    latency = f"{found.latency_ms['p50']:10.1f}{found.latency_ms['p95']:8.1f}"
    print(f"{step or f'{task.name} ({found.queries})':<34}" + row_of(found.metrics) + latency, flush=True)
    if not step:
        print(f"{'  bar':<34}" + row_of(task.bars))
    return all(found.metrics[name] >= bar for name, bar in task.bars.items())


def row_of(values: dict[str, float]) -> str:
    return "".join(f"{values[name]:11.4f}" if name in values else " " * 11 for name in MEASURES)


def ablate(tasks: list[Task], folder: Path) -> None:
    """Prints what is found without each step."""
    from knowledge.retrieval.weights import Weights

    steps = {
        "without spelling": ("knowledge.retrieval.search._spelt", lambda _, text: text),
        "without late interaction": ("knowledge.retrieval.policy.SearchPolicy.weights", Weights(rerank=0.0)),
        "words alone": ("knowledge.retrieval.policy.SearchPolicy.weights", Weights(dense=0.0, rerank=0.0)),
        "meaning alone": ("knowledge.retrieval.policy.SearchPolicy.weights", Weights(dense=1.0, rerank=0.0)),
        "stories as questions": ("knowledge.retrieval.source.encode_need", lambda *_: None),
        "questions in one piece": ("knowledge.retrieval.parts.split", lambda _: ()),
    }
    for task in tasks:
        print(f"\n{task.name}, {ABLATED} queries at most")
        measure(task, folder, ABLATED, "  everything")
        for step, (place, instead) in steps.items():
            with mock.patch(place, instead):
                measure(task, folder, ABLATED, f"  {step}")


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


def print_stages(tenant: int, folder: Path) -> None:
    from knowledge.evaluation import read_queries
    from knowledge.indexes.packing import held_bytes
    from knowledge.indexes.replica import replicas
    from knowledge.indexes.rows import empty_snapshot, read_rows
    from knowledge.queries import retrievable_chunks
    from tenants.scope import tenant_scope

    with tenant_scope(tenant):
        rows = read_rows(retrievable_chunks())
        large = empty_snapshot(rows).grown(list(copies(rows, 10)))
    queries = list(read_queries(folder / "queries.jsonl").values())[:STAGED]
    for size in filter(None, (replicas.load(tenant), large)):
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
    from knowledge.retrieval.spelling import correct
    from tenants.scope import tenant_scope

    spent: dict[str, float] = {}

    def timed(stage: str, function: Callable[..., Any], *values: Any) -> Any:
        started = time.thread_time()
        result = function(*values)
        spent[stage] = spent.get(stage, 0.0) + (time.thread_time() - started) * 1000 / len(queries)
        return result

    for query in queries:
        timed("spelling", correct, query, snapshot.lexical, get_embedder(), snapshot.pieces_per_word)
        encoding = timed("encode the query", get_embedder().encode_query, query)
        timed("  of ranking: words and letters", snapshot.lexical.scores, query)
        if snapshot.paragraphs is not None:
            timed("  of ranking: paragraph vectors", snapshot.paragraphs.search, encoding.vector, 100)
        ranking = timed("rank", rank, snapshot, query, encoding)
        with tenant_scope(tenant):
            timed("fetch, look closely, assemble", best_passages, snapshot, ranking, encoding, 10)
    return spent


if __name__ == "__main__":
    main()

"""Measures ingestion against the embedder alone, in one run on the same texts, and what it does with odd documents.

    python -m benchmarks.ingestion [--data ../shared/data] [--passages 512] [--words 5000000] [--copies 10000]

Bar: 90 % of the tokens per second of the embedder alone, both with as many threads as there are cores. Articles of some
forty passages each are measured, and the worst that can come: documents of one passage. The embedder is timed after
each ingestion; on a machine that others use as well, the ratio of processor times (ours, that of
PostgreSQL not included) says more than that of wall times. Then, with an embedder that costs nothing, so that only our
own part is measured: a document of one sentence, one of five million words (memory, progress, and that it ends), and
ten thousand identical documents (embedded once in each group).
"""

import argparse
import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BAR = 0.90
MEMORY_BAR = 1_500  # megabytes, for five million words
THREADS = len(os.sched_getaffinity(0))


class Spent(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--passages", type=int, default=512)
    parser.add_argument("--words", type=int, default=5_000_000)
    parser.add_argument("--copies", type=int, default=10_000)
    options = parser.parse_args()
    squad = options.data / "retrieval" / "squad" / "documents.jsonl"
    if not squad.is_file():
        sys.exit(f"There is no {squad}; say with --data where the public data is.")
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-ingestion-"))
        os.environ |= {"ASKWELL_DATA": work, "ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        from project.database import database_ready

        stack.enter_context(database_ready())
        rows = [json.loads(line) for line in squad.read_text(encoding="utf-8").splitlines()]
        met = measure_throughput("documents of one passage", rows[:: max(len(rows) // options.passages, 1)])
        met &= measure_throughput("articles", articles(rows, options.passages))
        met &= measure_odd_documents(options.words, options.copies)
    sys.exit(not met)


def articles(rows: list[dict[str, Any]], passages: int) -> list[dict[str, Any]]:
    """Whole articles, of about that many passages in all."""
    texts: dict[str, list[str]] = {}
    for row in rows[:passages]:
        texts.setdefault(row["title"], []).append(row["text"])
    return [{"id": title, "title": title, "text": "\n\n".join(parts)} for title, parts in texts.items()]


def measure_throughput(kind: str, rows: list[dict[str, Any]]) -> bool:
    from knowledge.embedding.base import get_embedder

    tenant = kind.replace(" ", "-")
    with mock.patch("knowledge.embedding.batches.KEPT", 0):  # else each would find vectors that the one before has made
        first = timed(lambda: ingest(tenant, documents(rows)))
        chunks = passages(tenant)
        tokens = sum(get_embedder().count_pieces(chunk.text) for chunk in chunks)
        alone = [embed(chunks)]
        second = timed(lambda: ingest(f"{tenant}-again", documents(rows)))
        alone.append(embed(chunks))
    whole = min(first, second)
    wall, cpu = (min(getattr(spent, what) for spent in alone) / getattr(whole, what) for what in Spent._fields)
    print(f"{kind}: {len(rows)}, {len(chunks)} passages, {tokens} tokens, {THREADS} threads")
    for name, spent in (("the embedder alone", alone[0]), ("the same again", alone[1]), ("ingestion", whole)):
        rates = f"{tokens / spent.wall:8.0f} tokens a second, {tokens / spent.cpu:8.0f} a processor second"
        print(f"  {name:<20}{rates}")
    print(f"  ratio {wall:.2f} of wall time, {cpu:.2f} of processor time   bar {BAR:.2f}")
    return max(wall, cpu) >= BAR


def passages(tenant: str) -> list[Any]:
    """What was made of a tenant's documents, as the embedder takes it."""
    from knowledge.embedding.passages import Embedded
    from knowledge.models import Chunk
    from tenants.models import Tenant
    from tenants.scope import tenant_scope

    with tenant_scope(Tenant.objects.get(slug=tenant).pk):
        return [
            Embedded(c.document.title, tuple(c.heading_path), c.text, tuple((start, end) for start, end in c.sentences))
            for c in Chunk.objects.select_related("document").order_by("pk")
        ]


def embed(chunks: list[Any]) -> Spent:
    from knowledge.embedding.base import get_embedder
    from knowledge.embedding.batches import Encoding

    with ThreadPoolExecutor(THREADS) as pool:
        return timed(lambda: Encoding(chunks, get_embedder(), pool).finish())


def timed(work: Any) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def documents(rows: list[dict[str, Any]]) -> Iterator[Any]:
    from knowledge.sources import NewDocument

    return (NewDocument(external_id=row["id"], title=row["title"], text=row["text"]) for row in rows)


def ingest(slug: str, items: Iterator[Any]) -> list[Any]:
    from knowledge.loading import load
    from tenants.services import create_tenant

    outcomes = list(load(create_tenant(slug=slug, name=slug).pk, items, actor="benchmark", wait=True))
    if failed := [outcome for outcome in outcomes if outcome.state != "live"]:
        sys.exit(f"{len(failed)} documents failed: {failed[0].error}")
    return outcomes


def measure_odd_documents(words: int, copies: int) -> bool:
    from knowledge.embedding import base
    from knowledge.sources import NewDocument

    free = FreeEmbedder(base.get_embedder())
    base._load = lambda: free  # type: ignore[assignment]  # noqa: SLF001 (only what ours costs is measured)
    spent = timed(lambda: ingest("one", iter([NewDocument(external_id="one", text="We open at nine.")])))
    print(f"one sentence: {spent.wall:.2f} s")
    free.calls = 0
    same = (NewDocument(external_id=f"copy {n}", title="Opening", text="We open at nine. " * 40) for n in range(copies))
    spent = timed(lambda: ingest("same", same))
    print(f"{copies} identical documents: {spent.wall:.0f} s, {free.calls} passages embedded")
    few = free.calls <= copies / 100
    sentence = "The parcel leaves the house on the next working day and arrives within three to five days. "
    text = "".join(f"# Part {n}\n\n" + sentence * 20 + "\n\n" for n in range(words // 340))
    before = peak()
    spent = timed(lambda: ingest("large", iter([NewDocument(external_id="large", text=text)])))
    print(f"{words} words: {spent.wall:.0f} s, peak memory {peak():.0f} MB ({before:.0f} before)   bar {MEMORY_BAR} MB")
    return few and peak() <= MEMORY_BAR


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class FreeEmbedder:
    """Counts pieces as the real one does, and makes vectors of nothing."""

    name = "free"
    dimensions = 384

    def __init__(self, real: Any) -> None:
        self._real = real
        self.calls = 0

    def count_pieces(self, text: str) -> int:
        found: int = self._real.count_pieces(text)
        return found

    def pieces_per_word(self, text: str) -> float:
        found: float = self._real.pieces_per_word(text)
        return found

    def encode_passages(self, passages: list[Any]) -> list[Any]:
        from knowledge.embedding.base import TOKEN_WIDTH, PassageEncoding

        self.calls += len(passages)
        unit = np.full(self.dimensions, self.dimensions**-0.5, np.float32)
        return [
            PassageEncoding(
                paragraph=unit,
                sentences=np.tile(unit, (max(len(passage.sentences), 1), 1)),
                tokens=np.ones((100, TOKEN_WIDTH), np.int8),
                token_ids=np.arange(100, dtype=np.int32),
                token_sentences=np.zeros(100, np.int16),
            )
            for passage in passages
        ]


if __name__ == "__main__":
    main()

"""Measures a search, and the memory it needs, at 100,000 and at a million chunks of one tenant.

    python -m benchmarks.index_sizes [--data ../shared/data] [--work FOLDER] [--chunks 100000 1000000]

The texts are sentences of SQuAD put together anew, 10,000 of them repeated; the vectors are those of SQuAD with noise;
the questions are SQuAD's own. What ranks is in memory, as in the product. The rows that a search ends with are those of
the 2,388 real chunks, over and over, so PostgreSQL finds them in a smaller table than it would. Times are CPU time of
the searching thread, which other programs hardly disturb; what PostgreSQL itself computes is not in them.

Bars: p50 20 ms and p95 40 ms at 100,000, p50 60 ms at a million; recall@10 of the paragraph vectors against exact
search .99 and .95; 3 kB a chunk.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from knowledge.indexes.lexical import LexicalIndex
    from knowledge.indexes.snapshot import Row, Snapshot

ROOT = Path(__file__).resolve().parent.parent
BARS = {100_000: (20, 40, 0.99), 1_000_000: (60, 120, 0.95)}
BYTES = 3_000  # a chunk
TEXTS = 10_000  # different ones
NOISE = 0.6  # length of what is added to a unit vector
QUERIES = 200
AT_ONCE = 5_000  # chunks that are made at once


class Large(NamedTuple):
    """A snapshot, and the vectors that its index holds, float32 [n, d]."""

    snapshot: "Snapshot"
    exact: "np.ndarray"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without ingesting again")
    parser.add_argument("--chunks", type=int, nargs="+", default=list(BARS))
    options = parser.parse_args()
    folder = options.data / "retrieval" / "squad"
    if not folder.is_dir():
        sys.exit(f"There is no {folder}; say with --data where the public data is.")
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-sizes-")))
        os.environ |= {
            "ASKWELL_DATA": str(work),
            "ASKWELL_DEMO": "0",
            "ASKWELL_INDEX_MEMORY": "20000",
            "DJANGO_SETTINGS_MODULE": "project.settings",
        }
        from project.database import database_ready

        stack.enter_context(database_ready())
        met = [measure(folder, count) for count in options.chunks]
    sys.exit(not all(met))


def measure(folder: Path, count: int) -> bool:
    from benchmarks.retrieval import ingested
    from knowledge.evaluation.files import read_queries
    from knowledge.indexes.rows import read_rows
    from knowledge.queries import retrievable_chunks
    from tenants.scope import tenant_scope

    tenant = ingested(folder)
    with tenant_scope(tenant):
        rows = read_rows(retrievable_chunks())
        started = time.process_time()
        large = made(rows, count)
    print(f"\n{count:,} chunks, made in {time.process_time() - started:.0f} CPU seconds")
    queries = list(read_queries(folder / "queries.jsonl").values())[:: 2000 // QUERIES]
    held = print_memory(large.snapshot)
    p50, p95 = print_times(tenant, large.snapshot, queries)  # first: the embedder remembers the questions
    recall = measured_recall(large, queries)
    change = changed_in(large.snapshot, rows[0])
    most50, most95, least = BARS.get(count, BARS[max(BARS)])
    print(f"  recall@10 of the paragraph vectors {recall:.4f} (bar {least}); one document changed in {change:.0f} ms")
    print(f"  a search: p50 {p50:.1f} ms (bar {most50}), p95 {p95:.1f} ms (bar {most95}); {held:,.0f} bytes a chunk")
    return p50 <= most50 and p95 <= most95 and recall >= least and held <= BYTES


def made(rows: "list[Row]", count: int) -> Large:
    """A snapshot of `count` chunks like `rows`; needs the tenant's scope."""
    from knowledge.indexes.rows import empty_snapshot

    rng = np.random.default_rng(11)
    sources = np.arange(count) % len(rows)
    base = empty_snapshot(rows)
    exact = np.empty((count, base.dimensions), np.float32)
    assert base.paragraphs is not None
    counts = np.array([len(row.sentences) for row in rows])
    sentences = base.sentences
    for first in range(0, count, AT_ONCE):
        here = sources[first : first + AT_ONCE]
        exact[first : first + AT_ONCE] = shaken(np.array([rows[n].paragraph for n in here]), rng)
        real = np.concatenate([rows[n].sentences for n in here]).astype(np.float32)
        sentences = sentences.grown(shaken(real, rng))
    base.paragraphs.add(np.arange(count), exact)
    measured = replace(base, starts=np.concatenate([[0], np.cumsum(counts[sources])]))
    whitening, norms = measured._measured(sentences)  # noqa: SLF001 (as growing does)
    pieces, frequencies = base._counted([row.token_ids for row in rows])  # noqa: SLF001 (likewise)
    snapshot = replace(
        measured,
        lexical=lexical_of(rows, count, base.lexical.language, rng),
        chunks=np.array([row.chunk for row in rows])[sources],
        documents=np.arange(count),
        fingerprints=np.arange(count),
        live=np.ones(count, bool),
        sentences=sentences,
        whitening=whitening,
        norms=norms,
        pieces=pieces,
        frequencies=(frequencies * (count / len(rows))).astype(np.int32),
    )
    return Large(snapshot, exact)


def shaken(vectors: "np.ndarray", rng: "np.random.Generator") -> "np.ndarray":
    noise = rng.standard_normal(vectors.shape, np.float32) * np.float32(NOISE / vectors.shape[1] ** 0.5)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) + noise
    return unit / np.linalg.norm(unit, axis=1, keepdims=True)


def lexical_of(rows: "list[Row]", count: int, language: str, rng: "np.random.Generator") -> "LexicalIndex":
    """The index of texts that begin as one passage and end as another, the same ones again and again."""
    from knowledge.indexes.analysis import Analyser, Terms
    from knowledge.indexes.lexical import LexicalIndex

    pairs = rng.integers(0, len(rows), (min(TEXTS, count), 2))
    halves = [(rows[one].text.split(), rows[other].text.split()) for one, other in pairs.tolist()]
    texts = [" ".join(one[: len(one) // 2] + other[len(other) // 2 :]) for one, other in halves]
    index = LexicalIndex.empty(language)
    words, grams = Analyser(language).analyse(texts)
    times = -(-count // len(texts))
    fields = []
    for field, terms in ((index.words, words), (index.grams, grams)):
        grown = field
        for _ in range(times):
            grown = grown.grown(Terms(terms.keys, terms.rows), len(texts))
        fields.append(grown)
    return replace(index, words=fields[0], grams=fields[1], vocabulary=index.vocabulary.grown(texts))


def print_memory(snapshot: "Snapshot") -> float:
    from knowledge.indexes.kinds import index_report
    from knowledge.indexes.packing import held_bytes

    held = held_bytes(snapshot) / len(snapshot)
    parts = {name: getattr(snapshot, name) for name in ("paragraphs", "sentences", "lexical")}
    told = ", ".join(f"{name} {held_bytes(part) / len(snapshot):,.0f}" for name, part in parts.items())
    print(f"  index: {index_report(snapshot)}")
    print(f"  {held:,.0f} bytes a chunk (bar {BYTES:,}): {told}, of which words as written are once for all texts")
    return held


def measured_recall(large: Large, queries: list[str]) -> float:
    from knowledge.embedding.base import get_embedder

    assert large.snapshot.paragraphs is not None
    found = []
    for query in queries:
        direction = large.snapshot.whitening.direction(get_embedder().encode_query(query).vector)
        best = np.argpartition(-(large.exact @ direction), 10)[:10]
        ids, _ = large.snapshot.paragraphs.search(direction, 10)
        found.append(len(set(ids.tolist()) & set(best.tolist())) / 10)
    return float(np.mean(found))


def print_times(tenant: int, snapshot: "Snapshot", queries: list[str]) -> tuple[float, float]:
    from knowledge.embedding.base import get_embedder
    from knowledge.retrieval.passages import best_passages
    from knowledge.retrieval.ranking import rank
    from tenants.scope import tenant_scope

    stages: dict[str, list[float]] = {}

    def timed(stage, function, *values):
        started = time.thread_time()
        result = function(*values)
        stages.setdefault(stage, []).append((time.thread_time() - started) * 1000)
        return result

    assert snapshot.paragraphs is not None
    for query in queries:
        encoding = timed("the question's vectors", get_embedder().encode_query, f"{query} ")
        timed("  of ranking: words and letters", snapshot.lexical.scores, query)
        timed("  of ranking: paragraph vectors", snapshot.paragraphs.search, encoding.vector, 100)
        ranking = timed("ranking", rank, snapshot, query, encoding)
        with tenant_scope(tenant):
            timed("rows, a close look, passages", best_passages, snapshot, ranking, encoding, 10)
    for stage, times in stages.items():
        print(f"    {stage:<36} p50 {np.percentile(times, 50):6.2f}   p95 {np.percentile(times, 95):6.2f} ms")
    whole = np.sum([times for stage, times in stages.items() if not stage.startswith(" ")], axis=0)
    return float(np.percentile(whole, 50)), float(np.percentile(whole, 95))


def changed_in(snapshot: "Snapshot", row: "Row") -> float:
    """CPU milliseconds until one changed document can be found."""
    started = time.process_time()
    snapshot.without([17]).grown([row])
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    main()

"""Measures Askwell beside other retrieval stacks, in one run, on the same chunks and the same vectors.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install -r benchmarks/peers/requirements.txt
    python -m benchmarks.peers --python /tmp/peers/bin/python [--data ../shared/data] [--work FOLDER] [--queries 500]

Askwell ingests each set and answers its questions; its chunks, their paragraph vectors and the vectors of the questions
are then handed to the others, which run in an environment of their own with the settings that their tutorials show:

- chromadb: one collection, cosine distance
- bm25s + faiss: the best 50 of each, joined by reciprocal rank fusion (k = 60)
- haystack: its BM25 and its embedding retriever, joined by its reciprocal rank fusion
- llama-index: its vector index

Every figure is of documents, ranked by their best chunk. Latencies hold the time that Askwell's embedder takes for the
question, for everybody, and for Askwell also the visit to the database that fetches the passages; one question at a
time, processor time of the process (without PostgreSQL's) and wall time. Bars: none lower than any peer, in R@1,
MRR@10 and nDCG@10.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import ingested

ROOT = Path(__file__).resolve().parent.parent.parent
SETS = ("squad", "xquad-es", "banking")
DEPTH = 10
DEEPER = 50  # chunks, where the first ten are of fewer documents
MEASURED = {"recall@1": "R@1", "mrr@10": "MRR@10", "ndcg@10": "nDCG@10"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="of the environment that the others are in")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, help="keeps the database here, to measure again without ingesting again")
    parser.add_argument("--queries", type=int, default=500, help="at most so many questions of a set")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    options = parser.parse_args()
    folder = options.data / "retrieval"
    if not folder.is_dir():
        sys.exit(f"There is no {folder}; say with --data where the public data is.")
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-peers-")))
        os.environ |= {"ASKWELL_DATA": str(options.work or scratch / "data"), "ASKWELL_DEMO": "0"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        from project.database import database_ready

        stack.enter_context(database_ready())
        met = [compare(folder / name, options.python, scratch / name, options.queries) for name in options.sets]
    sys.exit(not all(met))


def compare(folder: Path, python: Path, scratch: Path, count: int) -> bool:
    from knowledge.evaluation import read_judgements, read_queries

    tenant = ingested(folder)
    queries = dict(list(read_queries(folder / "queries.jsonl").items())[:count])
    judgements = read_judgements(folder / "qrels.jsonl")
    scratch.mkdir()
    own = ask(tenant, queries)
    encode_ms = hand_over(tenant, queries, scratch)
    command = [str(python), str(Path(__file__).with_name("others.py")), str(scratch)]
    subprocess.run(command, check=True, env={"PATH": os.environ["PATH"], "HOME": str(scratch)})
    results = {"askwell": own, **json.loads((scratch / "results.json").read_text(encoding="utf-8"))}
    return report(folder.name, results, judgements, list(queries), encode_ms)


def ask(tenant: int, queries: dict[str, str]) -> dict[str, Any]:
    """Askwell's rankings, {query: documents}, and the milliseconds of each question."""
    from knowledge.indexes.replica import replicas
    from knowledge.retrieval.search import search

    replicas.load(tenant)
    rankings, times, cpu = {}, [], []
    for query, text in queries.items():
        started, busy = time.perf_counter(), time.process_time()
        result = search(tenant, text, k=DEPTH)
        times.append((time.perf_counter() - started) * 1000)
        cpu.append((time.process_time() - busy) * 1000)
        rankings[query] = documents_of(result)
        if len(rankings[query]) < DEPTH:
            rankings[query] = documents_of(search(tenant, text, k=DEEPER))
    return {"rankings": rankings, "ms": times, "cpu": cpu}


def documents_of(result: Any) -> list[str]:
    return list(dict.fromkeys(passage.document for passage in result.passages))[:DEPTH]


def hand_over(tenant: int, queries: dict[str, str], scratch: Path) -> float:
    """Write chunks and vectors for the others; returns the milliseconds of a processor that a question's vector takes.

    It is the median, of the question with a full stop more: the vectors of the last questions are remembered.
    """
    from knowledge.embedding.base import get_embedder
    from knowledge.models import Chunk, ChunkVectors
    from tenants.scope import tenant_scope

    embedder = get_embedder()
    with tenant_scope(tenant):
        model = ChunkVectors.objects.filter(model=embedder.name).select_related("chunk__document").order_by("chunk_id")
        rows = [(row.chunk, np.asarray(_list(row.paragraph), np.float32)) for row in model]
        assert len(rows) == Chunk.objects.count()
    vectors, times = [], []
    for text in queries.values():
        vectors.append(embedder.encode_texts([text])[0])
        started = time.process_time()
        embedder.encode_texts([f"{text} ."])
        times.append((time.process_time() - started) * 1000)
    np.save(scratch / "chunks.npy", np.stack([vector for _, vector in rows]))
    np.save(scratch / "queries.npy", np.stack(vectors))
    chunks = [
        {"id": str(chunk.pk), "document": chunk.document.external_id, "text": f"{chunk.document.title}\n{chunk.text}"}
        for chunk, _ in rows
    ]
    texts = [{"id": query, "text": text} for query, text in queries.items()]
    (scratch / "texts.json").write_text(json.dumps({"chunks": chunks, "queries": texts}), encoding="utf-8")
    return float(np.median(times))


def _list(vector: Any) -> Any:
    return vector.to_numpy() if hasattr(vector, "to_numpy") else vector


def report(name: str, results: dict[str, Any], judgements: Any, queries: list[str], encode_ms: float) -> bool:
    from knowledge.evaluation import measures

    found = {}
    print(f"\n{name}: {len(queries)} questions; embedding one takes {encode_ms:.1f} ms")
    columns = "".join(f"{label:>9}{'ratio':>7}" for label in MEASURED.values())
    print(f"  {'':<14}{columns}{'p50 CPU':>9}{'p50 ms':>9}{'p95 ms':>9}", flush=True)
    for peer, result in results.items():
        scores = [measures(result["rankings"][query], judgements[query]) for query in queries if query in judgements]
        found[peer] = {key: float(np.mean([score[key] for score in scores])) for key in MEASURED}
        cpu, times = (np.array(result[key]) + (0.0 if peer == "askwell" else encode_ms) for key in ("cpu", "ms"))
        line = "".join(f"{found[peer][key]:9.3f}{found[peer][key] / found['askwell'][key]:7.2f}" for key in MEASURED)
        spent = (np.percentile(cpu, 50), np.percentile(times, 50), np.percentile(times, 95))
        print(f"  {peer:<14}{line}" + "".join(f"{value:9.1f}" for value in spent), flush=True)
    best = {key: max(scores[key] for peer, scores in found.items() if peer != "askwell") for key in MEASURED}
    return all(found["askwell"][key] >= best[key] for key in MEASURED)


if __name__ == "__main__":
    main()

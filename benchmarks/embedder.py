"""Measures the local embedder: agreement with an independent implementation, throughput, one query, memory.

    python -m benchmarks.embedder [--data ../shared/data] [--passages 256]

Bars: cosine to `tests/knowledge/reference_vectors.npz` at least .9999; 1,900 tokens per CPU second on one thread.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
import knowledge  # noqa: F401 (sets the threads of numpy before it is imported)

import numpy as np  # isort: skip

from knowledge.embedding.base import PassageInput
from knowledge.embedding.local import LocalEmbedder
from knowledge.sentences import split_sentences

ROOT = Path(__file__).resolve().parent.parent
COSINE_BAR, TOKENS_BAR = 0.9999, 1900
QUERIES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--memory", choices=["0", "1"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print(json.dumps(proportional_megabytes(prepack=options.memory == "1")))
        return
    started = time.perf_counter()
    embedder = LocalEmbedder()
    print(f"loaded and checked in          {time.perf_counter() - started:8.2f} s")
    met = measure_agreement(embedder)
    squad = options.data / "retrieval" / "squad"
    if squad.is_dir():
        met &= measure_speed(embedder, squad, options.passages)
    else:
        print(f"speed not measured: there is no {squad}; say with --data where the public data is")
    for prepack in ("1", "0"):
        command = [sys.executable, "-m", "benchmarks.embedder", "--memory", prepack]
        alone, private = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
        how = "packed" if prepack == "1" else "as mapped"
        print(f"memory with weights {how:<10} {alone:8.0f} MB, of which {private:.0f} MB are not shared")
    sys.exit(not met)


def measure_agreement(embedder: LocalEmbedder) -> bool:
    with np.load(ROOT / "tests" / "knowledge" / "reference_vectors.npz") as reference:
        found = embedder.encode_texts(reference["texts"].tolist())
        lowest = float((found * reference["vectors"]).sum(axis=1).min())
    print(f"lowest cosine to the reference {lowest:8.6f}   bar {COSINE_BAR}")
    return lowest >= COSINE_BAR


def measure_speed(embedder: LocalEmbedder, squad: Path, count: int) -> bool:
    rows = [json.loads(line) for line in (squad / "documents.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = rows[:: max(len(rows) // count, 1)][:count]
    passages = [PassageInput(row["title"], row["text"], tuple(split_sentences(row["text"]))) for row in rows]
    tokens = sum(embedder.count_pieces(passage.text) for passage in passages)
    started = time.process_time()
    embedder.encode_passages(passages)
    rate = tokens / (time.process_time() - started)
    print(f"passages, tokens/CPU second    {rate:8.0f}   bar {TOKENS_BAR}")
    lines = (squad / "queries.jsonl").read_text(encoding="utf-8").splitlines()[:QUERIES]
    queries = [json.loads(line)["text"] for line in lines]
    embedder.encode_query(queries[0])
    started = time.process_time()
    for query in queries:
        embedder.encode_query(query)
    print(f"one query, CPU ms              {(time.process_time() - started) / len(queries) * 1000:8.2f}")
    return rate >= TOKENS_BAR


def proportional_megabytes(*, prepack: bool) -> tuple[float, float]:
    """What the embedder adds to a process after queries and passages: resident, and private memory."""
    before = memory()
    embedder = LocalEmbedder(prepack=prepack)
    embedder.encode_query("Where is my parcel?")
    embedder.encode_passages([PassageInput("", "A sentence about parcels. " * 40)] * 64)
    after = memory()
    return after[0] - before[0], after[1] - before[1]


def memory() -> tuple[float, float]:
    """Resident and private megabytes of this process."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return sizes["Rss"], sizes["Private_Dirty"]


if __name__ == "__main__":
    main()

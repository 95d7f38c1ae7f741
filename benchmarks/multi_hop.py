"""Measures questions that ask for two things: whether both are found, and that single questions are none the worse.

    python -m benchmarks.multi_hop [--data ../shared/data] [--work FOLDER] [--pairs 400]

Pairs of SQuAD questions about different passages, drawn with a fixed seed and joined by "and" or "also", against the
same search with no question cut into parts. Bar: both passages among the first 5 for .90 of the pairs; R@1 of single
questions falls by at most .002.
"""

import random
from pathlib import Path
from unittest.mock import patch

from benchmarks.squad import run

JOINTS = (" and ", ", and also ", "? Also, ")
BOTH_BAR, LOSS_BAR = 0.90, 0.002
FIRST = 5


def measure(folder: Path, count: int) -> bool:
    from benchmarks.retrieval import ingested
    from knowledge.evaluation import read_judgements, read_queries
    from knowledge.indexes.replica import replicas
    from knowledge.retrieval import parts

    tenant = ingested(folder)
    replicas.load(tenant)
    queries, judgements = read_queries(folder / "queries.jsonl"), read_judgements(folder / "qrels.jsonl")
    answers = {query: {document for document, grade in judgements[query].items() if grade} for query in queries}
    joined = list(pairs(queries, answers, count))
    cut = sum(bool(parts.split(text)) for text, *_ in joined)
    print(f"{len(joined)} pairs of questions, {cut} of them cut into parts")
    both = share_of_both(tenant, joined)
    with patch.object(parts, "split", lambda _: ()):
        plain = share_of_both(tenant, joined)
    print(f"  both among the first {FIRST}: {both:.3f} (bar {BOTH_BAR}), without parts {plain:.3f}")
    wrongly = {query: text for query, text in queries.items() if parts.split(text)}
    with_parts = hits(tenant, wrongly, answers)
    with patch.object(parts, "split", lambda _: ()):
        without = hits(tenant, wrongly, answers)
    loss = [(before - after) / len(queries) for before, after in zip(without, with_parts, strict=True)]
    print(f"{len(queries)} single questions, {len(wrongly)} of them cut: R@1 falls by {loss[0]:.4f} (bar {LOSS_BAR}),")
    print(f"  R@5 by {loss[1]:.4f}")
    return both >= BOTH_BAR and loss[0] <= LOSS_BAR


def pairs(queries: dict[str, str], answers: dict[str, set[str]], count: int) -> "list[tuple[str, set[str], set[str]]]":
    """Joined questions with what answers each; the passages differ."""
    draw, ids, found = random.Random(7), sorted(queries), []
    while len(found) < count:
        one, other = draw.sample(ids, 2)
        if answers[one] & answers[other]:
            continue
        first, second = queries[one].strip().rstrip("?"), queries[other].strip()
        joint = JOINTS[len(found) % len(JOINTS)]
        found.append((f"{first}{joint}{second[:1].lower()}{second[1:]}", answers[one], answers[other]))
    return found


def share_of_both(tenant: int, joined: "list[tuple[str, set[str], set[str]]]") -> float:
    from knowledge.retrieval.search import search

    good = 0
    for text, one, other in joined:
        found = {passage.document for passage in search(tenant, text, k=FIRST).passages}
        good += bool(found & one) and bool(found & other)
    return good / len(joined)


def hits(tenant: int, queries: dict[str, str], answers: dict[str, set[str]]) -> tuple[int, int]:
    """How many questions have their passage first, and among the first five."""
    from knowledge.retrieval.search import search

    first = five = 0
    for query, text in queries.items():
        found = [passage.document for passage in search(tenant, text, k=FIRST).passages]
        first += bool(set(found[:1]) & answers[query])
        five += bool(set(found) & answers[query])
    return first, five


if __name__ == "__main__":
    run(__doc__ or "", "pairs", 400, measure)

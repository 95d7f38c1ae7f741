"""The questions that retrieval is measured with: those of the public sets, misspelt ones, and several in one text."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

SEED = 1964  # the year of Damerau's paper on spelling errors
SHARE = 0.3  # of the words over LONGEST_SPARED letters, in which two neighbours are swapped
LONGEST_SPARED = 5
SMALL_TALK = "I have been reading about this for days now. My friend could not tell me either."
JOINED = 300  # texts of two to four questions

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Task:
    """Queries and their judgements, asked of the tenant of one set of documents.

    Attributes:
        name: what it is called.
        documents: the folder of the set.
        kind: "plain", "typos", "talk" or "joined".
        bars: by measure.
    """

    name: str
    documents: str
    kind: str
    bars: dict[str, float]


TASKS = [
    Task("squad", "squad", "plain", {"recall@1": 0.89, "recall@5": 0.98, "mrr@10": 0.93, "ndcg@10": 0.945}),
    Task("squad, typos", "squad", "typos", {"recall@1": 0.87}),
    Task("squad, with small talk", "squad", "talk", {"recall@1": 0.87}),
    Task("squad, joined", "squad", "joined", {"recall@10": 0.95}),
    Task("xquad-es", "xquad-es", "plain", {"recall@1": 0.94}),
    Task("xquad-de", "xquad-de", "plain", {"recall@1": 0.94}),
    Task("xquad-de, joined", "xquad-de", "joined", {"recall@10": 0.95}),
    Task("banking", "banking", "plain", {"recall@10": 0.42, "ndcg@10": 0.48}),
]


def questions(task: Task, folder: Path) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """The queries of a task and their judgements; `folder` holds the sets."""
    from knowledge.evaluation import read_judgements, read_queries

    queries = read_queries(folder / task.documents / "queries.jsonl")
    judgements = read_judgements(folder / task.documents / "qrels.jsonl")
    if task.kind == "joined":
        return joined(queries, judgements)
    if task.kind == "talk":
        queries = {query: f"{SMALL_TALK} {text}" for query, text in queries.items()}
    if task.kind == "typos":
        rng = random.Random(SEED)
        queries = {query: misspelt(text, rng) for query, text in queries.items()}
    return queries, judgements


def misspelt(text: str, rng: random.Random) -> str:
    """The text with two neighbouring letters swapped in some of its longer words."""

    def swap(found: re.Match[str]) -> str:
        word = found[0]
        if len(word) <= LONGEST_SPARED or rng.random() >= SHARE:
            return word
        at = rng.randrange(len(word) - 1)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _WORD.sub(swap, text)


def joined(
    queries: dict[str, str], judgements: dict[str, dict[str, float]]
) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """Two to four questions as one text, which should find the passages of all."""
    rng = random.Random(SEED)
    texts, relevant = {}, {}
    for n in range(JOINED):
        chosen = rng.sample(sorted(queries), rng.choice((2, 3, 4)))
        texts[f"joined {n}"] = " ".join(queries[query].strip() for query in chosen)
        relevant[f"joined {n}"] = {document: value for query in chosen for document, value in judgements[query].items()}
    return texts, relevant

"""Write the constants that were measured once on public text: the token projection and the prior of the whitening.

From the passages and questions of SQuAD, XQuAD (es, de) and the banking articles, both of the shared data:

    python -m benchmarks.embedding_constants ../shared/data

`knowledge/embedding/token_projection.npy`: the 64 principal axes of layer-5 token states (content tokens, unit length).
`knowledge/indexes/minilm_prior.npz`: mean and covariance of English sentence vectors, and the offset from the mean of
passages' sentences to the mean of questions, averaged over the sets.
`knowledge/retrieval/minilm_needs.npy`: the mean of the sentences in which customers tell what they need (those of the
retail tasks, so that the stories of the banking set say something about others).
"""

# ruff: noqa: SLF001 (what is measured is inside the model)

import argparse
import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from knowledge.embedding import local
from knowledge.embedding.base import TOKEN_WIDTH, PassageInput
from knowledge.embedding.local import LocalEmbedder
from knowledge.sentences import split_sentences

PACKAGE = Path(__file__).parent.parent / "knowledge"
PASSAGES, QUESTIONS = 240, 1000  # of each set
AXES = 64  # directions of the covariance that are stored; the others share their mean variance
SETS = {  # passages, questions
    "squad": ("retrieval/squad/documents.jsonl", "retrieval/squad/queries.jsonl"),
    "xquad-es": ("retrieval/xquad-es/documents.jsonl", "retrieval/xquad-es/queries.jsonl"),
    "xquad-de": ("retrieval/xquad-de/documents.jsonl", "retrieval/xquad-de/queries.jsonl"),
    "banking": ("retrieval/banking/documents.jsonl", "intents/banking77/train.jsonl"),
}
STORIES = "retail/tasks.json"
ENGLISH = ("squad", "banking")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def rows(path: Path, most: int) -> list[dict[str, str]]:
    """About `most` rows, evenly from the whole file (questions on one topic stand together)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:: max(len(lines) // most, 1)]]


def passage(row: dict[str, str]) -> PassageInput:
    ends = [match.end() for match in SENTENCE_END.finditer(row["text"])]
    edges = [0, *ends, len(row["text"])]
    spans = tuple((a, b) for a, b in pairwise(edges) if b > a)
    return PassageInput(row.get("title", ""), row["text"], spans)


def stories(path: Path) -> list[PassageInput]:
    """The tasks as their customers are told them."""
    told = [task["user_scenario"]["instructions"] for task in json.loads(path.read_text(encoding="utf-8"))]
    texts = [" ".join(str(part) for part in each.values() if part) for each in told]
    return [PassageInput("", text, tuple(split_sentences(text))) for text in texts]


def token_moments(embedder: LocalEmbedder, passages: list[PassageInput]) -> np.ndarray:
    """The sum of outer products of the content tokens' layer-5 states."""
    total = np.zeros((embedder.dimensions, embedder.dimensions))
    windows = [window for n, each in enumerate(passages) for window in embedder._cutter.windows(n, each)]
    inputs = [window.ids for window in windows]
    for batch in local._batches(inputs):
        (states,) = embedder._session.run(["layer5"], local._feed([inputs[i] for i in batch]))
        for row, number in enumerate(batch):
            window = windows[number]
            text = slice(window.start, window.start + len(window.sentences))
            kept = local._unit(states[row][text][embedder._cutter.content[window.ids[text]]]).astype(np.float64)
            total += kept.T @ kept
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--projection", action="store_true", help="write the token projection again, too")
    options = parser.parse_args()
    embedder = LocalEmbedder()
    sets = {name: [options.data / path for path in paths] for name, paths in SETS.items()}
    passages = {name: [passage(row) for row in rows(paths[0], PASSAGES)] for name, paths in sets.items()}
    if options.projection:
        moments = sum(token_moments(embedder, each) for each in passages.values())
        axes = np.linalg.eigh(moments)[1][:, ::-1][:, :TOKEN_WIDTH]
        np.save(PACKAGE / "embedding" / "token_projection.npy", axes.astype(np.float16))
    sentences = {
        name: np.concatenate([encoding.sentences for encoding in embedder.encode_passages(each)])
        for name, each in passages.items()
    }
    told = [encoding.sentences for encoding in embedder.encode_passages(stories(options.data / STORIES))]
    np.save(PACKAGE / "retrieval" / "minilm_needs.npy", np.concatenate(told).mean(axis=0).astype(np.float16))
    offsets = []
    for name, paths in sets.items():
        questions = embedder.encode_texts([row["text"] for row in rows(paths[1], QUESTIONS)])
        offsets.append(questions.mean(axis=0) - sentences[name].mean(axis=0))
    spread = np.mean([np.cov(sentences[name].T) for name in ENGLISH], axis=0)
    variances, axes = np.linalg.eigh(spread)
    np.savez_compressed(
        PACKAGE / "indexes" / "minilm_prior.npz",
        mean=np.mean([sentences[name].mean(axis=0) for name in ENGLISH], axis=0).astype(np.float16),
        offset=np.mean(offsets, axis=0).astype(np.float16),
        axes=axes[:, -AXES:].astype(np.float16),
        variances=(variances[-AXES:] - variances[:-AXES].mean()).astype(np.float32),
        rest=np.float32(variances[:-AXES].mean()),
    )


if __name__ == "__main__":
    main()

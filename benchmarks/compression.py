"""Measures what each compression of the vectors costs: SQuAD with float32 throughout, then with one thing smaller.

    python -m benchmarks.compression [--data ../shared/data] [--questions 500]

The passages are embedded here, nothing is stored, and ranking is the product's: lexical scores, the best sentence of
the candidates, fusion, late interaction. Beside each: the bytes of a chunk, and R@1 of the sentences alone.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DEPTH, LEG = 20, 100  # passages that are looked at closely; candidates of each leg
DENSE, CLOSE = 0.4, 0.6  # shares of meaning, and of the close look
Matrix = Any


@dataclass(frozen=True)
class Corpus:
    """The chunks of a set: vectors [n, d]; those of sentences and tokens belong to the chunk `*_of` says."""

    paragraphs: Matrix
    sentences: Matrix
    sentences_of: Matrix
    tokens: Matrix
    tokens_of: Matrix
    token_sentences: Matrix
    token_ids: list[Matrix]
    lexical: Any

    @cached_property
    def whitening(self) -> Any:
        from knowledge.indexes.whitening import Whitening, prior_of

        return Whitening.measure(self.sentences, prior_of("all-MiniLM-L6-v2", self.sentences.shape[1]))

    @cached_property
    def norms(self) -> Matrix:
        return self.whitening.norms(self.sentences)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--documents", type=int, help="only the first of them, and the questions about those")
    options = parser.parse_args()
    folder = options.data / "retrieval" / "squad"
    if not folder.is_dir():
        sys.exit(f"There is no {folder}; say with --data where the public data is.")
    os.environ |= {"ASKWELL_DEMO": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
    import django

    django.setup()
    documents = [json.loads(line) for line in (folder / "documents.jsonl").open()][: options.documents]
    questions = [json.loads(line) for line in (folder / "queries.jsonl").open()]
    wanted = {row["query"]: row["document"] for row in map(json.loads, (folder / "qrels.jsonl").open())}
    kept = {document["id"] for document in documents}
    questions = [question for question in questions if wanted[question["id"]] in kept]
    questions = questions[:: max(len(questions) // options.questions, 1)]
    corpus = embedded(documents)
    names = [document["id"] for document in documents]
    asked = [
        (encode(question["text"]), question["text"], names.index(wanted[question["id"]])) for question in questions
    ]
    print(f"{len(documents)} documents of SQuAD, {len(asked)} questions\n")
    print(f"{'':<42} bytes a chunk   sentences R@1     R@1    nDCG@10")
    for name, part, width, compress in variants():
        smaller = replace(corpus, **{part: compress(getattr(corpus, part))}) if part else corpus
        size = f"{width * len(getattr(corpus, part)) / len(documents):,.0f}" if part else ""
        alone, first, gain = quality(smaller, asked)
        print(f"{name:<42} {size:>13}   {alone:13.4f}   {first:.4f}   {gain:.4f}", flush=True)


def variants() -> list[tuple[str, str, float, Callable[[Matrix], Matrix]]]:
    """What is tried: its name, the part that it is about, bytes of one vector of it, and how that is made smaller."""
    return [
        ("all float32 (tokens of 64 int8)", "", 0, np.asarray),
        ("paragraphs float16 (kept)", "paragraphs", 768, lambda v: v.astype(np.float16).astype(np.float32)),
        ("paragraphs 8 bits", "paragraphs", 384, lambda v: whole(v, 127)),
        ("sentences 8 bits (kept in the database)", "sentences", 384, lambda v: whole(v, 127)),
        ("sentences 6 bits", "sentences", 288, lambda v: whole(v, 31)),
        ("sentences 4 bits (kept in memory)", "sentences", 192 + 4, lambda v: whole(v, 7)),
        ("sentences 3 bits", "sentences", 144, lambda v: whole(v, 3)),
        ("tokens 64 x 8 bits", "tokens", 64, np.asarray),
        ("tokens 64 x 4 bits, stretched to the largest", "tokens", 32, lambda v: whole(v, 7)),
        ("tokens 64 x 5 bits, cut where it fits best (kept)", "tokens", 40, stored),
        ("tokens 64 x 3 bits", "tokens", 24, lambda v: whole(v, 3)),
    ]


def whole(vectors: Matrix, most: int) -> Matrix:
    """Stretched to whole numbers up to `most`, and back to the length they had."""
    from knowledge.indexes.buffers import stretched

    numbers = stretched(vectors.astype(np.float32), most).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True) / np.maximum(
        np.linalg.norm(numbers, axis=1, keepdims=True), 1e-9
    )
    return numbers * lengths


def stored(tokens: Matrix) -> Matrix:
    """As the database gives them back."""
    from knowledge.indexes.buffers import pack_tokens, unpack_tokens

    parts = np.array_split(tokens, len(tokens) // 1_000 + 1)
    return np.concatenate([unpack_tokens(pack_tokens(part)) for part in parts]).astype(np.float32)


def embedded(documents: Sequence[dict[str, str]]) -> Corpus:
    from knowledge.embedding.base import PassageInput, get_embedder
    from knowledge.indexes.lexical import LexicalIndex
    from knowledge.sentences import split_sentences

    inputs = [PassageInput(d["title"], d["text"], tuple(split_sentences(d["text"]))) for d in documents]
    encodings = get_embedder().encode_passages(inputs)
    tokens = [encoding.tokens for encoding in encodings]
    return Corpus(
        paragraphs=np.array([encoding.paragraph for encoding in encodings]),
        sentences=np.concatenate([encoding.sentences for encoding in encodings]),
        sentences_of=np.repeat(np.arange(len(encodings)), [len(encoding.sentences) for encoding in encodings]),
        tokens=np.concatenate(tokens).astype(np.float32),
        tokens_of=np.repeat(np.arange(len(encodings)), [len(part) for part in tokens]),
        token_sentences=np.concatenate([encoding.token_sentences for encoding in encodings]),
        token_ids=[encoding.token_ids for encoding in encodings],
        lexical=LexicalIndex.empty("en").grown([f"{d['title']} {d['text']}" for d in documents]),
    )


def encode(question: str) -> Any:
    from knowledge.embedding.base import get_embedder

    return get_embedder().encode_query(question)


def quality(corpus: Corpus, asked: Sequence[tuple[Any, str, int]]) -> tuple[float, float, float]:
    """R@1 of the sentences alone, R@1 and nDCG@10 of everything."""
    from knowledge.retrieval.fusion import fuse

    alone, ranks = [], []
    weights = token_weights(corpus)
    for encoding, text, wanted in asked:
        rows = candidates(corpus, encoding.vector, text)
        dense = best_sentences(corpus, encoding.vector)[rows]
        fused = fuse(corpus.lexical.scores(text).combined[rows], dense, DENSE)
        alone.append(rows[dense.argmax()] == wanted)
        head = rows[np.argsort(-fused, kind="stable")][:DEPTH]
        order = head[
            np.argsort(-close_look(corpus, encoding, weights, head, np.sort(fused)[::-1][:DEPTH]), kind="stable")
        ]
        found = np.flatnonzero(order[:10] == wanted)
        ranks.append(int(found[0]) if len(found) else -1)
    gains = [1 / np.log2(rank + 2) if rank >= 0 else 0.0 for rank in ranks]
    return float(np.mean(alone)), float(np.mean(np.array(ranks) == 0)), float(np.mean(gains))


def candidates(corpus: Corpus, vector: Matrix, text: str) -> Matrix:
    from knowledge.retrieval.fusion import best

    lexical = corpus.lexical.scores(text).combined
    by_words = best(lexical, LEG)
    by_vector = best(corpus.paragraphs @ corpus.whitening.direction(vector), LEG)
    return np.union1d(by_words[lexical[by_words] > 0], by_vector)


def best_sentences(corpus: Corpus, vector: Matrix) -> Matrix:
    direction = corpus.whitening.direction(vector)
    scores = (corpus.sentences @ direction - corpus.whitening.mean @ direction) / corpus.norms
    return np.maximum.reduceat(scores, np.flatnonzero(np.diff(corpus.sentences_of, prepend=-1)))


def token_weights(corpus: Corpus) -> dict[int, float]:
    rows = len(corpus.token_ids)
    pieces, found = np.unique(np.concatenate([np.unique(ids) for ids in corpus.token_ids]), return_counts=True)
    return dict(zip(pieces.tolist(), np.log1p((rows - found + 0.5) / (found + 0.5)).tolist(), strict=True))


def close_look(corpus: Corpus, encoding: Any, weights: dict[int, float], head: Matrix, fused: Matrix) -> Matrix:
    from knowledge.retrieval.rerank import TokenVectors, interaction, mix

    passages = []
    for row in head.tolist():
        span = slice(*np.searchsorted(corpus.tokens_of, [row, row + 1]).tolist())
        passages.append(TokenVectors(corpus.tokens[span], corpus.token_sentences[span]))
    rare = float(np.log1p(2 * len(corpus.token_ids) + 1))
    idf = np.array([weights.get(piece, rare) for piece in encoding.token_ids.tolist()], np.float32)
    return mix(fused, interaction(encoding.tokens, idf, passages), CLOSE)


if __name__ == "__main__":
    main()

"""The other stacks, each given the same chunks and vectors; runs where `requirements.txt` is installed.

    python benchmarks/peers/others.py FOLDER

Reads what `benchmarks.peers` has written into the folder and writes `results.json`: for each stack {"rankings": {query:
documents}, "ms": [...], "cpu": [...]}.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

os.environ["ANONYMIZED_TELEMETRY"] = os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

import numpy as np

DEPTH = 10
EACH = 50  # of each leg of a fusion
FUSION = 60  # Cormack, Clarke and Büttcher (2009)
PAGE = 2_000  # chunks added at once

Find = Callable[[str, Any], Iterable[str]]
"""From a question and its vector to chunk ids, best first."""


class Corpus(NamedTuple):
    """Chunks as {id, document, text}, and their vectors, float32 [n, d]."""

    chunks: list[dict[str, str]]
    vectors: Any


def chroma(corpus: Corpus) -> Find:
    import chromadb

    client = chromadb.EphemeralClient()
    collection = client.create_collection("chunks", metadata={"hnsw:space": "cosine"})
    for first in range(0, len(corpus.chunks), PAGE):
        page = corpus.chunks[first : first + PAGE]
        collection.add(
            ids=[chunk["id"] for chunk in page],
            documents=[chunk["text"] for chunk in page],
            embeddings=corpus.vectors[first : first + PAGE].tolist(),
        )

    def find(_: str, vector: Any) -> Iterable[str]:
        found: list[str] = collection.query(query_embeddings=[vector.tolist()], n_results=EACH)["ids"][0]
        return found

    return find


def glued(corpus: Corpus) -> Find:
    import bm25s
    import faiss

    words = bm25s.BM25()
    words.index(
        bm25s.tokenize([chunk["text"] for chunk in corpus.chunks], stopwords="en", show_progress=False),
        show_progress=False,
    )
    index = faiss.IndexFlatIP(corpus.vectors.shape[1])
    index.add(corpus.vectors)
    ids = [chunk["id"] for chunk in corpus.chunks]
    depth = min(EACH, len(ids))

    def find(text: str, vector: Any) -> Iterable[str]:
        tokens = bm25s.tokenize([text], stopwords="en", show_progress=False)
        by_words = words.retrieve(tokens, k=depth, show_progress=False)[0][0]
        by_vectors = index.search(vector[None], depth)[1][0]
        scores: dict[int, float] = {}
        for leg in (by_words, by_vectors):
            for rank, number in enumerate(leg.tolist(), 1):
                scores[number] = scores.get(number, 0.0) + 1 / (FUSION + rank)
        return (ids[number] for number in sorted(scores, key=lambda number: -scores[number]))

    return find


def haystack(corpus: Corpus) -> Find:
    from haystack import Document
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(
        [
            Document(id=chunk["id"], content=chunk["text"], embedding=vector.tolist())
            for chunk, vector in zip(corpus.chunks, corpus.vectors, strict=True)
        ]
    )
    by_words = InMemoryBM25Retriever(store, top_k=EACH)
    by_vectors = InMemoryEmbeddingRetriever(store, top_k=EACH)
    joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion")

    def find(text: str, vector: Any) -> Iterable[str]:
        legs = [by_words.run(query=text), by_vectors.run(query_embedding=vector.tolist())]
        joined = joiner.run(documents=[leg["documents"] for leg in legs])["documents"]
        return (document.id for document in joined)

    return find


def llama_index(corpus: Corpus) -> Find:
    from llama_index.core import MockEmbedding, QueryBundle, VectorStoreIndex
    from llama_index.core.schema import TextNode

    nodes = [
        TextNode(id_=chunk["id"], text=chunk["text"], embedding=vector.tolist())
        for chunk, vector in zip(corpus.chunks, corpus.vectors, strict=True)
    ]
    model = MockEmbedding(embed_dim=corpus.vectors.shape[1])
    retriever = VectorStoreIndex(nodes, embed_model=model).as_retriever(similarity_top_k=EACH)

    def find(text: str, vector: Any) -> Iterable[str]:
        return (found.node.node_id for found in retriever.retrieve(QueryBundle(text, embedding=vector.tolist())))

    return find


PEERS = {"chromadb": chroma, "bm25s + faiss": glued, "haystack": haystack, "llama-index": llama_index}


def main() -> None:
    logging.disable(logging.WARNING)
    folder = Path(sys.argv[1])
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    corpus = Corpus(texts["chunks"], np.load(folder / "chunks.npy"))
    vectors = np.load(folder / "queries.npy")
    results = {name: measure(build(corpus), corpus, texts["queries"], vectors) for name, build in PEERS.items()}
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")


def measure(find: Find, corpus: Corpus, queries: list[dict[str, str]], vectors: Any) -> dict[str, Any]:
    documents = {chunk["id"]: chunk["document"] for chunk in corpus.chunks}
    rankings, times, cpu = {}, [], []
    for query, vector in zip(queries, vectors, strict=True):
        started, busy = time.perf_counter(), time.process_time()
        chunks = list(find(query["text"], vector))
        times.append((time.perf_counter() - started) * 1000)
        cpu.append((time.process_time() - busy) * 1000)
        rankings[query["id"]] = list(dict.fromkeys(documents[chunk] for chunk in chunks))[:DEPTH]
    return {"rankings": rankings, "ms": times, "cpu": cpu}


if __name__ == "__main__":
    main()

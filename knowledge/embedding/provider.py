"""Embeddings from any server that speaks the OpenAI `/embeddings` protocol (OpenAI, Azure, Ollama, vLLM, llama.cpp)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import openai
import regex

from knowledge.embedding.base import TOKEN_WIDTH, EmbedderError, PassageEncoding, PassageInput, QueryEncoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.embedding.base import Floats

TIMEOUT = 30.0  # seconds for one request
BATCH = 64  # texts in one request: servers bound both their number and their sum
PIECE = 4  # letters of an average vocabulary piece of the models of today

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_PIECES_PER_WORD = 1.2


def connect(api_key: str, base_url: str) -> openai.OpenAI:
    """A client of the embedding server.

    Raises:
        EmbedderError: there is neither a key nor the address of a server that may need none.
    """
    if not api_key and not base_url:
        raise EmbedderError(
            "ASKWELL_EMBEDDING_MODEL names a model of a server. Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server "
            "that needs no key, or leave ASKWELL_EMBEDDING_MODEL empty to use the local model."
        )
    return openai.OpenAI(api_key=api_key or "none", base_url=base_url or None, timeout=TIMEOUT, max_retries=2)


class ProviderEmbedder:
    """A remote model: sentences are embedded as texts of their own, and there are no token vectors."""

    def __init__(self, model: str, client: openai.OpenAI) -> None:
        """Prepare to ask `client` for vectors of `model`; nothing is sent yet."""
        self.name = model
        self._client = client

    @cached_property
    def dimensions(self) -> int:
        """The length of a vector, as the server's first answer shows."""
        return len(self.encode_texts(["dimensions"])[0])

    def count_pieces(self, text: str) -> int:
        """An estimate: the vocabulary is the server's."""
        return sum(1 + len(word) // (PIECE + 1) for word in _WORD.findall(text))

    def pieces_per_word(self, text: str) -> float:
        """A guess: a large multilingual vocabulary knows most words, and the server does not say how it cuts them."""
        return _PIECES_PER_WORD if _WORD.search(text) else 0.0

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, float32 [n, d].

        Raises:
            EmbedderError: the server does not answer, or with something else than one vector per text.
        """
        rows: list[list[float]] = []
        for first in range(0, len(texts), BATCH):
            rows += self._request([text if text.strip() else "-" for text in texts[first : first + BATCH]])
        vectors = np.array(rows, np.float32).reshape(len(texts), -1 if rows else 0)
        return _unit(vectors)

    def encode_query(self, query: str) -> QueryEncoding:
        """The vector of a question."""
        vector = self.encode_texts([query])[0]
        return QueryEncoding(
            vector, np.zeros((0, TOKEN_WIDTH), np.float32), np.zeros(0, np.int32), self.pieces_per_word(query)
        )

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageEncoding]:
        """The vectors of each passage, with its title in front, and of its sentences."""
        texts: list[str] = []
        for passage in passages:
            texts.append(f"{passage.title}. {passage.text}" if passage.title else passage.text)
            texts += [passage.text[begin:end] for begin, end in passage.sentences]
        vectors, encodings, row = self.encode_texts(texts), [], 0
        for passage in passages:
            end = row + 1 + len(passage.sentences)
            sentences = vectors[row + 1 : end] if passage.sentences else vectors[row:end]
            encodings.append(_encoding(vectors[row], sentences))
            row = end
        return encodings

    def _request(self, texts: list[str]) -> list[list[float]]:
        try:
            data = self._client.embeddings.create(model=self.name, input=texts, encoding_format="float").data
        except openai.OpenAIError as error:
            raise EmbedderError(f"The embedding server did not answer as it should: {error}") from error
        rows = [item.embedding for item in sorted(data, key=lambda item: item.index)]
        if len(rows) != len(texts) or len({len(row) for row in rows}) != 1:
            raise EmbedderError(f"The embedding server sent {len(rows)} vectors for {len(texts)} texts.")
        return rows


def _encoding(paragraph: Floats, sentences: Floats) -> PassageEncoding:
    return PassageEncoding(
        paragraph=paragraph,
        sentences=sentences,
        tokens=np.zeros((0, TOKEN_WIDTH), np.int8),
        token_ids=np.zeros(0, np.int32),
        token_sentences=np.zeros(0, np.int16),
    )


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit

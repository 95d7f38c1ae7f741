"""Embeddings from any server that speaks the OpenAI `/embeddings` protocol (OpenAI, Azure, Ollama, vLLM, llama.cpp).

What a server sends is looked at before it is believed: one vector for each text, all of the same known length, of
finite numbers, none of them zero. An answer that is anything else is refused whole.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import openai
import regex

from knowledge.embedding import answers
from knowledge.embedding.base import (
    TOKEN_WIDTH,
    EmbedderAwayError,
    EmbedderError,
    PassageEncoding,
    PassageInput,
    QueryEncoding,
)
from knowledge.embedding.connections import TIMEOUT
from knowledge.embedding.explaining import explain
from knowledge.embedding.recent import RecentQueries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx2

    from knowledge.embedding.base import Floats

BATCH, BATCH_LETTERS = 64, 100_000  # texts and characters in one request: servers bound both their number and their sum
MOST_LETTERS = 24_000  # of one text: what is longer, servers refuse or cut
AT_ONCE = 4  # requests of one call
TRIES = 4  # of a request for passages; a question is asked once, since somebody waits for it
QUERY_SECONDS = 4.0  # for the vector of a question
PAUSE = 0.5  # seconds before the second try, doubled before each other one, within a half more or less
LONGEST_PAUSE = 20.0
REST = 10.0  # seconds in which a server that failed a question is asked no other one
PIECE = 4  # letters of an average vocabulary piece of the models of today

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_PIECES_PER_WORD = 1.2
log = logging.getLogger(__name__)


class ProviderEmbedder:
    """A remote model: sentences are embedded as texts of their own, and there are no token vectors."""

    def __init__(self, model: str, client: openai.OpenAI, *, name: str = "", dimensions: int | None = None) -> None:
        """Prepare to ask `client` for vectors of `model`; nothing is sent yet.

        Args:
            model: as the server knows it.
            client: where to ask, without retries of its own.
            name: what the vectors are kept under; the model's by default.
            dimensions: the length of its vectors, where that is known; another length is refused from then on.
        """
        self.name = name or model
        self._model = model
        self._client = client
        self._dimensions = dimensions
        self._recent = RecentQueries()
        self._resting_until = 0.0
        self._lock = threading.Lock()
        weakref.finalize(self, client.close)  # a row that is changed leaves its embedder behind

    @cached_property
    def dimensions(self) -> int:
        """The length of a vector, as the server's first answer shows."""
        if self._dimensions is None:
            self.encode_texts(["dimensions"])
        assert self._dimensions is not None  # noqa: S101 (the call above has set it, or raised)
        return self._dimensions

    def count_pieces(self, text: str) -> int:
        """An estimate: the vocabulary is the server's."""
        return sum(1 + len(word) // (PIECE + 1) for word in _WORD.findall(text))

    def pieces_per_word(self, text: str) -> float:
        """A guess: a large multilingual vocabulary knows most words, and the server does not say how it cuts them."""
        return _PIECES_PER_WORD if _WORD.search(text) else 0.0

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, float32 [n, d]; several requests at a time, each tried again for a while.

        Raises:
            EmbedderError: the server does not answer, or with something else than one usable vector per text.
        """
        batches = list(_batches(texts))
        if len(batches) > 1:
            with ThreadPoolExecutor(min(AT_ONCE, len(batches)), thread_name_prefix="embedding") as pool:
                parts = list(pool.map(self._patiently, batches))
        else:
            parts = [self._patiently(batch) for batch in batches]
        return np.concatenate(parts) if parts else np.zeros((0, self._dimensions or 0), np.float32)

    def encode_query(self, query: str) -> QueryEncoding:
        """The vector of a question; at once an error for a while after the server has failed one.

        Raises:
            EmbedderError: likewise.
        """
        key = np.frombuffer(query.encode("utf-32", "replace"), np.uint32).astype(np.int64)
        if known := self._recent.get(key):
            return known
        if time.monotonic() < self._resting_until:
            raise EmbedderAwayError("The embedding server failed a moment ago, and is left alone for a few seconds.")
        try:
            vector = self._request([query], timeout=QUERY_SECONDS)[0]
        except EmbedderError:
            self._resting_until = time.monotonic() + REST
            raise
        no_tokens, no_ids = np.zeros((0, TOKEN_WIDTH), np.float32), np.zeros(0, np.int32)
        encoding = QueryEncoding(vector, no_tokens, no_ids, self.pieces_per_word(query), self.name)
        self._recent.put(key, encoding)
        return encoding

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageEncoding]:
        """The vectors of each passage, with its title in front, and of its sentences.

        Raises:
            EmbedderError: as for `encode_texts`; there are no vectors of any of them, then.
        """
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

    def _patiently(self, texts: list[str]) -> Floats:
        """The vectors of one batch, asked for again after what may pass."""
        for attempt in range(1, TRIES):
            try:
                return self._request(texts)
            except EmbedderAwayError as error:
                log.info("%s is asked again: %s", self.name, error)
                time.sleep(_pause(attempt, error.__cause__))  # in a worker or a thread, never in a scope
        return self._request(texts)

    def _request(self, texts: list[str], timeout: httpx2.Timeout | float = TIMEOUT) -> Floats:
        sent = [text[:MOST_LETTERS] if text.strip() else "-" for text in texts]
        try:
            response = self._client.embeddings.with_raw_response.create(
                model=self._model, input=sent, encoding_format="float", timeout=timeout
            )
            body: Any = json.loads(response.http_response.content)
        except openai.OpenAIError as error:
            raise explain(error, self._client.api_key) from error
        except ValueError as error:
            raise EmbedderError(answers.NOT_JSON) from error
        with self._lock:  # the first answer says how long vectors are, and only one answer is the first
            vectors = answers.read_vectors(body, len(texts), self._dimensions)
            self._dimensions = vectors.shape[1]
        return vectors


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in order, as many at a time as a request holds."""
    batch: list[str] = []
    letters = 0
    for text in texts:
        length = min(len(text), MOST_LETTERS)
        if batch and (len(batch) == BATCH or letters + length > BATCH_LETTERS):
            yield batch
            batch, letters = [], 0
        batch.append(text)
        letters += length
    if batch:
        yield batch


def _pause(attempt: int, cause: BaseException | None) -> float:
    """Seconds before the next try: what the server asks for, or more each time, and never just when others try."""
    wanted = ""
    if isinstance(cause, openai.APIStatusError):
        wanted = cause.response.headers.get("retry-after", "")
    seconds = float(wanted) if wanted.isdecimal() else PAUSE * 2 ** (attempt - 1)
    return min(seconds, LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311 (no secret hangs on it)


def _encoding(paragraph: Floats, sentences: Floats) -> PassageEncoding:
    return PassageEncoding(
        paragraph=paragraph,
        sentences=sentences,
        tokens=np.zeros((0, TOKEN_WIDTH), np.int8),
        token_ids=np.zeros(0, np.int32),
        token_sentences=np.zeros(0, np.int16),
    )

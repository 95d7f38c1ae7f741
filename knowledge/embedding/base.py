"""What an embedder is: the types that indexing and searching share, whichever model is behind."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float32]
TOKEN_WIDTH = 64  # dimensions of a stored token vector
TOKEN_SCALE = 127.0  # int8 units per 1.0
SHIPPED = "all-MiniLM-L6-v2"
"""The name of the local model."""

_loading = threading.Lock()


class EmbedderError(RuntimeError):
    """The embedder cannot be used; the text says what to do about it."""


class EmbedderAwayError(EmbedderError):
    """The embedder cannot be used for now; later it may, with nothing done about it."""


@dataclass(frozen=True, slots=True)
class PassageInput:
    """One chunk to embed: the title is context only, `sentences` are character spans of `text`."""

    title: str
    text: str
    sentences: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PassageEncoding:
    """The vectors of one chunk.

    Attributes:
        paragraph: float32 [d], unit length.
        sentences: float32 [n, d], unit length, one row per sentence of the input (one row when it named none).
        tokens: int8 [t, 64], content tokens in reading order, 127 = 1.0; t = 0 when the embedder has none.
        token_ids: int32 [t], the vocabulary ids of those tokens.
        token_sentences: int16 [t], the sentence each token belongs to.
    """

    paragraph: Floats
    sentences: Floats
    tokens: NDArray[np.int8]
    token_ids: NDArray[np.int32]
    token_sentences: NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class QueryEncoding:
    """The vectors of one query.

    Attributes:
        vector: float32 [d], unit length.
        tokens: float32 [q, 64], unit length, content tokens; q = 0 when the embedder has none.
        token_ids: int32 [q].
        pieces_per_word: as `Embedder.pieces_per_word` says of the query.
        model: the embedder's name; empty where it is of none, or not told.
    """

    vector: Floats
    tokens: Floats
    token_ids: NDArray[np.int32]
    pieces_per_word: float
    model: str = ""


def blank_encoding(dimensions: int) -> QueryEncoding:
    """Of a question whose vectors cannot be had: it is as near to everything."""
    return QueryEncoding(
        np.zeros(dimensions, np.float32), np.zeros((0, TOKEN_WIDTH), np.float32), np.zeros(0, np.int32), 0.0
    )


class Embedder(Protocol):
    """A text embedding model. Implementations are safe to share between threads."""

    @property
    def name(self) -> str:
        """The model's id, stored beside every vector that it makes."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    def count_pieces(self, text: str) -> int:
        """How many vocabulary pieces the model cuts `text` into."""

    def pieces_per_word(self, text: str) -> float:
        """How finely the vocabulary cuts words: 1 = it knows each, 4 and more = it spells them; 0 = no words."""

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageEncoding]:
        """One encoding per passage, in order."""

    def encode_query(self, query: str) -> QueryEncoding:
        """The encoding of a question."""

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Unit vectors of plain texts, float32 [n, d]."""


def use_less_memory() -> None:
    """For a process that embeds documents but hardly any queries: these take twice as long, with 43 MB less."""
    _wishes["prepack"] = False


def installed_name() -> str:
    """The name of the installation's own model, which is not loaded for that."""
    return settings.ASKWELL.embedding_model or SHIPPED


def get_embedder() -> Embedder:
    """The embedder of this process, loaded at the first call.

    Raises:
        EmbedderError: the model is missing, is not the expected one, or its server is not configured.
    """
    with _loading:
        return _load()


_wishes = {"prepack": True}


@cache
def _load() -> Embedder:
    models = settings.ASKWELL
    if models.embedding_model:
        from knowledge.embedding.connections import connect_as_configured
        from knowledge.embedding.provider import ProviderEmbedder

        client = connect_as_configured(models.openai_api_key, models.openai_base_url)
        return ProviderEmbedder(models.embedding_model, client)
    return shipped_embedder()


@cache
def shipped_embedder() -> Embedder:
    """The local embedder.

    Raises:
        EmbedderError: its files are missing or are not the expected ones.
    """
    from knowledge.embedding.local import LocalEmbedder

    return LocalEmbedder(prepack=_wishes["prepack"])

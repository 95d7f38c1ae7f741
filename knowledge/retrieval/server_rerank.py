"""The best passages put in order once more: by a server that speaks POST /rerank, or by whoever is handed in.

The protocol is that of Cohere and Jina, which vLLM and others speak, too: {model, query, documents, top_n} is answered
by {results: [{index, relevance_score}]}. Whatever goes wrong, the order stays as it was and the result says why.
"""

from __future__ import annotations

import json
import math
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings as installation

from knowledge.fetching import FetchError, NotPublicError, Request, TooSlowError, is_public, send
from knowledge.retrieval.fusion import to_unit_range
from tenants.secrets import UnreadableError, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from knowledge.indexes.base import Floats
    from knowledge.models import SearchSettings
    from knowledge.retrieval.passages import Passage

    #: Called with a question and texts; returns a score for each. Raises RerankError.
    Rerank = Callable[[str, Sequence[str]], Sequence[float]]

DEPTH = 20  # passages that are looked at
MAX_TEXT = 4_000  # characters of a passage that are sent
CONNECT_SECONDS, TOTAL_SECONDS = 1.0, 2.0
MAX_BODY = 1 << 20  # bytes of an answer; twenty scores are a thousandth of it, unless the texts come back
REST = 30.0  # seconds for which a server that failed is left alone


class RerankError(RuntimeError):
    """There is no new order; the text is the end of a sentence that begins with "The built-in order was kept:"."""


@dataclass(slots=True)
class _Resting:
    """Servers that failed a moment ago, and until when nobody asks them; for any number of threads."""

    until: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, url: str) -> None:
        with self.lock:
            if self.until.get(url, 0.0) > time.monotonic():
                raise RerankError("the server failed a moment ago and is left alone for half a minute.")

    def note(self, url: str, *, failed: bool) -> None:
        with self.lock:
            self.until.pop(url, None)
            if failed:
                self.until[url] = time.monotonic() + REST


_resting = _Resting()


@dataclass(frozen=True, slots=True)
class RerankServer:
    """A server as a tenant has set it; `private` says that an operator may have named one inside the network."""

    url: str
    model: str
    key: str
    private: bool

    @classmethod
    def of(cls, row: SearchSettings) -> RerankServer:
        """The server of a tenant's settings.

        Raises:
            RerankError: its key cannot be read any more.
        """
        try:
            key = unseal(row.rerank_sealed_key)
        except UnreadableError as error:
            raise RerankError("the key of the server cannot be read any more. Enter it again.") from error
        private = row.rerank_private or installation.ASKWELL_PRIVATE_MODELS
        return cls(row.rerank_url, row.rerank_model, key, private)

    def __call__(self, query: str, texts: Sequence[str]) -> list[float]:
        """The relevance of each text, as the server sees it.

        Raises:
            RerankError: and nothing else, whatever the other side does.
        """
        _resting.check(self.url)
        try:
            scores = self.ask(query, texts)
        except RerankError:
            _resting.note(self.url, failed=True)
            raise
        _resting.note(self.url, failed=False)
        return scores

    def ask(self, query: str, texts: Sequence[str]) -> list[float]:
        """The same of a server that may have failed a moment ago."""
        body = {"model": self.model, "query": query, "documents": list(texts), "top_n": len(texts)}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = Request(self.url, "POST", headers, json.dumps(body).encode())
        try:
            reply = send(
                request,
                seconds=TOTAL_SECONDS,
                limit=MAX_BODY,
                connect=CONNECT_SECONDS,
                allowed=_anywhere if self.private else is_public,
            )
        except NotPublicError as error:
            raise RerankError("the address of the server is not on the public internet.") from error
        except TooSlowError as error:
            raise RerankError(f"the server took longer than {TOTAL_SECONDS:.0f} seconds.") from error
        except FetchError as error:
            raise RerankError("the server could not be reached, or broke off.") from error
        if reply.status != HTTPStatus.OK:
            raise RerankError(f"the server answered with status {reply.status}.")
        return read_scores(reply.data, len(texts))


def read_scores(data: bytes, count: int) -> list[float]:
    """The scores of `count` texts out of a server's answer, in the order of the texts.

    Raises:
        RerankError: it is not one finite score for each text.
    """
    try:
        results = json.loads(data)["results"]
        scores = {_index(entry): float(entry["relevance_score"]) for entry in results}
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise RerankError("the server's answer is not what POST /rerank answers.") from error
    if len(results) != count or scores.keys() != set(range(count)):
        raise RerankError("the server did not score each passage once.")
    if not all(map(math.isfinite, scores.values())):
        raise RerankError("the server's scores are no numbers.")
    return [scores[place] for place in range(count)]


def _index(entry: dict[str, Any]) -> int:
    index = entry["index"]
    if type(index) is not int:  # True is one, too
        raise TypeError(index)
    return index


def _anywhere(address: str) -> bool:
    del address
    return True


def reordered(query: str, passages: Sequence[Passage], rerank: Rerank) -> list[tuple[Passage, float, float]]:
    """The passages in the new order, each with its new score (0 to 1, falling) and the one that was given.

    Only the first `DEPTH` are looked at; the others follow behind them.

    Raises:
        RerankError: there is no new order.
    """
    head = passages[:DEPTH]
    if not head:
        return []
    given = np.array(rerank(query, [text_of(passage) for passage in head]), np.float32)
    if given.shape != (len(head),) or not np.isfinite(given).all():
        raise RerankError("not each passage has a score.")
    scores: Floats = 0.5 + 0.5 * to_unit_range(given)
    order = np.argsort(-given, kind="stable").tolist()
    first = [(head[n], float(scores[n]), float(given[n])) for n in order]
    return first + [(passage, 0.5 * passage.score, 0.0) for passage in passages[DEPTH:]]


def text_of(passage: Passage) -> str:
    """What a reranker reads of a passage."""
    return "\n".join(part for part in (passage.title, *passage.heading_path, passage.text) if part)[:MAX_TEXT]

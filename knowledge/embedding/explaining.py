"""What a failure of an embedding server means, in a sentence for whoever set it up, without the key."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import openai

from knowledge.embedding.answers import NOT_JSON
from knowledge.embedding.base import EmbedderAwayError, EmbedderError
from knowledge.embedding.connections import NotPublicError, UnboundedError
from tenants.secrets import scrub

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 200  # characters of what a server said that are repeated
MAX_CAUSES = 20
SERVER_ERROR = 500
PASSING = frozenset({408, 409, 425, 429})  # statuses below 500 of what may pass by itself
CHECK = "Check the address: most end in /v1, such as https://api.example.com/v1."
BY_STATUS = {
    401: "The embedding server refuses the key.",
    402: "The credit with this provider of embeddings is used up.",
    403: "The embedding server refuses the request: the key may not use this model, or not from here.",
    404: f"There is no such embedding model, or no embedding server at this address. {CHECK}",
    405: f"There is no embedding server at this address. {CHECK}",
    413: "The embedding server finds a request too large.",
    429: "The embedding server takes no more requests for now: a limit, or the credit, is used up.",
}
BY_CAUSE: dict[type[BaseException], str] = {
    NotPublicError: "The embedding server's address is not on the public internet. Only an operator of this "
    "installation may name a server inside the network.",
    UnboundedError: "The embedding server sent far more than vectors, or did not come to an end.",
    ssl.SSLError: "The embedding server does not speak TLS at this address. Check the port, or begin the address "
    "with http://.",
    socket.gaierror: "There is no embedding server of this name. Check the address.",
}
AWAY_BY_CAUSE: dict[type[BaseException], str] = {
    ConnectionRefusedError: "No embedding server listens at this address. Check it, and whether the server runs.",
}
SLOW = "The embedding server did not answer in time. It may be loading the model."
UNREACHABLE = "The embedding server could not be reached, or broke off. Check the address, and whether it runs."


def explain(error: openai.OpenAIError, key: str) -> EmbedderError:
    """The failure as the error to raise: an EmbedderAwayError where it may pass by itself."""
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, key)
    if isinstance(error, openai.APITimeoutError):
        return EmbedderAwayError(SLOW)
    if isinstance(error, openai.APIConnectionError):
        return _of_connection(error)
    return EmbedderError(NOT_JSON)


def _of_status(error: openai.APIStatusError, key: str) -> EmbedderError:
    status = error.status_code
    meaning = BY_STATUS.get(status) or f"The embedding server answers with an error (status {status})."
    said = " ".join(scrub(_said(error), key).split())[:SHOWN]
    text = f"{meaning} It says: “{said}”." if said else meaning
    passes = status >= SERVER_ERROR or status in PASSING
    return EmbedderAwayError(text) if passes else EmbedderError(text)


def _said(error: openai.APIStatusError) -> str:
    """What the server says in its own words; a page in HTML is not words."""
    body = error.body
    if isinstance(body, dict):
        body = body.get("message") or body.get("error") or body.get("detail")
    return body if isinstance(body, str) and "<" not in body else ""


def _of_connection(error: BaseException) -> EmbedderError:
    for cause in _causes(error):
        for kind, sentence in BY_CAUSE.items():
            if isinstance(cause, kind):
                return EmbedderError(sentence)
        for kind, sentence in AWAY_BY_CAUSE.items():
            if isinstance(cause, kind):
                return EmbedderAwayError(sentence)
    return EmbedderAwayError(UNREACHABLE)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__

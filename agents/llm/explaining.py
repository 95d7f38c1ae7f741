"""What a provider's failure means, in a sentence for whoever set the model up: what happened and what to do."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

import openai

from agents.llm.connections import NotPublicError
from agents.llm.registry import OPENAI
from agents.tools.results import plain
from tenants.secrets import scrub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.llm.base import LLMError
    from agents.llm.registry import Model

SHOWN = 200
"""Characters of what a server said that are repeated."""
UNAUTHORIZED, SERVER_ERROR = 401, 500
MODEL_REFUSED = frozenset({400, 404, 422})
"""Statuses with which servers refuse a model that they do not have."""
NO_SUCH_MODEL = re.compile(
    r"model\b.{0,120}\b(?:not (?:found|exist|available|loaded|a valid)|does ?n[o']t exist|unknown|invalid)"
    r"|\b(?:no such|unknown|invalid|unsupported) model\b",
    re.IGNORECASE | re.DOTALL,
)
MAX_CAUSES = 20
ADDRESS_HINT = "Check the address: most end in /v1, such as " + OPENAI + "."
NO_CHAT = "The server answers, but it is no chat service in OpenAI's form. " + ADDRESS_HINT
BY_STATUS = {
    402: "The credit with this provider is used up.",
    403: "The server refuses this request: the key may not use this model, or not from here.",
    404: "There is no chat service at this address. " + ADDRESS_HINT,
    405: "There is no chat service at this address. " + ADDRESS_HINT,
    429: "The server takes no more requests for now: a limit, or the credit, is used up.",
}
BY_CAUSE: dict[type[BaseException], str] = {
    NotPublicError: "This address is not on the public internet. Only an operator of this installation may name a "
    "server inside the network.",
    ssl.SSLError: "The server does not speak TLS at this address. Check the port, or begin the address with http://.",
    socket.gaierror: "There is no server of this name. Check the address.",
    UnicodeError: "There is no server of this name. Check the address.",
    ConnectionRefusedError: "No server listens at this address. Check it, and whether the server runs.",
}
BY_KIND = {
    "budget": "The budget of this tenant is used up, so nothing was asked. Raise it, or wait for the next period.",
    "connect": "The server could not be reached in time. Check the address, and whether the server runs.",
    "first_content": "The server was reached, but no word came in time. It may be loading the model: try again.",
    "idle": "The server began to answer and then fell silent. Try again; if it stays so, choose another model.",
    "connection": "The connection broke off in the middle of the answer. Try again.",
    "empty": "The server answered without a word. Check that it speaks OpenAI's protocol, and the model's name.",
    "configuration": "There is no model to ask.",
}


def explain(error: LLMError, model: Model) -> str:
    """Return what went wrong, without the key, whatever the server repeats of it."""
    return scrub(_meaning(error, model), model.api_key)


def _meaning(error: LLMError, model: Model) -> str:
    if error.status is not None:
        return _of_status(error.status, _said(error), model)
    for cause in _causes(error):
        if meaning := _of_cause(cause):
            return meaning
    if error.kind == "protocol":
        return _of_protocol(str(error))
    if error.kind == "error_event":
        return f"The server broke off with an error: “{_short(str(error).removeprefix('error event: '))}”."
    return BY_KIND.get(error.kind) or f"It did not work: {_short(str(error))}"


def _of_status(status: int, said: str, model: Model) -> str:
    if status == UNAUTHORIZED:
        meaning = "The server refuses the key. Enter the right one."
        meaning = meaning if model.api_key else "The server asks for a key. Enter one."
    elif status in MODEL_REFUSED and NO_SUCH_MODEL.search(said):
        meaning = f"The server has no model called “{model.model}”. Check the name."
    elif status >= SERVER_ERROR:
        meaning = "The server failed. Try again later."
    else:
        meaning = BY_STATUS.get(status, "The server refuses the request.")
    return f"{meaning} (Status {status}" + (f": “{said}”)" if said else ")")


def _of_cause(cause: BaseException) -> str:
    """What an error below the provider's means; empty where that is not known."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The server's certificate is not to be trusted ({cause.verify_message}). Check the address."
    return next((meaning for kind, meaning in BY_CAUSE.items() if isinstance(cause, kind)), "")


def _of_protocol(said: str) -> str:
    if "text/html" in said:
        return f"There is a web page at this address, not a model. {ADDRESS_HINT}"
    if "expected an event stream" in said:
        return f"{NO_CHAT} (It does not stream its answers.)" if "json" in said else NO_CHAT
    return "The server's answer is not in OpenAI's form: it is broken, or another protocol. " + ADDRESS_HINT


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to an error, the nearest first."""
    cause: BaseException | None = error
    seen = 0
    while cause is not None and seen < MAX_CAUSES:
        yield cause
        if isinstance(cause, BaseExceptionGroup):  # one for each address of a name
            yield from cause.exceptions
        cause = cause.__cause__ or cause.__context__
        seen += 1


def _said(error: LLMError) -> str:
    """The server's own words, out of the JSON that most of them use."""
    cause = error.__cause__
    body = cause.body if isinstance(cause, openai.APIStatusError) else None
    if isinstance(body, dict):
        inner = body.get("error", body)
        body = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
    return _short(body if isinstance(body, str) else "")


def _short(text: str) -> str:
    text = " ".join(plain(text).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"

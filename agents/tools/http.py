"""Tools that curators make without code: an HTTP request with places for arguments.

What a server answers is data: text of bounded length without markup. The secret stands in headers alone; it is sent to
the tool's own server and to no other, and taken out of whatever comes back.
"""

import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from agents.models import HttpMethod, HttpTool, ToolKind
from agents.tools.base import Tool, ToolContext, ToolError, ToolResult
from agents.tools.results import plain, plain_json
from knowledge.fetching import FetchError, NotPublicError, Reply, Request, TooSlowError, is_public, send
from tenants.secrets import UnreadableError

log = logging.getLogger(__name__)

MAX_READ = 262_144
"""Bytes of an answer that are read."""
CUT = f"This is not the whole answer: at most {MAX_READ} bytes are read, and a server may break off."
MAX_ERROR = 500
"""Characters of a failing server's answer that a model is told."""
TYPES = ("string", "integer", "number", "boolean")
PLACES = ("path", "query", "body")
CUSTOMER, SECRET = "{customer}", "{secret}"
"""Places that no argument fills: the code of the verified customer, and the tool's secret."""
CLIENT_ERROR, NOT_FOUND, SERVER_ERROR = 400, 404, 500


def as_tool(row: HttpTool) -> Tool:
    """Return the tool of a row."""
    return Tool(
        name=row.name,
        description=row.description,
        kind=ToolKind(row.kind),
        parameters=_parameters(row),
        function=partial(_ask, row),
        needs_customer=row.needs_customer,
        limit_ms=row.limit_ms,
        external=True,
        summary=row.summary,
        scoped=False,
    )


def is_allowed(address: str) -> bool:
    """Return whether a tool may connect to an IP address: a public one. Tests name one of their own in settings."""
    return is_public(address) or address in getattr(settings, "ASKWELL_TEST_TOOL_ADDRESSES", ())


def _parameters(row: HttpTool) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            argument["name"]: {"type": argument["type"], "description": argument.get("description", "")}
            for argument in row.arguments
        },
        "required": [argument["name"] for argument in row.arguments if argument.get("required")],
        "additionalProperties": False,
    }


def _ask(row: HttpTool, context: ToolContext, **arguments: Any) -> ToolResult:
    """Make the request and return what came back; blocks for up to the tool's time limit.

    Raises:
        ToolError: it could not be made, or the server did not do what it was asked.
    """
    if row.kind == ToolKind.CHANGE and not context.key:
        raise ToolError("The customer has not confirmed this.", code="not_confirmed")
    try:
        secret = row.secret
    except UnreadableError:
        log.warning("The secret of the HTTP tool %s was kept under another SECRET_KEY: enter it again", row.name)
        raise ToolError(
            "This tool's secret cannot be read any more: it must be entered again.", code="refused"
        ) from None
    request = _request(row, secret, context, arguments)
    try:
        reply = send(request, seconds=row.limit_ms / 1000, limit=MAX_READ, allowed=is_allowed)
    except NotPublicError:
        raise ToolError("This tool leads to an address that is not on the public internet.", code="refused") from None
    except TooSlowError:
        raise ToolError("The server behind this tool did not answer in time.", code="timeout") from None
    except FetchError:
        log.warning("The server of the HTTP tool %s could not be reached", row.name)
        raise ToolError("The server behind this tool could not be reached.", code="tool_failure") from None
    return _result(secret, reply)


def _request(row: HttpTool, secret: str, context: ToolContext, arguments: Mapping[str, Any]) -> Request:
    customer = context.known_customer().code if row.needs_customer else ""
    url = row.url.replace(CUSTOMER, quote(customer, safe=""))
    query: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for argument in row.arguments:
        name, place = argument["name"], argument["where"]
        if place == "path":
            url = url.replace(f"{{{name}}}", _segment(name, arguments.get(name, "")))
        elif name in arguments:
            (query if place == "query" else body)[name] = arguments[name]
    if query:
        url += ("&" if "?" in url else "?") + urlencode({name: _written(value) for name, value in query.items()})
    headers = {name: _header(secret, value, customer) for name, value in row.headers.items()}
    if row.kind == ToolKind.CHANGE:
        headers["Idempotency-Key"] = context.key
    if row.method == HttpMethod.GET:
        return Request(url, row.method, headers)
    headers.setdefault("Content-Type", "application/json")
    return Request(url, row.method, headers, json.dumps(body).encode())


def _segment(name: str, value: Any) -> str:
    """Return a value as one piece of an address, from which no other piece can be reached."""
    text = _written(value)
    if text.strip() in ("", ".", ".."):
        raise ToolError(f"{name} cannot be {text!r}.")
    return quote(text, safe="")


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _header(secret: str, value: str, customer: str) -> str:
    return value.replace(CUSTOMER, quote(customer, safe="")).replace(SECRET, secret)


def _result(secret: str, reply: Reply) -> ToolResult:
    text = reply.data.decode(_charset(reply), errors="replace")
    if secret:
        text = text.replace(secret, "[secret]")
    if reply.status >= CLIENT_ERROR:
        code = "tool_failure" if reply.status >= SERVER_ERROR else "rejected"
        code = "not_found" if reply.status == NOT_FOUND else code
        said = plain(text)[:MAX_ERROR]
        raise ToolError(f"The server answered with status {reply.status}: {said}", code=code)
    if not reply.whole:
        return ToolResult({"result": plain(text), "note": CUT})
    return ToolResult({"result": _parsed(text)})


def _parsed(text: str) -> Any:
    """Return the JSON value that a text is, or the text."""
    try:
        return plain_json(json.loads(text))
    except (ValueError, RecursionError):
        return plain(text)


def _charset(reply: Reply) -> str:
    name = reply.headers.get_content_charset() or "utf-8"
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return "utf-8"
    return name

"""What an HTTP tool may be made of: checked when a curator saves it, so that no call can go astray."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agents.models import HttpMethod, HttpTool, ToolKind
from agents.tools.http import CUSTOMER, PLACES, SECRET, TYPES, is_allowed
from agents.tools.registry import built_in

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ARGUMENTS = 20
LIMITS_MS = (100, 30_000)
PLACE = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}")
OWN_HEADERS = {
    "host", "content-length", "transfer-encoding", "connection", "accept-encoding", "idempotency-key", "upgrade", "te",
}  # fmt: skip
"""Headers that are ours to write."""
RESERVED = {CUSTOMER[1:-1], SECRET[1:-1]}


def problems_of(row: HttpTool) -> dict[str, list[str]]:
    """Return what is wrong with a tool, by field, in sentences for a curator; empty when nothing is."""
    found: dict[str, list[str]] = {}
    for field, problem in _problems(row):
        found.setdefault(field, []).append(problem)
    return found


def _problems(row: HttpTool) -> Iterator[tuple[str, str]]:
    if row.name in built_in():
        yield "name", "A built-in tool has this name."
    if not LIMITS_MS[0] <= (row.limit_ms or 0) <= LIMITS_MS[1]:
        yield "limit_ms", f"Between {LIMITS_MS[0]} and {LIMITS_MS[1]} milliseconds."
    yield from (("arguments", problem) for problem in _argument_problems(row))
    yield from (("url", problem) for problem in _url_problems(row))
    yield from (("headers", problem) for problem in _header_problems(row))
    yield from (("summary", problem) for problem in _summary_problems(row))
    if not row.secret.isascii() or not row.secret.isprintable():
        yield "secret", "The secret must be plain text on one line."
    used = row.url + "".join(row.headers.values())
    if CUSTOMER in used and not row.needs_customer:
        yield "needs_customer", "{customer} is known of verified customers alone: tick this."


def _argument_problems(row: HttpTool) -> Iterator[str]:
    names = [argument["name"] for argument in row.arguments]
    if len(names) > MAX_ARGUMENTS:
        yield f"At most {MAX_ARGUMENTS} arguments."
    if len(set(names)) < len(names):
        yield "Each argument needs a name of its own."
    for argument in row.arguments:
        yield from _one_argument(row, argument)


def _one_argument(row: HttpTool, argument: dict[str, Any]) -> Iterator[str]:
    name = argument["name"]
    if not NAME.fullmatch(name) or name in RESERVED:
        yield f"“{name}” cannot be the name of an argument: use letters, digits and underscores."
    if argument["type"] not in TYPES:
        yield f"The type of {name} must be one of: {', '.join(TYPES)}."
    if argument["where"] not in PLACES:
        yield f"{name} must stand in one of: {', '.join(PLACES)}."
    if argument["where"] == "body" and row.method == HttpMethod.GET:
        yield f"{name} cannot stand in the body: a GET request has none."
    if argument["where"] == "path" and f"{{{name}}}" not in row.url:
        yield f"{name} stands in the path, so the address needs the place {{{name}}}."
    if argument["where"] == "path" and not argument["required"]:
        yield f"{name} stands in the path, so it must be required."


def _url_problems(row: HttpTool) -> Iterator[str]:
    try:
        parts = urlsplit(row.url)
        _ = parts.port
    except ValueError:
        yield "This is no address."
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield "The address must begin with https:// or http://."
    if "{" in parts.netloc or "@" in parts.netloc:
        yield "The name of the server must stand there as it is, without places and without a user name."
    if parts.fragment or not row.url.isascii() or not row.url.isprintable() or " " in row.url:
        yield "The address must be plain: no blanks, no accents, no #."
    if _is_private(parts.hostname or ""):
        yield "This address is not on the public internet."
    if SECRET in row.url:
        yield "The secret belongs into a header: addresses are written into logs."
    in_path = {argument["name"] for argument in row.arguments if argument["where"] == "path"}
    for name in PLACE.findall(row.url):
        if name not in in_path | RESERVED:
            yield f"There is no argument {name} that stands in the path."
    if PLACE.sub("", row.url).count("{") or PLACE.sub("", row.url).count("}"):
        yield "A brace has no partner."


def _is_private(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return not is_allowed(host)


def _header_problems(row: HttpTool) -> Iterator[str]:
    for name, value in row.headers.items():
        if not HEADER.fullmatch(name):
            yield f"“{name[:60]}” cannot be the name of a header."
        if name.lower() in OWN_HEADERS:
            yield f"The header {name} is written by Askwell."
        if not value.isascii() or not value.isprintable():
            yield f"The value of {name} must be plain text on one line."
        if unknown := {f"{{{place}}}" for place in PLACE.findall(value)} - {SECRET, CUSTOMER}:
            yield f"{name}: there is no {', '.join(sorted(unknown))}; {SECRET} and {CUSTOMER} can stand in headers."
    if any(SECRET in value for value in row.headers.values()) and not row.secret:
        yield "A header names {secret}, and there is none."


def _summary_problems(row: HttpTool) -> Iterator[str]:
    if row.kind == ToolKind.CHANGE and not row.summary:
        yield "Write what the customer confirms."
    names = {argument["name"] for argument in row.arguments}
    for place in PLACE.findall(row.summary):
        if place not in names:
            yield f"There is no argument {place}."
    if "{" in PLACE.sub("", row.summary) or "}" in PLACE.sub("", row.summary):
        yield "A brace has no partner."

"""What a tool gave back, as text for a language model: of bounded length, and without markup."""

import html
import json
import re
from typing import Any

import nh3

MAX_RESULT = 20_000
"""Characters of a result that a model is told."""
MAX_HTML = 262_144
"""Characters of a page that are read."""
MARKUP = re.compile(
    r"<(?:!doctype|/?(?:html|head|body|div|span|p|a|br|h[1-6]|table|ul|ol|script|style|img)\b)", re.IGNORECASE
)


def as_text(data: Any) -> str:
    """Return a result as JSON, texts as they are; whatever is cut says so at its end."""
    whole = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, default=str)
    text = without_controls(plain(whole) if isinstance(data, str) else whole)
    if len(text) <= MAX_RESULT and (text == whole or len(whole) <= MAX_HTML):
        return text
    note = f"\n[Cut here: this is the beginning of {len(whole)} characters.]"
    return text[: MAX_RESULT - len(note)] + note


def without_controls(text: str) -> str:
    """Return a text that the database can keep: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()


def plain(text: str) -> str:
    """Return a page of HTML as its text; any other text as it is."""
    if not MARKUP.search(text[:MAX_HTML]):
        return text
    spaced = re.sub(r"(?i)</?(?:p|div|br|h[1-6]|tr|li|table|ul|ol)\b", r"\n\g<0>", text[:MAX_HTML])
    bare = html.unescape(nh3.clean(spaced, tags=set()))
    lines = (" ".join(line.split()) for line in bare.splitlines())
    return "\n".join(line for line in lines if line)


def plain_json(value: Any) -> Any:
    """Return a JSON value with the markup taken out of its texts."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [plain_json(part) for part in value]
    if isinstance(value, dict):
        return {name: plain_json(part) for name, part in value.items()}
    return value


def as_error(message: str) -> str:
    """Return what a model is told when a tool has failed."""
    return json.dumps({"error": message}, ensure_ascii=False)

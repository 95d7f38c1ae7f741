"""Addresses of web pages in what is shown of the shop's records and of what a model wrote into a change.

Cards and summaries are plain text, in which nothing can be followed. They carry no addresses all the same: a name that
says "pay at https://..." would be read as the shop's own word.
"""

from __future__ import annotations

import re
from typing import Any

ADDRESS = re.compile(r"(?:\b[a-z][a-z0-9+.-]*:)?//[^\s/]\S*|\bwww\.\S+", re.IGNORECASE)
TRAILING = ".,;:!?)]}'\"*_"


def without_addresses(value: Any, replaced: str) -> Any:
    """Return a JSON value with `replaced` for every address of a web page in its texts; names of members stay."""
    if isinstance(value, str):
        return ADDRESS.sub(lambda match: replaced + _behind(match[0]), value)
    if isinstance(value, dict):
        return {name: without_addresses(part, replaced) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_addresses(part, replaced) for part in value]
    return value


def _behind(address: str) -> str:
    """Return the punctuation that ends a sentence, not the address."""
    return address[len(address.rstrip(TRAILING)) :]

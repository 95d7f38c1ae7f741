"""The prompts, one text file each; `{name}` places are filled by `fill`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.retrieval.search import Passage

FENCE = re.compile(r"<(?=\s*/?\s*passage)", re.IGNORECASE)
FOLDER = Path(__file__).parent
VERSION = "2"
"""Stored with every reply; raise it with every change of a prompt."""


@cache
def load(name: str) -> str:
    """Return the text of prompt `name`.

    Raises:
        FileNotFoundError: there is no such prompt.
    """
    return (FOLDER / f"{name}.txt").read_text("utf-8").strip()


def fill(name: str, **values: str) -> str:
    """Return prompt `name` with its places filled.

    Raises:
        KeyError: the prompt has a place without a value.
    """
    return load(name).format(**values)


def fence_passages(passages: Sequence[Passage], *, first: int = 1) -> str:
    """Return the passages as fenced data, numbered from `first`; nothing in their text can close the fence."""
    return "\n".join(_fenced(number, passage) for number, passage in enumerate(passages, first))


def _fenced(number: int, passage: Passage) -> str:
    place = _inert(" > ".join((passage.title, *passage.heading_path))).replace('"', "'")
    return f'<passage number="{number}" from="{place}">\n{_inert(passage.text)}\n</passage>'


def _inert(text: str) -> str:
    return FENCE.sub("(", text)

"""The blocks of a document's Markdown, and the sections that its headings make of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,4}[.)])[ \t]+\S")
_PICTURE = re.compile(r"!\[[^\]]*\]\([^()\s]*\)$")

Span = tuple[int, int]


class Block(NamedTuple):
    """A block: heading, code, table, item, image or paragraph; `start` and `end` are offsets in the Markdown."""

    kind: str
    start: int
    end: int


@dataclass(slots=True)
class Section:
    """What stands under one heading, up to the next: `start` is that of the heading's line.

    Attributes:
        path: this heading and those above, outermost first.
        level: 1 to 6; 0 for what stands before the first heading.
        heading: the span of the heading's text.
    """

    path: tuple[str, ...]
    level: int
    start: int
    heading: Span | None
    blocks: list[Block]


def find_sections(markdown: str) -> Iterator[Section]:
    """Yield the sections in order."""
    path: list[tuple[int, str]] = []
    section = Section((), 0, 0, None, [])
    for block in find_blocks(markdown):
        if block.kind != "heading":
            section.blocks.append(block)
            continue
        if section.blocks or section.heading:
            yield section
        start, end = block.start, block.end
        found = HEADING.match(markdown[start:end])
        level, title = (len(found[1]), found[2]) if found else (1, markdown[start:end])
        path = [*(above for above in path if above[0] < level), (level, title)]
        offset = start + (found.start(2) if found else 0)
        section = Section(tuple(text for _, text in path), level, start, (offset, offset + len(title)), [])
    if section.blocks or section.heading:
        yield section


def find_blocks(markdown: str) -> Iterator[Block]:
    """Yield the blocks in order; every character that is not white space is in one of them."""
    kind, begun, end, fence, position = "", 0, 0, "", 0
    for line in markdown.split("\n"):
        text = line.rstrip()
        if fence:
            is_last = text.strip().startswith(fence) and not text.strip().strip(fence[0])
            fence = "" if is_last else fence
        else:
            new = _line_kind(text)
            if kind in {"item", "image"} and new == "paragraph":
                new = kind  # the item goes on; a picture's caption follows it
            elif kind and (new != kind or new in {"heading", "item", "code", "image"}):
                yield Block(kind, begun, end)
                kind = ""
            if not kind:
                kind, begun = new, position + len(text) - len(text.lstrip())
            if new == "code" and (mark := _FENCE.match(text)):
                fence = mark[1]
        end = position + len(text) if text else end
        position += len(line) + 1
    if kind:
        yield Block(kind, begun, end)


def _line_kind(text: str) -> str:
    """Return what a line outside code belongs to, "" for a blank line."""
    stripped = text.lstrip()
    if not stripped:
        return ""
    if HEADING.match(text):
        return "heading"
    if _FENCE.match(text):
        return "code"
    if stripped.startswith("|"):
        return "table"
    if stripped.startswith("!["):
        return "image" if _PICTURE.match(stripped) else "paragraph"
    return "item" if _ITEM.match(text) else "paragraph"

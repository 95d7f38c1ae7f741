"""The pieces of a passage that can be quoted: sentences, list items, table rows, each with the block it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from knowledge.chunking.tables import header_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LineKind = Literal["prose", "item", "row", "rule", "heading", "code", "blank"]

ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?=\S)")
NUMBERED = re.compile(r"\s*\d{1,3}[.)]\s")
HEADING = re.compile(r"#{1,6}\s|[-=]{3,}\s*$")
FENCE = re.compile(r"\s*(?:```|~~~)")
TABLE_RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the passage's text, or a list item with the lines that continue it."""

    start: int
    end: int
    kind: LineKind


@dataclass(frozen=True, slots=True)
class Block:
    """A list, a table or code; `lead` is the line before it when that introduces it ("You need:")."""

    kind: Literal["list", "table", "code"]
    lines: tuple[Line, ...]
    lead: Line | None = None
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable piece; `sentences` index the passage's sentences it overlaps."""

    start: int
    end: int
    kind: Literal["prose", "item", "row", "code"]
    sentences: tuple[int, ...]
    block: Block | None = None


def find_units(
    text: str, sentences: Sequence[tuple[int, int]], before: str = "", *, is_code: bool = False
) -> list[Unit]:
    """Return the quotable pieces of `text` in reading order; headings and rules are not among them.

    Code is one where the text is mainly code (`is_code`) and nothing introduces it. `before` is what stands before the
    text in its section: code that is open there goes on.
    """
    lines = list(_lines(text, fenced=sum(1 for line in before.splitlines() if FENCE.match(line)) % 2 == 1))
    block_of = {line: block for block in find_blocks(text, lines) for line in block.lines}
    leads = {block.lead: block for block in block_of.values() if block.lead}
    units = []
    for line in lines:
        if line.kind in {"item", "row"}:
            block = block_of.get(line)
            if line.kind == "row" and block and line == block.lines[0] and header_in(text, block):
                continue  # the header row names values, it has none
            if not any(map(str.isalnum, text[line.start : line.end])):
                continue  # the header of a table that has none
            inside = tuple(_overlapping(sentences, line.start, line.end))
            units.append(Unit(line.start, line.end, "item" if line.kind == "item" else "row", inside, block))
        elif line.kind == "prose":
            units += _prose_units(line, sentences, leads.get(line))
        elif is_code and line.kind == "code" and (code := block_of[line]).lines[0] == line and not code.lead:
            end = code.lines[-1].end
            units.append(Unit(line.start, end, "code", tuple(_overlapping(sentences, line.start, end)), code))
    return units


def header_in(text: str, block: Block) -> list[str]:
    """Return the names of a table's columns where the table begins with them."""
    return header_of(text[block.lines[0].start :].split("\n", 2)[:2]) if block.kind == "table" else []


def find_blocks(text: str, lines: Sequence[Line]) -> list[Block]:
    """Return the lists, tables and code among `lines`; a blank line ends a table but not a list."""
    blocks = []
    group: list[Line] = []
    lead: Line | None = None
    previous: Line | None = None
    for line in [*lines, Line(len(text), len(text), "heading")]:
        continues = bool(group) and (line.kind == group[-1].kind or line.kind == "rule" or _inside_list(group, line))
        if group and not continues:
            blocks.append(_block(text, group, lead))
            group = []
        if line.kind in {"item", "row", "code"}:
            if not group:
                lead = previous if previous and _introduces(text, previous) else None
            group.append(line)
        if line.kind != "blank":
            previous = line
    return blocks


def _inside_list(group: Sequence[Line], line: Line) -> bool:
    return group[-1].kind == "item" and line.kind == "blank"


def _block(text: str, group: Sequence[Line], lead: Line | None) -> Block:
    first = group[0]
    if first.kind == "row":
        return Block("table", tuple(group), lead)
    if first.kind == "code":
        return Block("code", tuple(group), lead)
    return Block("list", tuple(group), lead, numbered=bool(NUMBERED.match(text, first.start)))


def _introduces(text: str, line: Line) -> bool:
    return line.kind == "prose" and text[line.start : line.end].rstrip(" *_").endswith(":")


def _prose_units(line: Line, sentences: Sequence[tuple[int, int]], block: Block | None) -> Iterator[Unit]:
    inside = list(_overlapping(sentences, line.start, line.end))
    if not inside:
        yield Unit(line.start, line.end, "prose", (), block)
    for index in inside:
        start, end = sentences[index]
        last = index == inside[-1]
        yield Unit(max(start, line.start), min(end, line.end), "prose", (index,), block if last else None)


def _overlapping(sentences: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[int]:
    return (index for index, (first, last) in enumerate(sentences) if first < end and last > start)


def _lines(text: str, *, fenced: bool) -> Iterator[Line]:
    """Yield the lines of `text`; paragraphs broken over lines and indented continuations of items become one line."""
    open_line: Line | None = None
    offset = 0
    for raw in text.splitlines(keepends=True):
        start, offset = offset, offset + len(raw)
        end = start + len(raw.rstrip())
        if FENCE.match(raw):
            fenced = not fenced
            kind: LineKind = "code"
        else:
            kind = "code" if fenced else _kind(raw)
        indented = raw[:1] in " \t"
        if kind == "prose" and open_line and (open_line.kind == "prose" or (open_line.kind == "item" and indented)):
            open_line = Line(open_line.start, end, open_line.kind)
            continue
        if open_line:
            yield open_line
        start += len(raw) - len(raw.lstrip()) if kind == "prose" else 0
        open_line = Line(start, max(end, start), kind)
    if open_line:
        yield open_line


def _kind(raw: str) -> LineKind:
    if not raw.strip():
        return "blank"
    if TABLE_RULE.match(raw) and "|" in raw:
        return "rule"
    if raw.lstrip().startswith("|"):
        return "row"
    if HEADING.match(raw):
        return "heading"
    return "item" if ITEM.match(raw) else "prose"

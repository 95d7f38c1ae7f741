"""Tables: a row means little without the names of its columns, so each part of a long table is found by its header."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from knowledge.chunking.packing import Part, Room, fitting, lines, split_block
from knowledge.models import ChunkKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knowledge.chunking.blocks import Block, Span

HEADER_LINES = 2  # the names and the rule below them
ROWS_SHARE = 4  # a part of a long table takes one part in so many of a passage: its words are then of one row or few
HEADER_SHARE = 2  # a header that takes more than one part in so many of a passage belongs to a wide table
MAX_CAPTION = 160  # characters
MAX_TITLE = 80  # characters of a line that is no sentence

_CELL = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|?[\s:|-]*-{2,}[\s:|-]*\|?$")
_CAPTION = re.compile(r"(?i)(?:table|tab\.|tabelle|tabla|tableau|tabella|tabela)\s*[\divx]*\b")
# What stands in cells rather than above them: figures with their currency or unit, and dates; years name columns.
_FIGURE = re.compile(r"[^\w]*[-+]?(?:[€$£¥]\s?)?\d[\d.,:/\s-]*\s?(?:[€$£¥%°]|[A-Za-z]{1,3})?\W*$")
_YEAR = re.compile(r"(?:19|20)\d\d$")


class _Row(NamedTuple):
    """A row's place, and how many pieces it has."""

    start: int
    end: int
    pieces: int


def cells_of(row: str) -> list[str]:
    """Return the cells of a Markdown table's row."""
    return [cell.replace("\\|", "|").strip() for cell in _CELL.split(row.strip().strip("|"))]


def header_of(rows: Sequence[str]) -> list[str]:
    """Return the names of a table's columns, [] for a table that has none: no rule below, or figures in the first row.

    Args:
        rows: the table's lines, or at least the first two.
    """
    if len(rows) <= 1 or not _RULE.match(rows[1].strip()):
        return []
    cells = cells_of(rows[0])
    named = any(cells) and not any(_FIGURE.match(cell) and not _YEAR.match(cell) for cell in cells)
    return cells if named else []


def caption_of(text: str) -> str:
    """Return the text of a block before a table if it introduces it ("Table 2: Plans", "Our plans:"), else ""."""
    line = " ".join(text.split())
    if len(line) > MAX_CAPTION or not (_CAPTION.match(line) or line.rstrip(" *_").endswith(":") or _is_title(text)):
        return ""
    return line


def _is_title(text: str) -> bool:
    return "\n" not in text and len(text) <= MAX_TITLE and text[-1:].isalnum()


def split_table(markdown: str, block: Block, room: Room, caption: str) -> Iterator[Part]:
    """Yield a table that fits as it is, else parts of whole rows, each found by caption and header.

    A row that does not fit beside its header is cut between cells; its parts are found by its first cell and the names
    of their columns.
    """
    whole = list(split_block(markdown, block, room))
    if len(whole) == 1:
        yield whole[0]._replace(found_by=caption, apart=True) if caption else whole[0]
        return
    spans = list(lines(markdown, block.start, block.end))
    names = header_of([markdown[start:end] for start, end in spans[:2]])
    head = "\n".join(part for part in (caption, " | ".join(names)) if part)
    wide = room.count(head) * HEADER_SHARE > room.limit
    beside = room if wide else room.beside(head)
    few = max(beside.limit - room.limit + room.limit // ROWS_SHARE, 1)
    group: list[_Row] = []
    for number, span in enumerate(spans):
        row = _Row(*span, beside.pieces(markdown[slice(*span)]))
        pieces = sum(held.pieces for held in group) + row.pieces
        # The header alone would be found by every question about the table, and answer none.
        full = pieces > (few if number > HEADER_LINES else beside.limit)
        alone = row.pieces > beside.limit or (wide and number > 1)
        if group and (full or alone):
            yield _rows(group, caption if group[0].start == block.start else "" if wide else head)
            group = []
        if alone:
            yield from _split_row(markdown, span, names if number > 1 else [], room)
        else:
            group.append(row)
    if group:
        yield _rows(group, "" if wide else head)


def _rows(group: list[_Row], found_by: str) -> Part:
    pieces = sum(row.pieces for row in group)
    return Part(group[0].start, group[-1].end, pieces, ChunkKind.TABLE, found_by, apart=True)


def _split_row(markdown: str, span: Span, names: list[str], room: Room) -> Iterator[Part]:
    """Yield runs of a row's cells, as many as fit beside the names of their columns and the row's first cell."""
    row = _WideRow(markdown, _cells(markdown, *span), names)
    run: list[int] = []
    for number in range(len(row.cells)):
        longer = [*run, number]
        if run and room.pieces(row.text(longer)) + room.count(row.head(longer)) > room.limit:
            yield from _run(row, run, room)
            run = []
        run.append(number)
    yield from _run(row, run, room)


class _WideRow(NamedTuple):
    """A row that is cut between its cells, and the names of its columns."""

    markdown: str
    cells: list[Span]
    names: list[str]

    def text(self, run: list[int]) -> str:
        return self.markdown[self.cells[run[0]][0] : self.cells[run[-1]][1]]

    def head(self, run: list[int]) -> str:
        """Return the names of a run's columns; before those of a later run, the row's first cell."""
        own = [self.names[number] if number < len(self.names) else "" for number in run]
        if not any(own):
            return ""
        return " | ".join(own if run[0] == 0 else [cells_of(self.text([0]))[0], *own])


def _run(row: _WideRow, run: list[int], room: Room) -> Iterator[Part]:
    head = row.head(run)
    if len(run) == 1 and room.count(head) * HEADER_SHARE > room.limit:
        head = ""
    for part in fitting(row.markdown, row.cells[run[0]][0], row.cells[run[-1]][1], room.beside(head)):
        yield Part(*part, ChunkKind.TABLE, head, apart=True)


def _cells(markdown: str, start: int, end: int) -> list[Span]:
    """Return the spans of a row's cells, each with the bar before it, the last with the one behind it."""
    bars = [found.start() for found in _CELL.finditer(markdown, start, end) if found.start() < end - 1]
    bounds = [start, *(bar for bar in bars if bar > start), end]
    spans = [(first, last) for first, last in pairwise(bounds) if markdown[first:last].strip()]
    return [(first, first + len(markdown[first:last].rstrip())) for first, last in spans]

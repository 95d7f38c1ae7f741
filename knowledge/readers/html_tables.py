"""Tables of HTML: what belongs to them, cells over several rows or columns, and headers of several rows."""

import re

from lxml import html

from knowledge.readers.markup import one_line

_MAX_LAYOUT_CELL_CHARS = 1500
_MAX_SPAN = 50  # columns or rows


def one_header(grid: list[list[str]], cells: list[list[html.HtmlElement]]) -> list[list[str]]:
    """Join the rows of a header ("Price" over "monthly" and "yearly") into one, a name for each column."""
    count = next((n for n, row in enumerate(cells) if any(cell.tag != "th" for cell in row)), 0)
    if count <= 1:
        return grid
    width = max(map(len, grid[:count]))
    names: list[list[str]] = [[] for _ in range(width)]
    for line, row in zip(grid[:count], cells, strict=False):
        spread = _spread(line, row) + [""] * width
        for column in range(width):
            if spread[column] and spread[column] not in names[column]:
                names[column].append(spread[column])
    return [[" ".join(name) for name in names], *grid[count:]]


def _spread(line: list[str], row: list[html.HtmlElement]) -> list[str]:
    """Return a line of the grid in which a cell over several columns is repeated in each."""
    wide = {_flat_text(cell): span(cell, "colspan") for cell in row if span(cell, "colspan") > 1}
    found: list[str] = []
    left, last = 0, ""
    for text in line:
        left, last = (wide.get(text, 1) - 1, text) if text else (left - 1, last)
        found.append(text or (last if left >= 0 else ""))
    return found


def _flat_text(cell: html.HtmlElement) -> str:
    return one_line(str(cell.text_content()))


def take_hanging(line: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    while len(line) in hanging:
        left, text = hanging.pop(len(line))
        if left > 1:
            hanging[len(line)] = (left - 1, text)
        line.append(text)


def flat(blocks: list[str]) -> str:
    """Return blocks as one line; list items in a cell are parted by semicolons."""
    lines = [line.strip() for block in blocks for line in block.split("\n") if line.strip()]
    return " ".join(re.sub(r"^- ", "• ", line) for line in lines)


def span(cell: html.HtmlElement, name: str) -> int:
    value = (cell.get(name) or "1").strip()
    return max(1, min(int(value), _MAX_SPAN)) if value.isdecimal() else 1


def table_of(row: html.HtmlElement) -> html.HtmlElement | None:
    return next(row.iterancestors("table"), None)


def is_layout(element: html.HtmlElement, cells: list[list[html.HtmlElement]]) -> bool:
    """Tell a table that only arranges a page: it holds tables, headings, or very long cells, or has one column."""
    if element.get("role") in {"presentation", "none"} or max(map(len, cells), default=0) <= 1:
        return True
    if any(cell.tag == "th" for row in cells for cell in row):
        return False
    if element.find(".//table") is not None or element.xpath(".//h1|.//h2|.//h3|.//pre"):
        return True
    return any(len(str(cell.text_content())) > _MAX_LAYOUT_CELL_CHARS for row in cells for cell in row)

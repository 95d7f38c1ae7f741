"""The two kinds of tables that reStructuredText draws with characters."""

import re
from itertools import pairwise


def grid_table(lines: list[str]) -> list[list[str]]:
    """Return the cells of a grid table; a cell over several columns takes the first of them."""
    columns = sorted(
        {index for line in lines if line.startswith("+") for index, letter in enumerate(line) if letter == "+"}
    )
    rows: list[list[str]] = []
    row: list[str] | None = None
    for line in lines:
        if line.startswith("+"):
            if row is not None:
                rows.append(row)
            row = [""] * max(0, len(columns) - 1)
        elif row is not None:
            for index, text in _grid_cells(line, columns):
                row[index] = f"{row[index]} {text}".strip()
    return [[cell.strip() for cell in cells] for cells in rows]


def _grid_cells(line: str, columns: list[int]) -> list[tuple[int, str]]:
    borders = [index for index in columns if index < len(line) and line[index] in "|+"]
    found = []
    for left, right in pairwise(borders):
        index = columns.index(left)
        if index < len(columns) - 1:
            found.append((index, line[left + 1 : right].strip()))
    return found


def simple_table(lines: list[str]) -> list[list[str]]:
    """Return the cells of a simple table; a row whose first cell is blank goes on with the row above."""
    spans = [(found.start(), found.end()) for found in re.finditer(r"=+", lines[0])]
    rows: list[list[str]] = []
    for line in lines[1:]:
        if not line.strip() or set(line.strip()) <= set("=- "):
            continue
        cells = []
        for number, (start, end) in enumerate(spans):
            is_last = number == len(spans) - 1
            cells.append((line[start:] if is_last else line[start : max(end, spans[number + 1][0])]).strip())
        if rows and not cells[0]:
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return rows

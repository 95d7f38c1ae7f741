"""Tables on a PDF page, found by the alignment of their cells; and text set in two columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from knowledge.readers.pdf_lines import Line, Word

Rows = list[list[str]]

_MIN_ROWS = 2
_MAX_ROW_DISTANCE = 3.2  # in sizes of text, baseline to baseline
_WRAPPED_DISTANCE = 1.32  # in sizes of text; the lines of one cell stand closer than rows do
_COLUMN_CHARS = 28  # a line of text in a column is longer than most cells
_MIN_COLUMN_ROWS = 5
_MAX_COLUMNS = 30
_HEADING_GAP = 1.3  # times the narrowest gap between words
_RIGHT_TO_LEFT = ("\u0590", "\u08ff")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells' texts, as wide as each other."""

    rows: Rows


def regions(lines: list[Line]) -> Iterator[list[Line] | Table]:
    """Yield the lines of a page as runs of text and tables, in order."""
    text: list[Line] = []
    position = 0
    while position < len(lines):
        end = _run_end(lines, position)
        run = lines[position:end]
        columns = _columns(run) if sum(len(line.cells) > 1 for line in run) >= _MIN_ROWS else []
        if len(columns) < 2:  # noqa: PLR2004 - one column is no table
            text.append(lines[position])
            position += 1
            continue
        if _is_prose(run, columns):
            text.extend(_column_lines(run, columns))
        else:
            if text:
                yield text
                text = []
            yield Table(_rows(run, columns))
        position = end
    if text:
        yield text


def _run_end(lines: list[Line], start: int) -> int:
    """Return where a run of lines in cells that begins at `start` ends; `start` where none begins."""
    if len(lines[start].cells) < 2:  # noqa: PLR2004 - one cell is no row
        return start
    last = start
    for position in range(start + 1, len(lines)):
        before, line = lines[position - 1], lines[position]
        distance = before.bottom - line.bottom
        if not 0 < distance < _MAX_ROW_DISTANCE * max(line.size, before.size):
            break
        if len(line.cells) > 1:
            last = position
        elif position - last > 3 or not _within_one_cell(line, lines[last]):  # noqa: PLR2004 - lines in a cell
            break
    end = last + 1
    while end < len(lines) and _is_wrapped_cell(lines[end - 1], lines[end], lines[last]):
        end += 1
    return end


def _within_one_cell(line: Line, row: Line) -> bool:
    """Tell a line that stands under one cell of a row, not across several."""
    return sum(line.left < cell.right and line.right > cell.left for cell in row.cells) <= 1


def _is_wrapped_cell(before: Line, line: Line, row: Line) -> bool:
    """Tell the further line of a cell of the last row: close below it and not in the first column."""
    close = 0 < before.bottom - line.bottom < _WRAPPED_DISTANCE * line.size
    return close and len(line.cells) == 1 and _within_one_cell(line, row) and line.left > row.cells[0].right


def _columns(run: list[Line]) -> list[tuple[float, float]]:
    """Return the columns as (left, right), merged from the cells of the rows that have most cells."""
    most = max(len(line.cells) for line in run)
    if most > _MAX_COLUMNS:
        return []
    full = [line for line in run if len(line.cells) >= max(2, most - 1)]
    spans = sorted((cell.left, cell.right) for line in full for cell in line.cells)
    merged: list[tuple[float, float]] = []
    for left, right in spans:
        if merged and left < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], right))
        else:
            merged.append((left, right))
    return merged


def _is_prose(run: list[Line], columns: list[tuple[float, float]]) -> bool:
    """Tell text set in columns from a table: long lines in every column, many of them."""
    if len(columns) > 3 or len(run) < _MIN_COLUMN_ROWS:  # noqa: PLR2004 - nobody sets prose in four columns
        return False
    lengths: list[list[int]] = [[] for _ in columns]
    for line in run:
        for cell in line.cells:
            lengths[_column_of(cell, columns)].append(len(cell.text))
    return all(found and sorted(found)[len(found) // 2] > _COLUMN_CHARS for found in lengths)


def _column_lines(run: list[Line], columns: list[tuple[float, float]]) -> list[Line]:
    found: list[list[Line]] = [[] for _ in columns]
    for line in run:
        for cell in line.cells:
            found[_column_of(cell, columns)].append(cell)
    if _is_right_to_left(run):
        found.reverse()
    return [line for column in found for line in column]


def _column_of(cell: Line, columns: list[tuple[float, float]]) -> int:
    def shared(index: int) -> float:
        left, right = columns[index]
        return min(right, cell.right) - max(left, cell.left)

    touched = [index for index in range(len(columns)) if shared(index) > 0]
    return touched[0] if touched else max(range(len(columns)), key=shared)


def _split(cell: Line, columns: list[tuple[float, float]]) -> list[tuple[int, str]]:
    """Return a cell's text by column: narrow headings side by side look like one cell, a note across columns is one."""
    touched = [index for index, (left, right) in enumerate(columns) if min(right, cell.right) > max(left, cell.left)]
    if len(touched) < 2 or len(cell.words) < 2:  # noqa: PLR2004 - nothing to split
        return [(_column_of(cell, columns), cell.text)]
    gaps = [after.left - before.right for before, after in pairwise(cell.words)]
    usual = min(gaps)
    parts: list[tuple[int, list[str]]] = [(_nearest(cell.words[0], columns), [cell.words[0].text])]
    for gap, word in zip(gaps, cell.words[1:], strict=True):
        column = _nearest(word, columns)
        if column > parts[-1][0] and gap > _HEADING_GAP * usual:
            parts.append((column, [word.text]))
        else:
            parts[-1][1].append(word.text)
    return [(column, " ".join(texts)) for column, texts in parts]


def _nearest(word: Word, columns: list[tuple[float, float]]) -> int:
    middle = (word.left + word.right) / 2
    return min(range(len(columns)), key=lambda index: max(columns[index][0] - middle, middle - columns[index][1], 0.0))


def _rows(run: list[Line], columns: list[tuple[float, float]]) -> Rows:
    """Return the cells' texts; a line close below that leaves the first column blank goes on with the row above."""
    rows: Rows = []
    for before, line in pairwise([run[0], *run]):
        row = [""] * len(columns)
        for column, text in (part for cell in line.cells for part in _split(cell, columns)):
            row[column] = f"{row[column]} {text}".strip()
        distance = before.bottom - line.bottom
        if rows and not row[0] and distance < _WRAPPED_DISTANCE * line.size:
            rows[-1] = [f"{above} {text}".strip() for above, text in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    if _is_right_to_left(run):
        rows = [row[::-1] for row in rows]
    return rows


def _is_right_to_left(run: list[Line]) -> bool:
    first, last = _RIGHT_TO_LEFT
    letters = [letter for line in run for letter in line.text if letter.isalpha()]
    return 2 * sum(first <= letter <= last for letter in letters) > len(letters)

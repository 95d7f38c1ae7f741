"""Tables as CSV: into cells and out of them."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commerce.exchange.reading import ImportRefused

#: What a spreadsheet takes for the beginning of a formula; such texts go out behind an apostrophe.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its number, counted as spreadsheets do (the heading is row 1), and its cells by column."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def prefixed(self, prefix: str) -> dict[str, str]:
        """The filled cells of columns that begin with this, by the rest of their names."""
        return {c.removeprefix(prefix): cell for c, cell in self.cells.items() if c.startswith(prefix) and cell}


def write_table(columns: list[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as CSV; what is absent or None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell_of(row.get(column)) for column in columns])
    return text.getvalue()


def cell_of(value: Any) -> str:
    """A value as it stands in a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def read_table(data: bytes, columns: Iterable[str], required: Iterable[str]) -> list[Row]:
    """The rows of a CSV file in UTF-8, with commas, semicolons or tabs.

    Args:
        data: the file.
        columns: names that are known; one that ends with a colon stands for all that begin so.
        required: columns that must be there.

    Raises:
        ImportRefused: it is no such table, or has columns that are not known.
    """
    try:
        text = data.decode("utf-8-sig")
        heading = text.partition("\n")[0]
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=heading.count), strict=True)
        lines = list(reader)
    except UnicodeDecodeError as error:
        raise ImportRefused(["The table is not in UTF-8: save it as “CSV UTF-8”."]) from error
    except csv.Error as error:
        raise ImportRefused([f"The table cannot be read: {error}."]) from error
    names = [name.strip() for name in lines[0]] if lines else []
    _check(names, tuple(columns), tuple(required))
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        if len(cells) > len(names):
            raise ImportRefused([f"Row {number}: has more cells than the heading."])
        if any(cells):
            rows.append(Row(number, {n: _plain(cell.strip()) for n, cell in zip(names, cells, strict=False)}))
    return rows


def _check(names: list[str], columns: tuple[str, ...], required: tuple[str, ...]) -> None:
    prefixes = tuple(column for column in columns if column.endswith(":"))
    faults = [f"Row 1: the column “{name}” is missing." for name in required if name not in names]
    faults += [
        f"Row 1: the column “{name[:80]}” is not known."
        for name in names
        if name not in columns and not name.startswith(prefixes)
    ]
    faults += [
        f"Row 1: the column “{name[:80]}” is there twice." for name in sorted(set(names)) if names.count(name) > 1
    ]
    if faults:
        raise ImportRefused(faults)


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell

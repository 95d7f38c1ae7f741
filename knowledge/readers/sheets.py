"""Tables: Excel workbooks (SpreadsheetML, ECMA-376 part 1 section 18) and CSV."""

import csv
import io
import re
from datetime import datetime, timedelta

from lxml import etree

from knowledge.readers.answers import answers
from knowledge.readers.archive import Archive
from knowledge.readers.base import MAX_MARKDOWN_CHARS, ReadDocument, ReadError, build
from knowledge.readers.charset import decode
from knowledge.readers.markup import blocks, heading, one_line, table
from knowledge.readers.ooxml import (
    attribute,
    attribute_id,
    child,
    local,
    main_part,
    optional_xml,
    properties,
    relations,
)

# Built-in number formats that show a date or a time, ECMA-376 part 1, 18.8.30.
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_FORMAT_NOISE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_CELL_NAME = re.compile(r"([A-Z]{1,3})(\d+)")
_MERGED = re.compile(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})")
_MAX_MERGED = 10_000  # merged areas of a sheet, and rows of one
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - dates in sheets have no zone
_DAY_ZERO_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - dates in sheets have no zone
_MAX_DAYS = 2_900_000  # the year 9900
_MAX_COLUMNS = 1000
_MAX_CELL_CHARS = 1_000_000


def read_xlsx(data: bytes, filename: str) -> ReadDocument:
    """Read a workbook: every visible sheet a section of tables, parted where a row is blank."""
    archive = Archive(data)
    known = properties(archive)
    sheets = _Workbook(archive).sheets()
    parts = [
        blocks([heading(2, name) if len(sheets) > 1 or not _is_default(name) else "", *_tables(rows)])
        for name, rows in sheets
    ]
    return build(
        filename=filename,
        markdown=blocks(part for part in parts if "\n" in part or not part.startswith("#")),
        titles=[known.pop("title", None), filename.rsplit(".", 1)[0].replace("_", " ")],
        language=known.pop("language", ""),
        metadata=known,
    )


def read_csv(data: bytes, filename: str) -> ReadDocument:
    """Read comma, semicolon, tab or bar separated values as one table (blank lines part tables)."""
    text = decode(data).replace("\x00", "")
    csv.field_size_limit(_MAX_CELL_CHARS)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, filename), strict=False))
    except csv.Error as error:
        message = "This table could not be read: a cell is longer than a million characters. Check its quotation marks."
        raise ReadError("broken", message) from error
    return build(
        filename=filename, markdown=blocks(_tables(rows)), titles=[filename.rsplit(".", 1)[0].replace("_", " ")]
    )


def _delimiter(text: str, filename: str) -> str:
    if filename.lower().endswith((".tsv", ".tab")) and "\t" in text:
        return "\t"
    lines = [line for line in text[:20_000].splitlines()[:20] if line.strip()]

    def evenness(mark: str) -> tuple[int, int]:
        counts = [len(next(csv.reader([line], delimiter=mark))) - 1 for line in lines]
        common = max(set(counts), key=counts.count) if counts else 0
        return (counts.count(common) if common else 0, common)

    return max(",;\t|", key=evenness)


def _is_default(name: str) -> bool:
    return re.fullmatch(r"(?i)(sheet|tabelle|hoja|feuil|blad|foglio|лист)\s*\d*", name) is not None


def _tables(rows: list[list[str]]) -> list[str]:
    """Return the tables of a sheet, parted by blank rows; a row with one filled cell is a line of text."""
    found: list[str] = []
    run: list[list[str]] = []
    for row in [*rows, []]:
        if any(cell.strip() for cell in row):
            run.append(row)
        elif run:
            found.append(_one_table(run))
            run = []
    return found


def _one_table(rows: list[list[str]]) -> str:
    lines: list[str] = []
    while (
        len(rows) > 1 and sum(bool(cell.strip()) for cell in rows[0]) == 1 and sum(bool(c.strip()) for c in rows[1]) > 1
    ):
        lines.append(one_line(" ".join(rows[0])))
        rows = rows[1:]
    return blocks([*lines, answers(rows) or table(rows)])


class _Workbook:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._part = main_part(archive, "xl/workbook.xml")
        self._relations = relations(archive, self._part)
        targets = {relation.kind: relation.target for relation in self._relations.values()}
        self._strings = self._read_strings(targets.get("sharedStrings", "xl/sharedStrings.xml"))
        self._dates = _date_styles(optional_xml(archive, targets.get("styles", "xl/styles.xml")))
        self._zero = _DAY_ZERO
        self._left = MAX_MARKDOWN_CHARS

    def sheets(self) -> list[tuple[str, list[list[str]]]]:
        root = self._archive.xml(self._part)
        settings = child(root, "workbookPr")
        if settings is not None and attribute(settings, "date1904") in {"1", "true"}:
            self._zero = _DAY_ZERO_1904
        found = []
        for mark in (mark for mark in root.iter() if local(mark) == "sheet"):
            key = attribute_id(mark)
            target = self._relations[key].target if key in self._relations else ""
            if target in self._archive and attribute(mark, "state") not in {"hidden", "veryHidden"}:
                found.append((attribute(mark, "name"), self._rows(target)))
        return found

    def _read_strings(self, name: str) -> list[str]:
        if name not in self._archive:
            return []
        found = []
        for _, element in _parts(self._archive.read(name), "si"):
            found.append(_plain(element))
            element.clear()
        return found

    def _rows(self, name: str) -> list[list[str]]:
        """Return a sheet's rows; a run of blank rows in the file is one blank row here."""
        rows: list[list[str]] = []
        previous = 0
        numbers: list[int] = []
        data = self._archive.read(name)
        for _, element in _parts(data, "row"):
            number = attribute(element, "r")
            current = int(number) if number.isdecimal() else previous + 1
            if current > previous + 1 and rows:
                rows.append([])
                numbers.append(0)
            previous = current
            rows.append(self._row(element))
            numbers.append(current)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
            if self._left <= 0:
                message = "This workbook holds more text than can be read at once. Split it into smaller files."
                raise ReadError("too-large", message)
        if b"mergeCell" in data:
            _repeat_merged(data, {number: row for number, row in zip(numbers, rows, strict=True) if number})
        return rows

    def _row(self, element: etree._Element) -> list[str]:
        line: list[str] = []
        for cell in element:
            place = _CELL_NAME.match(attribute(cell, "r"))
            column = _column(place[1]) if place else len(line)
            if local(cell) == "c" and column < _MAX_COLUMNS:
                line.extend([""] * (column - len(line)))
                text = self._value(cell)
                self._left -= len(text)
                line[column:] = [text]
        return line

    def _value(self, cell: etree._Element) -> str:
        kind = attribute(cell, "t")
        if kind == "inlineStr":
            inline = child(cell, "is")
            return _plain(inline) if inline is not None else ""
        value = child(cell, "v")
        text = (value.text or "") if value is not None else ""
        if kind == "s":
            return self._strings[int(text)] if text.isdecimal() and int(text) < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        if kind in {"str", "d"}:
            return text
        if kind == "e":
            return ""
        style = attribute(cell, "s")
        return self._number(text, is_date=style.isdecimal() and int(style) in self._dates)

    def _number(self, text: str, *, is_date: bool) -> str:
        try:
            value = float(text)
        except ValueError:
            return text
        if is_date and 0 <= value < _MAX_DAYS:
            return _date(value, self._zero)
        return f"{value:.15g}" if abs(value) < 1e15 else text  # noqa: PLR2004 - 15 digits is what a sheet holds


def _parts(data: bytes, name: str) -> etree.iterparse:
    if b"<!ENTITY" in data:
        raise ReadError(
            "bomb", "This file defines XML entities, which documents have no use for, so it was not opened."
        )
    return etree.iterparse(
        io.BytesIO(data),
        tag=f"{{*}}{name}",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        recover=True,
    )


def _repeat_merged(data: bytes, rows: dict[int, list[str]]) -> None:
    """Repeat a cell that is merged over several rows in each of them, so that every row says what it is about."""
    for count, (_, mark) in enumerate(_parts(data, "mergeCell")):
        place = _MERGED.fullmatch(attribute(mark, "ref"))
        if place is None or count > _MAX_MERGED:
            continue
        column, first, last = _column(place[1]), int(place[2]), int(place[4])
        top = rows.get(first, [])
        text = top[column] if column < min(len(top), _MAX_COLUMNS) else ""
        for number in range(first + 1, min(last, first + _MAX_MERGED) + 1):
            if text and number in rows:
                row = rows[number]
                row.extend([""] * (column + 1 - len(row)))
                row[column] = row[column] or text


def _plain(element: etree._Element) -> str:
    """Return the text of a string item, without the readings beside East Asian text."""
    return "".join(
        mark.text or ""
        for mark in element.iter()
        if local(mark) == "t" and ((parent := mark.getparent()) is None or local(parent) != "rPh")
    )


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _date_styles(root: etree._Element | None) -> frozenset[int]:
    """Return the numbers of the cell styles that show dates."""
    formats = {
        int(attribute(mark, "numFmtId")): attribute(mark, "formatCode")
        for mark in (root.iter() if root is not None else ())
        if local(mark) == "numFmt" and attribute(mark, "numFmtId").isdecimal()
    }
    dates = {
        *_DATE_FORMATS,
        *(key for key, code in formats.items() if re.search("[dmyhs]", _FORMAT_NOISE.sub("", code.lower()))),
    }
    dates -= {key for key, code in formats.items() if "general" in code.lower()}
    styles = child(root, "cellXfs")
    return frozenset(
        index
        for index, style in enumerate(styles if styles is not None else ())
        if attribute(style, "numFmtId").isdecimal() and int(attribute(style, "numFmtId")) in dates
    )


def _date(days: float, zero: datetime) -> str:
    """Return a serial number of days as ISO 8601: a time when below one day, a date when whole."""
    moment = zero + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return f"{moment:%H:%M}" if moment.second == 0 else f"{moment:%H:%M:%S}"
    return f"{moment:%Y-%m-%d}" if moment.time() == datetime.min.time() else f"{moment:%Y-%m-%d %H:%M}"

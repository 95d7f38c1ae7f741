"""OpenDocument text, sheets and slides (ISO/IEC 26300)."""

from lxml import etree

from knowledge.readers.archive import Archive
from knowledge.readers.base import ReadDocument, ReadError, build
from knowledge.readers.markup import blocks, heading, list_item, literal, one_line, table
from knowledge.readers.ooxml import attribute, child, local, optional_xml

_DROPPED = frozenset(
    {"tracked-changes", "annotation", "table-of-content", "forms", "sequence-decls", "notes", "alphabetical-index"}
)
_MAX_REPEATS = 100  # blank cells and rows are repeated by the thousand to fill a sheet
MAX_DEPTH = 60


def read_opendocument(data: bytes, filename: str) -> ReadDocument:
    """Read an .odt, .ods or .odp file; a slide or a sheet is a section."""
    archive = Archive(data)
    _refuse_encrypted(archive)
    known = _properties(archive)
    body = child(archive.xml("content.xml"), "body")
    return build(
        filename=filename,
        markdown=blocks(_blocks(body, 0)) if body is not None else "",
        titles=[known.pop("title", None)],
        language=known.pop("language", ""),
        metadata=known,
    )


def _refuse_encrypted(archive: Archive) -> None:
    manifest = optional_xml(archive, "META-INF/manifest.xml")
    if manifest is not None and any(local(mark) == "encryption-data" for mark in manifest.iter()):
        raise ReadError("password", "This file is protected by a password. Remove the password and add it again.")


def _properties(archive: Archive) -> dict[str, str]:
    root = optional_xml(archive, "meta.xml")
    names = {"title": "title", "creator": "author", "description": "description", "language": "language"}
    found: dict[str, str] = {}
    for mark in root.iter() if root is not None else ():
        if local(mark) in names and mark.text:
            found.setdefault(names[local(mark)], mark.text)
    return found


def _blocks(container: etree._Element, depth: int) -> list[str]:
    found: list[str] = []
    if depth > MAX_DEPTH:
        return found
    for element in container:
        name = local(element)
        if name == "h":
            level = attribute(element, "outline-level")
            found.append(heading(int(level) if level.isdecimal() else 1, _text(element)))
        elif name == "p":
            found.append(literal(_text(element)))
            found.extend(
                block for box in element.iter() if local(box) == "text-box" for block in _blocks(box, depth + 1)
            )
        elif name == "list":
            found.append("\n".join(_items(element, 0)))
        elif name == "table":
            if local(container) == "spreadsheet":
                found.append(heading(2, attribute(element, "name")))
            found.append(table(_rows(element)))
        elif name not in _DROPPED:
            found.extend(_blocks(element, depth + 1))
    return [block for block in found if block.strip()]


def _items(element: etree._Element, depth: int) -> list[str]:
    found: list[str] = []
    for item in element:
        for inner in item if depth < MAX_DEPTH else ():
            if local(inner) == "list":
                found.extend(_items(inner, depth + 1))
            elif local(inner) in {"p", "h"} and _text(inner):
                found.append(list_item(_text(inner), depth=depth))
    return found


def _rows(element: etree._Element) -> list[list[str]]:
    rows: list[list[str]] = []
    for inner in element:
        if local(inner) == "table-row":
            rows.append(_row(inner))
        elif local(inner) in {"table-rows", "table-header-rows", "table-row-group"}:
            rows.extend(_rows(inner))
    return rows


def _row(element: etree._Element) -> list[str]:
    line: list[str] = []
    for cell in element:
        repeats = attribute(cell, "number-columns-repeated")
        text = " ".join(_text(inner) for inner in cell.iter() if local(inner) in {"p", "h"})
        line.extend([text] * min(int(repeats) if repeats.isdecimal() else 1, _MAX_REPEATS))
    return line


def _text(element: etree._Element) -> str:
    parts: list[str] = []
    _collect(element, parts, 0)
    return one_line("".join(parts))


def _collect(element: etree._Element, parts: list[str], depth: int) -> None:
    parts.append(element.text or "")
    for inner in element:
        name = local(inner)
        if name in {"s", "tab", "line-break"}:
            parts.append(" ")
        elif name == "note":
            parts.extend(["(", "".join(map(str, inner.itertext())).strip(), ")"])
        elif name not in {"annotation", "text-box", "bookmark"} and depth < MAX_DEPTH:
            _collect(inner, parts, depth + 1)
        parts.append(inner.tail or "")

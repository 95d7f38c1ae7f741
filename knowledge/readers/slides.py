"""PowerPoint presentations (PresentationML, ECMA-376 part 1 section 19); a slide is a page."""

import re
from collections.abc import Iterator

from lxml import etree

from knowledge.readers.archive import Archive
from knowledge.readers.base import ReadDocument, ReadError, build
from knowledge.readers.markup import blocks, heading, list_item, literal, one_line, table
from knowledge.readers.ooxml import (
    attribute,
    attribute_id,
    child,
    local,
    main_part,
    optional_xml,
    picture_in,
    properties,
    relations,
)

_NOT_CONTENT = frozenset({"dt", "ftr", "sldNum", "hdr"})
_TITLES = frozenset({"title", "ctrTitle"})
_NUMBER = re.compile(r"\d+")
MAX_SLIDES = 5000
MAX_DEPTH = 40  # nesting of groups


def read_pptx(data: bytes, filename: str) -> ReadDocument:
    """Read a presentation: titles as headings, text, tables and speaker's notes.

    Raises:
        ReadError: it has no slide.
    """
    archive = Archive(data)
    names = _slides(archive)
    if not names:
        raise ReadError("no-pages", "This presentation has no slides. Check that it is the right file.")
    known = properties(archive)
    return build(
        filename=filename,
        markdown=[_slide(archive, name) for name in names[:MAX_SLIDES]],
        titles=[known.pop("title", None)],
        language=known.pop("language", ""),
        metadata=known,
    )


def _slides(archive: Archive) -> list[str]:
    """Return the parts of the slides in the order they are shown; without that order, by number."""
    part = main_part(archive, "ppt/presentation.xml")
    root = optional_xml(archive, part)
    if root is not None:
        targets = relations(archive, part)
        wanted = [attribute_id(mark) for mark in root.iter() if local(mark) == "sldId"]
        found = [targets[key].target for key in wanted if key in targets and targets[key].target in archive]
        if found:
            return found
    names = [name for name in archive.names() if re.fullmatch(r"ppt/slides/slide\d+\.xml", name)]
    return sorted(names, key=lambda name: int(_NUMBER.findall(name)[-1]))


def _slide(archive: Archive, name: str) -> str:
    root = optional_xml(archive, name)
    if root is None or attribute(root, "show") == "0":
        return ""
    tree = child(root, "cSld", "spTree")
    shapes = list(_shapes(tree, 0)) if tree is not None else []
    titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
    title = one_line(" ".join(_paragraph(paragraph) for shape in titles for paragraph in _paragraphs(shape)))
    others = sorted((shape for shape in shapes if shape not in titles), key=_place)
    targets = relations(archive, name)
    parts = [picture_in(shape, targets) if local(shape) == "pic" else _shape(shape) for shape in others]
    return blocks([heading(1, title), *parts, _notes(archive, name)])


def _shapes(tree: etree._Element, depth: int) -> Iterator[etree._Element]:
    for element in tree:
        name = local(element)
        if name in {"sp", "graphicFrame", "pic"}:
            if _placeholder(element) not in _NOT_CONTENT:
                yield element
        elif name in {"grpSp", "AlternateContent", "Choice"} and depth < MAX_DEPTH:
            yield from _shapes(element, depth + 1)


def _placeholder(shape: etree._Element) -> str:
    for mark in shape.iter():
        if local(mark) == "ph":
            return attribute(mark, "type") or "body"
        if local(mark) in {"txBody", "spPr", "graphic"}:
            break
    return ""


# Shapes within this many units (English Metric Units, 914,400 an inch) of height stand in one row.
_ROW_EMU = 300_000


def _place(shape: etree._Element) -> tuple[int, int]:
    """Return where a shape stands, by rows; placeholders without a place of their own come first, in order."""
    place = next((mark for mark in shape.iter() if local(mark) == "off"), None)
    if place is None:
        return (0, 0)
    x, y = attribute(place, "x"), attribute(place, "y")
    return (int(y) // _ROW_EMU, int(x)) if x.isdecimal() and y.isdecimal() else (0, 0)


def _shape(shape: etree._Element) -> str:
    rows = [row for row in shape.iter() if local(row) == "tr"]
    if rows:
        return table([[_cell(cell) for cell in row if local(cell) == "tc"] for row in rows])
    if local(shape) == "graphicFrame":
        return blocks(literal(_paragraph(paragraph)) for paragraph in _paragraphs(shape))
    parts: list[str] = []
    is_list = (
        _placeholder(shape) in {"body", "obj"} and sum(bool(_paragraph(inner)) for inner in _paragraphs(shape)) > 1
    )
    for paragraph in _paragraphs(shape):
        text = _paragraph(paragraph)
        settings = child(paragraph, "pPr")
        level = attribute(settings, "lvl") if settings is not None else ""
        plain = child(settings, "buNone") is not None
        marked = child(settings, "buChar") is not None or child(settings, "buAutoNum") is not None
        if text and not plain and (is_list or marked or level not in {"", "0"}):
            parts.append("\n" + list_item(text, depth=int(level) if level.isdecimal() else 0))
        elif text:
            parts.append("\n\n" + literal(text))
    return "".join(parts).strip()


def _cell(cell: etree._Element) -> str:
    if attribute(cell, "hMerge") or attribute(cell, "vMerge"):
        return ""
    return " ".join(_paragraph(paragraph) for paragraph in _paragraphs(cell))


def _paragraphs(element: etree._Element) -> list[etree._Element]:
    return [paragraph for paragraph in element.iter() if local(paragraph) == "p"]


def _paragraph(paragraph: etree._Element) -> str:
    parts = [
        (mark.text or "") if local(mark) == "t" else " "
        for mark in paragraph.iter()
        if local(mark) in {"t", "br", "tab"}
    ]
    return one_line("".join(parts))


def _notes(archive: Archive, name: str) -> str:
    for relation in relations(archive, name).values():
        root = optional_xml(archive, relation.target) if relation.kind == "notesSlide" else None
        tree = child(root, "cSld", "spTree")
        if tree is not None:
            shapes = [shape for shape in _shapes(tree, 0) if _placeholder(shape) == "body"]
            return blocks(literal(_paragraph(paragraph)) for shape in shapes for paragraph in _paragraphs(shape))
    return ""

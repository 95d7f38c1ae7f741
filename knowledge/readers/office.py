"""Word documents (WordprocessingML, ECMA-376 part 1 section 17) as Markdown."""

import re
from collections import defaultdict
from dataclasses import dataclass

from lxml import etree

from knowledge.readers.archive import Archive
from knowledge.readers.base import ReadDocument, build
from knowledge.readers.markup import blocks, code_block, heading, list_item, literal, one_line, table
from knowledge.readers.ooxml import attribute, child, local, main_part, optional_xml, picture_in, properties, relations

_HEADING_STYLE = re.compile(r"(?i)^(?:heading|überschrift|titre|título|titolo|kop|rubrik|заголовок)\s*([1-9])$")
_CODE_STYLE = re.compile(r"(?i)code|preformatted|source|listing|verbatim")
_CAPTION_STYLE = re.compile(r"(?i)^(?:caption|beschriftung|légende|epígrafe|leyenda|didascalia|legenda|bijschrift)$")
_CONTENTS_STYLE = re.compile(r"(?i)^(?:toc|contents|verzeichnis|table of figures)\s*\d*$")
# Deleted text, and the second copy of drawings kept for old programs.
_DROPPED = frozenset(
    {"del", "moveFrom", "Fallback", "instrText", "delText", "rPr", "pPr", "tblPr", "sectPr", "txbxContent"}
)
_MAX_HEADING_CHARS = 200
_MAX_GUESSED_HEADING_CHARS = 90
MAX_DEPTH = 60  # nesting of tables, text boxes and content controls


@dataclass(frozen=True, slots=True)
class _Style:
    name: str = ""
    level: int = 0  # heading level, 0 for none
    list_id: str = ""
    list_depth: int = 0


@dataclass(slots=True)
class _Paragraph:
    text: str
    style: _Style
    list_id: str
    depth: int


def read_docx(data: bytes, filename: str) -> ReadDocument:
    """Read a Word document: body, text boxes, tables, footnotes and endnotes."""
    archive = Archive(data)
    part = main_part(archive, "word/document.xml")
    known = properties(archive)
    reader = _Word(archive, part)
    markdown = reader.markdown(archive.xml(part))
    return build(
        filename=filename,
        markdown=markdown,
        titles=[known.pop("title", None), reader.title],
        language=known.pop("language", "") or reader.language,
        metadata=known,
    )


class _Word:
    def __init__(self, archive: Archive, part: str) -> None:
        self._relations = relations(archive, part)
        targets = {relation.kind: relation.target for relation in self._relations.values()}
        self.title = ""
        self.language = ""
        self._guesses_headings = False
        self._styles = self._read_styles(optional_xml(archive, targets.get("styles", "word/styles.xml")))
        self._numbered = _read_numbering(optional_xml(archive, targets.get("numbering", "word/numbering.xml")))
        self._counters: dict[tuple[str, int], int] = defaultdict(int)
        self._notes = [
            root
            for kind in ("footnotes", "endnotes")
            if (root := optional_xml(archive, targets.get(kind, f"word/{kind}.xml"))) is not None
        ]

    def markdown(self, root: etree._Element) -> str:
        body = child(root, "body")
        self._guesses_headings = not any(
            self._styles.get(attribute(mark, "val"), _Style()).level for mark in root.iter() if local(mark) == "pStyle"
        )
        parts = self._blocks(root if body is None else body, 0)
        for notes in self._notes:
            for note in notes:
                if attribute(note, "type") not in {"separator", "continuationSeparator", "continuationNotice"}:
                    parts.extend(self._blocks(note, 0))
        return blocks(parts)

    def _read_styles(self, root: etree._Element | None) -> dict[str, _Style]:
        if root is None:
            return {}
        language = child(root, "docDefaults", "rPrDefault", "rPr", "lang")
        self.language = attribute(language, "val") if language is not None else ""
        elements = {attribute(style, "styleId"): style for style in root if local(style) == "style"}
        return {identifier: _style(element, elements) for identifier, element in elements.items()}

    def _blocks(self, container: etree._Element, depth: int) -> list[str]:
        """Return the blocks of a body, cell or text box; runs of list items and code lines become one block each."""
        found: list[str] = []
        run: list[str] = []
        kind = ""
        for item_kind, text in self._items(container, depth):
            if item_kind != kind and run:
                found.append(_close(kind, run))
                run = []
            kind = item_kind
            if item_kind:
                run.append(text)
            else:
                found.append(text)
        if run:
            found.append(_close(kind, run))
        return [block for block in found if block.strip()]

    def _items(self, container: etree._Element, depth: int) -> list[tuple[str, str]]:
        items: list[tuple[str, str]] = []
        if depth > MAX_DEPTH:
            return items
        for element in container:
            name = local(element)
            if name == "p":
                items.extend(self._paragraph(element, depth))
            elif name == "tbl":
                items.append(("", self._table(element, depth + 1)))
            elif name in _DROPPED:
                continue
            elif len(element):
                items.extend(self._items(element, depth + 1))
        return items

    def _paragraph(self, element: etree._Element, depth: int) -> list[tuple[str, str]]:
        paragraph = self._read_paragraph(element)
        items = [*self._text_boxes(element, depth), *self._pictures(element)]
        text, style = paragraph.text, paragraph.style
        if _CAPTION_STYLE.match(style.name) and text.strip():
            return [*items, ("picture", literal(one_line(text)))]
        if not text.strip() or _CONTENTS_STYLE.match(style.name):
            return items
        is_title = style.name.lower() == "title"
        if is_title:
            self.title = self.title or one_line(text)
        if is_title or (style.level and len(text) <= _MAX_HEADING_CHARS):
            return [*items, ("", heading(1 if is_title else style.level, text))]
        if _CODE_STYLE.search(style.name):
            return [*items, ("code", text)]
        if paragraph.list_id:
            return [*items, ("list", self._item(paragraph))]
        is_heading = self._guesses_headings and _looks_like_heading(element, text)
        return [*items, ("", heading(2, text) if is_heading else literal(text.strip()))]

    def _pictures(self, element: etree._Element) -> list[tuple[str, str]]:
        drawings = [mark for mark in element.iter() if local(mark) in {"inline", "anchor"}]
        return [("picture", block) for drawing in drawings if (block := picture_in(drawing, self._relations))]

    def _item(self, paragraph: _Paragraph) -> str:
        key = (paragraph.list_id, paragraph.depth)
        if not self._numbered.get(key, False):
            return list_item(paragraph.text, depth=paragraph.depth)
        self._counters[key] += 1
        for other in [other for other in self._counters if other[0] == key[0] and other[1] > key[1]]:
            del self._counters[other]
        return list_item(paragraph.text, depth=paragraph.depth, number=self._counters[key])

    def _read_paragraph(self, element: etree._Element) -> _Paragraph:
        settings = child(element, "pPr")
        style_mark = child(settings, "pStyle")
        style = self._styles.get(attribute(style_mark, "val"), _Style()) if style_mark is not None else _Style()
        outline = child(settings, "outlineLvl")
        if outline is not None and attribute(outline, "val") in set("012345") and not style.level:
            style = _Style(style.name, int(attribute(outline, "val")) + 1)
        list_id, depth = style.list_id, style.list_depth
        numbering = child(settings, "numPr")
        if numbering is not None:
            list_id, depth = _list_place(numbering, list_id, depth)
        return _Paragraph(_text(element), style, "" if list_id == "0" else list_id, min(depth, 8))

    def _text_boxes(self, element: etree._Element, depth: int) -> list[tuple[str, str]]:
        boxes = [box for box in element.iter() if local(box) == "txbxContent"]
        outer = [
            box
            for box in boxes
            if not any(local(parent) in {"Fallback", "txbxContent"} for parent in _ancestors_within(box, element))
        ]
        return [("", block) for box in outer for block in self._blocks(box, depth + 1)]

    def _table(self, element: etree._Element, depth: int) -> str:
        rows: list[list[str]] = []
        for row in _rows(element):
            line: list[str] = []
            skipped = child(row, "trPr", "gridBefore")
            line.extend([""] * (min(_integer(attribute(skipped, "val")), 20) if skipped is not None else 0))
            for cell in _cells(row):
                line.extend(self._cell(cell, rows, len(line), depth))
            rows.append(line)
        if rows and max(map(len, rows)) == 1:
            # A table of one column frames its content: keep headings and lists in it as they are.
            return blocks(
                block for row in _rows(element) for cell in _cells(row) for block in self._blocks(cell, depth)
            )
        return table(rows)

    def _cell(self, cell: etree._Element, rows: list[list[str]], column: int, depth: int) -> list[str]:
        """Return a cell's text, blank for further columns it spans; a cell merged downward repeats the one above."""
        merge, span = child(cell, "tcPr", "vMerge"), child(cell, "tcPr", "gridSpan")
        width = max(1, min(_integer(attribute(span, "val")), 60)) if span is not None else 1
        if merge is not None and attribute(merge, "val") != "restart" and rows and column < len(rows[-1]):
            text = rows[-1][column]
        else:
            text = " ".join(re.sub(r"^#+ |^- ", "", block, flags=re.MULTILINE) for block in self._blocks(cell, depth))
        return [text, *[""] * (width - 1)]


def _looks_like_heading(element: etree._Element, text: str) -> bool:
    """Tell a short line in bold, which is how people who know no styles write headings."""
    if len(text) > _MAX_GUESSED_HEADING_CHARS or text.rstrip().endswith((".", ",", ";")) or "\n" in text:
        return False
    if any(local(parent) == "tc" for parent in element.iterancestors()):
        return False
    runs = [
        run for run in element.iter() if local(run) == "r" and any(local(mark) == "t" and mark.text for mark in run)
    ]
    marks = [child(run, "rPr", "b") for run in runs]
    return bool(marks) and all(mark is not None and attribute(mark, "val") not in {"0", "false"} for mark in marks)


def _close(kind: str, run: list[str]) -> str:
    if kind == "picture":
        return _captioned(run)
    return code_block("\n".join(run)) if kind == "code" else "\n".join(run)


def _captioned(run: list[str]) -> str:
    """Return pictures, each with the captions that follow it; a caption of something else is a paragraph."""
    found: list[str] = []
    for text in run:
        if found and found[-1].startswith("![") and not text.startswith("!["):
            found[-1] += f"\n{text}"
        else:
            found.append(text)
    return blocks(found)


def _style(element: etree._Element, elements: dict[str, etree._Element]) -> _Style:
    """Resolve a style along the styles it is based on."""
    name, level, list_id, depth = "", 0, "", 0
    seen: set[str] = set()
    current: etree._Element | None = element
    while current is not None and attribute(current, "styleId") not in seen:
        seen.add(attribute(current, "styleId"))
        label = child(current, "name")
        own = attribute(label, "val") if label is not None else ""
        name = name or own
        outline, numbering = child(current, "pPr", "outlineLvl"), child(current, "pPr", "numPr")
        if not level and (found := _HEADING_STYLE.match(own)):
            level = int(found[1])
        if not level and outline is not None and attribute(outline, "val") in set("012345"):
            level = int(attribute(outline, "val")) + 1
        if not list_id and numbering is not None:
            list_id, depth = _list_place(numbering, "", 0)
        based = child(current, "basedOn")
        current = elements.get(attribute(based, "val")) if based is not None else None
    return _Style(name, level, list_id, depth)


def _list_place(numbering: etree._Element, list_id: str, depth: int) -> tuple[str, int]:
    number, level = child(numbering, "numId"), child(numbering, "ilvl")
    return (
        attribute(number, "val") if number is not None else list_id,
        _integer(attribute(level, "val")) if level is not None else depth,
    )


def _integer(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _read_numbering(root: etree._Element | None) -> dict[tuple[str, int], bool]:
    """Return for (list id, depth) whether its items are numbered rather than bulleted."""
    if root is None:
        return {}
    abstract: dict[str, dict[int, bool]] = {}
    for element in root:
        if local(element) == "abstractNum":
            levels = [level for level in element if local(level) == "lvl"]
            formats = {_integer(attribute(level, "ilvl")): child(level, "numFmt") for level in levels}
            abstract[attribute(element, "abstractNumId")] = {
                depth: form is not None and attribute(form, "val") not in {"bullet", "none"}
                for depth, form in formats.items()
            }
    numbered: dict[tuple[str, int], bool] = {}
    for element in root:
        link = child(element, "abstractNumId") if local(element) == "num" else None
        if link is not None:
            for depth, value in abstract.get(attribute(link, "val"), {}).items():
                numbered[attribute(element, "numId"), depth] = value
    return numbered


def _text(paragraph: etree._Element) -> str:
    """Return a paragraph's text as it shows: insertions in, deletions out, breaks and tabs as white space."""
    parts: list[str] = []
    _collect_text(paragraph, parts, 0)
    lines = [one_line(line) for line in "".join(parts).split("\n")]
    return "\n".join(line for line in lines if line)


_SPOKEN = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def _collect_text(element: etree._Element, parts: list[str], depth: int) -> None:
    for inner in element:
        name = local(inner)
        if name == "t":
            parts.append(inner.text or "")
        elif name in _SPOKEN:
            parts.append(_SPOKEN[name])
        elif name == "sym":
            continue
        elif name not in _DROPPED and len(inner) and depth < MAX_DEPTH:
            _collect_text(inner, parts, depth + 1)


def _ancestors_within(element: etree._Element, top: etree._Element) -> list[etree._Element]:
    found = []
    for parent in element.iterancestors():
        if parent is top:
            break
        found.append(parent)
    return found


def _rows(element: etree._Element) -> list[etree._Element]:
    """Return the rows of a table, through content controls and revision marks around them."""
    rows = []
    for inner in element:
        if local(inner) == "tr":
            if child(inner, "trPr", "del") is None:
                rows.append(inner)
        elif local(inner) in {"sdt", "sdtContent", "ins", "customXml"}:
            rows.extend(_rows(inner))
    return rows


def _cells(row: etree._Element) -> list[etree._Element]:
    cells = []
    for inner in row:
        if local(inner) == "tc":
            cells.append(inner)
        elif local(inner) in {"sdt", "sdtContent", "ins", "customXml"}:
            cells.extend(_cells(inner))
    return cells

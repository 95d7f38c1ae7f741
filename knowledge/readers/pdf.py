"""PDF text with its headings, paragraphs and tables, by PDFium."""

import ctypes
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from knowledge.readers.base import ReadDocument, ReadError, build
from knowledge.readers.markup import blocks, picture
from knowledge.readers.pdf_layout import Layout, normalised
from knowledge.readers.pdf_lines import Line, Word
from knowledge.readers.pictures import page_pictures

MAX_PAGES = 5000
MAX_CHARS_PER_PAGE = 200_000
MAX_PICTURES = 200
OFTEN = 3  # pages on which pictures of one size are decoration
_MAX_OUTLINE_ITEMS = 10_000
# What PDFium puts where a word is divided at the end of a line.
_DIVIDED = frozenset({0x02, 0xFFFE})
_NEW_LINE = frozenset({0x0A, 0x0D})
_BLANK = frozenset({0x09, 0x20, 0xA0, 0x3000})
_BOLD_WEIGHT = 600
_BOLD_NAME = re.compile(r"(?i)bold|black|heavy|semibold|demi|cmbx|sfbx|-medi(?:ital)?$|-bd|,bd")
_MONO_NAME = re.compile(
    r"(?i)mono|courier|consol|menlo|typewriter|cmtt|sfmono|inconsolata|fira ?code|source ?code|fixed|lettergothic"
)
_FONT_NAME_BYTES = 256


def read_pdf(data: bytes, filename: str) -> ReadDocument:
    """Read a PDF's text layer.

    Raises:
        ReadError: it is locked, damaged, or has no page or too many.
    """
    pdf = _open(data)
    try:
        count = len(pdf)
        if not count:
            raise ReadError("no-pages", "This PDF has no pages. Check that it was saved completely.")
        if count > MAX_PAGES:
            message = (
                f"This PDF has {count:,} pages; at most {MAX_PAGES:,} can be read at once. Split it and add the parts."
            )
            raise ReadError("too-many-pages", message)
        known = _properties(pdf)
        found = [_page(pdf, number) for number in range(count)]
        layout = Layout([page.lines for page in found], _outline(pdf))
    finally:
        pdf.close()
    title = known.pop("Title", "")
    language = known.pop("language", "")
    return build(
        filename=filename,
        markdown=_with_pictures(layout.pages(), [page.pictures for page in found]),
        titles=[title, layout.title()],
        language=language,
        metadata={"author": known.get("Author", ""), "description": known.get("Subject", "")},
    )


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            message = "This PDF is protected by a password. Save a copy without the password and add that."
            raise ReadError("password", message) from error
        message = "This PDF is damaged and can't be opened. Open it in a PDF viewer, save it again and retry."
        raise ReadError("broken", message) from error


def _properties(pdf: pypdfium2.PdfDocument) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in pdf.get_metadata_dict().items() if value}
    except (pypdfium2.PdfiumError, UnicodeDecodeError):
        return {}


def _outline(pdf: pypdfium2.PdfDocument) -> dict[tuple[int, str], int]:
    """Return for (page index, normalised title) the heading level that the outline gives."""
    found: dict[tuple[int, str], int] = {}
    try:
        for mark in islice(pdf.get_toc(max_depth=6), _MAX_OUTLINE_ITEMS):
            target = mark.get_dest()
            page = target.get_index() if target else None
            if page is not None:
                found.setdefault((page, normalised(mark.get_title())), mark.level + 1)
    except (pypdfium2.PdfiumError, UnicodeDecodeError, ValueError):
        return found
    return found


class _Found(NamedTuple):
    """What is on a page: its lines in the order of its content, and the sizes of its pictures in pixels."""

    lines: list[Line]
    pictures: list[tuple[int, int]]


def _page(pdf: pypdfium2.PdfDocument, number: int) -> _Found:
    """Read a page; an unreadable one holds nothing."""
    try:
        page = pdf[number]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return _Found([], [])
    try:
        return _Found(list(_Page(text_page).lines()), _picture_sizes(page))
    finally:
        text_page.close()
        page.close()


def _picture_sizes(page: pypdfium2.PdfPage) -> list[tuple[int, int]]:
    try:
        return [image.get_px_size() for image in page_pictures(page)]
    except pypdfium2.PdfiumError:
        return []


def _with_pictures(texts: Iterable[str], pictures: list[list[tuple[int, int]]]) -> list[str]:
    """Return the pages' texts with a place for each picture below; none for logos, which many pages have.

    A page without text is the picture of a page, which nobody can caption in a sentence.
    """
    frequent = Counter(size for sizes in pictures for size in set(sizes))
    left = MAX_PICTURES
    found: list[str] = []
    for number, (text, sizes) in enumerate(zip(texts, pictures, strict=True), 1):
        kept = [place for place, size in enumerate(sizes, 1) if frequent[size] < OFTEN] if text.strip() else []
        marks = [picture("", f"page-{number}-picture-{place}") for place in kept[: max(left, 0)]]
        left -= len(marks)
        found.append(blocks([text, *marks]))
    return found


class _Page:
    """Reads characters and the places of the first and last of each word; single calls are what costs time here."""

    def __init__(self, text_page: pypdfium2.PdfTextPage) -> None:
        self._page = text_page.raw
        self._box = pdfium.FS_RECTF()
        self._matrix = pdfium.FS_MATRIX()
        self._name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
        self._flags = ctypes.c_int()
        self._turn: int | None = None  # of the page's first line; others are stamps on its margin
        self._styles: dict[tuple[bytes, int], tuple[bool, bool]] = {}

    def lines(self) -> Iterator[Line]:
        for spans in self._spans():
            yield self._line(spans)

    def _spans(self) -> Iterator[list[tuple[int, int, str]]]:
        """Yield for each line its words as (first character, last character, text)."""
        words: list[tuple[int, int, str]] = []
        letters: list[str] = []
        start = 0
        count = min(pdfium.FPDFText_CountChars(self._page), MAX_CHARS_PER_PAGE)
        unicode_of = pdfium.FPDFText_GetUnicode
        for index in range(count):
            code = unicode_of(self._page, index)
            if code > 0x20 and code not in _BLANK and code not in _DIVIDED:  # noqa: PLR2004 - the space
                if not letters:
                    start = index
                letters.append(chr(code))
                continue
            if code in _DIVIDED and letters:
                letters.append("\u00ad")
            if letters:
                words.append((start, index - 1, "".join(letters)))
                letters.clear()
            if words and (code in _NEW_LINE or code in _DIVIDED):
                yield words
                words = []
        if letters:
            words.append((start, count - 1, "".join(letters)))
        if words:
            yield words

    def _line(self, spans: list[tuple[int, int, str]]) -> Line:
        middle = spans[len(spans) // 2][0]
        turn, size = self._turn_and_size(middle)
        self._turn = turn if self._turn is None else self._turn
        words = [Word(text, *self._place(first, last, turn)) for first, last, text in spans]
        styles = [self._style(index) for index in {spans[0][0], middle, spans[-1][0]}]
        bold, mono = all(bold for bold, _ in styles), all(mono for _, mono in styles)
        return Line.of(words, size=size, bold=bold, mono=mono, upright=turn == self._turn)

    def _place(self, first: int, last: int, turn: int) -> tuple[float, float, float, float]:
        """Return left, right, bottom and top in points, as the reader sees the line upright."""
        box = self._box
        pdfium.FPDFText_GetLooseCharBox(self._page, first, box)
        left, right, bottom, top = box.left, box.right, box.bottom, box.top
        if last != first:
            pdfium.FPDFText_GetLooseCharBox(self._page, last, box)
            left, right = min(left, box.left), max(right, box.right)
            bottom, top = min(bottom, box.bottom), max(top, box.top)
        if turn == 1:
            return bottom, top, -right, -left
        if turn == 2:  # noqa: PLR2004 - quarter turns
            return -right, -left, -top, -bottom
        if turn == 3:  # noqa: PLR2004 - quarter turns
            return -top, -bottom, left, right
        return left, right, bottom, top

    def _turn_and_size(self, index: int) -> tuple[int, float]:
        """Return how many quarter turns a character is turned to the left, and its size in points."""
        size = pdfium.FPDFText_GetFontSize(self._page, index)
        matrix = self._matrix
        if not pdfium.FPDFText_GetMatrix(self._page, index, matrix):
            return 0, size
        height = (matrix.c * matrix.c + matrix.d * matrix.d) ** 0.5
        if abs(matrix.b) > abs(matrix.a):
            turn = 1 if matrix.b > 0 else 3
        else:
            turn = 2 if matrix.a < 0 and matrix.d < 0 else 0
        return turn, size * height

    def _style(self, index: int) -> tuple[bool, bool]:
        """Return whether a character's font is bold and whether it is monospaced."""
        self._name.value = b""
        pdfium.FPDFText_GetFontInfo(self._page, index, self._name, _FONT_NAME_BYTES, self._flags)
        weight = pdfium.FPDFText_GetFontWeight(self._page, index)
        key = (self._name.value, weight)
        if key not in self._styles:
            name = key[0].decode("utf-8", "replace")
            self._styles[key] = (
                weight >= _BOLD_WEIGHT or _BOLD_NAME.search(name) is not None,
                _MONO_NAME.search(name) is not None,
            )
        return self._styles[key]

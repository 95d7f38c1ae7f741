"""What every reader returns, how it refuses a file, and the one entry `read`."""

import importlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

MAX_MARKDOWN_CHARS = 40_000_000  # five million words and more

# Control characters that PostgreSQL text or XML cannot hold, lone surrogates, byte-order marks and the
# non-characters; tab and newline stay.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u00ad]")
_PICTURE_PLACE = re.compile(r"^(!\[[^\]\n]*\])\([^()\s]*\)$", re.MULTILINE)
_NEWLINES = re.compile("\r\n?|\u2028|\u2029|\x85")
_BLANK_LINES = re.compile(r"\n{3,}")
_MEANINGLESS_TITLE = re.compile(
    r"(?i)^(\(?anonymous\)?|\(?unspecified\)?|microsoft (word|powerpoint|excel) - .*|untitled.*|document\d*"
    r"|word document|powerpoint presentation|presentation\d*|slide \d+|(no |kein )title|book\d*"
    r"|.*\.(docx?|pptx?|xlsx?|pdf|indd|tex|dvi|qxd|odt|rtf|md|txt))$",
)
MAX_TITLE_CHARS = 200


class ReadError(Exception):
    """A file that cannot be read; `str()` is a sentence for a curator: what happened and what to do.

    Attributes:
        code: short slug for programs, such as "empty", "password" or "broken".
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A file as Markdown.

    Attributes:
        title: never empty.
        markdown: headings as `#`, tables as pipe tables, code in fences; NFC, no control characters.
        pages: offset in `markdown` where page i + 1 begins; () for a format without pages.
        language: BCP 47 tag the file declares; "" when it declares none.
        metadata: what else the file says about itself (author, description, format, ...).
    """

    title: str
    markdown: str
    pages: tuple[int, ...] = ()
    language: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


# Where each kind of file is read. Modules are imported when first needed: a child process that reads one text file
# should not wait for a PDF library.
_READERS: dict[str, tuple[str, str]] = {
    "pdf": ("pdf", "read_pdf"),
    "docx": ("office", "read_docx"),
    "pptx": ("slides", "read_pptx"),
    "xlsx": ("sheets", "read_xlsx"),
    "csv": ("sheets", "read_csv"),
    "opendocument": ("opendocument", "read_opendocument"),
    "epub": ("epub", "read_epub"),
    "html": ("web", "read_html"),
    "xml": ("web", "read_xml"),
    "markdown": ("text", "read_markdown"),
    "mdx": ("text", "read_markdown"),
    "rst": ("rst", "read_rst"),
    "text": ("text", "read_text"),
    "jsonl": ("jsonl", "read_jsonl"),
    "eml": ("mail", "read_eml"),
    "msg": ("mail", "read_msg"),
    "rtf": ("rtf", "read_rtf"),
}


def read(data: bytes, filename: str) -> ReadDocument:
    """Read a file of any supported format in this process.

    Args:
        data: the whole file.
        filename: its name; only a hint, the content decides.

    Raises:
        ReadError: and nothing else, whatever the file holds.
    """
    kind = _guarded(_load("sniffing", "sniff"), data, filename)
    return _checked(_guarded(_load(*_READERS[kind]), data, filename), kind)


def _guarded(function: Callable[[bytes, str], Any], data: bytes, filename: str) -> Any:
    """Call a reader; whatever a damaged file makes it raise becomes a plain answer."""
    try:
        return function(data, filename)
    except ReadError:
        raise
    except MemoryError as error:
        message = "Reading this file needs too much memory. Split it into smaller files and add those."
        raise ReadError("memory", message) from error
    except Exception as error:  # format libraries raise anything on a damaged file; the curator needs one plain answer
        message = (
            "This file is damaged and can't be read. Open it in the program that made it, save it again and retry."
        )
        raise ReadError("broken", message) from error


def _load(module: str, name: str) -> Callable[[bytes, str], Any]:
    function: Callable[[bytes, str], Any] = getattr(importlib.import_module(f"knowledge.readers.{module}"), name)
    return function


def _checked(document: ReadDocument, kind: str) -> ReadDocument:
    if len(document.markdown) > MAX_MARKDOWN_CHARS:
        limit = MAX_MARKDOWN_CHARS // 1_000_000
        message = f"This file holds more than {limit} million characters of text. Split it into smaller files."
        raise ReadError("too-large", message)
    if not any(character.isalnum() for character in _PICTURE_PLACE.sub("", document.markdown)):
        raise ReadError("no-text", _no_text(kind))
    document.metadata.setdefault("format", kind)
    return document


def _no_text(kind: str) -> str:
    if kind == "pdf":
        return "This PDF has no text, only pictures of pages. Run text recognition (OCR) on it and add the result."
    return "There is no text in this file. Check that it is the right one."


def clean(text: str) -> str:
    """Return the text in NFC, without control characters, lone surrogates, carriage returns or runs of blank lines."""
    text = _NEWLINES.sub("\n", text)
    text = unicodedata.normalize("NFC", _UNWANTED.sub("", text.replace("\u00a0", " ")))
    text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def build(
    *,
    filename: str,
    markdown: str | Iterable[str],
    titles: Iterable[str | None] = (),
    language: str = "",
    metadata: dict[str, str] | None = None,
) -> ReadDocument:
    """Make a document of cleaned text; an iterable of texts is taken as its pages.

    Args:
        filename: gives the title when nothing better does.
        markdown: one text, or one text a page (blank pages count).
        titles: candidates, best first; the first heading and the file name follow.
        language: what the file declares.
        metadata: values are cleaned, empty ones dropped.
    """
    if isinstance(markdown, str):
        text, pages = clean(markdown), tuple[int, ...]()
    else:
        text, pages = _join_pages(markdown)
    return ReadDocument(
        title=choose_title([*titles, first_heading(text)], filename),
        markdown=text,
        pages=pages,
        language=language.strip().replace("_", "-")[:35],
        metadata={
            key: text
            for key, value in (metadata or {}).items()
            if (text := clean(value)) and not _MEANINGLESS_TITLE.match(text)
        },
    )


def _join_pages(texts: Iterable[str]) -> tuple[str, tuple[int, ...]]:
    parts: list[str] = []
    pages: list[int] = []
    length = 0
    for raw in texts:
        text = clean(raw)
        if text and parts:
            parts.append("\n\n")
            length += 2
        pages.append(length)
        if text:
            parts.append(text)
            length += len(text)
        if length > MAX_MARKDOWN_CHARS:
            break
    return "".join(parts), tuple(pages)


def first_heading(markdown: str) -> str | None:
    """Return the text of the first heading among the first lines, if any."""
    found = re.search(r"^#{1,3} +(\S.*)$", markdown[:5000], re.MULTILINE)
    return found[1] if found else None


def choose_title(candidates: Iterable[str | None], filename: str) -> str:
    """Return the first candidate that says something, else the file's name made readable."""
    for candidate in candidates:
        title = " ".join(clean(candidate or "").split())
        if title and not _MEANINGLESS_TITLE.match(title) and any(map(str.isalnum, title)):
            return title[:MAX_TITLE_CHARS]
    stem = clean(re.sub(r"[_\s]+", " ", PurePath(filename).stem)).strip()
    return (stem or "Untitled")[:MAX_TITLE_CHARS]

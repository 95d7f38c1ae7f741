"""What a file is, from its content; the name only decides between kinds of text."""

import re
from pathlib import PurePath

from knowledge.readers.archive import Archive
from knowledge.readers.base import ReadError
from knowledge.readers.charset import decode

_HEAD_BYTES = 8192

_TEXT_KINDS = {
    "md": "markdown",
    "markdown": "markdown",
    "mdown": "markdown",
    "mkd": "markdown",
    "mdx": "mdx",
    "rst": "rst",
    "rest": "rst",
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "html": "html",
    "htm": "html",
    "xhtml": "html",
    "eml": "eml",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
}

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"BM", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"\x00\x00\x01\x00", "picture"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"ID3", "recording"),
    (b"OggS", "recording"),
    (b"fLaC", "recording"),
    (b"\x1aE\xdf\xa3", "recording"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"SQLite format 3", "database"),
    (b"\x00\x01\x00\x00", "font"),
    (b"wOF", "font"),
)
_REFUSALS = {
    "picture": "This is a picture, not a document. Add a document that holds the text.",
    "archive": "This is an archive. Unpack it and add the files one by one.",
    "recording": "This is a sound or video file. Add a transcript instead.",
    "program": "This is a program, not a document.",
    "database": "This is a database file. Export its content as CSV and add that.",
    "font": "This is a font, not a document.",
    "doc": "This kind of file can't be read yet. Save it as DOCX or PDF and add that.",
    "xls": "This kind of file can't be read yet. Save it as XLSX or CSV and add that.",
    "ppt": "This kind of file can't be read yet. Save it as PPTX or PDF and add that.",
    "xlsb": "This kind of file can't be read yet. Save it as XLSX or CSV and add that.",
    "other": "This kind of file can't be read yet. Save it as PDF, DOCX or plain text and add that.",
}

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Names of OLE directory entries are UTF-16; (mark, kind), the most telling first.
_OLE_MARKS = tuple(
    (name.encode("utf-16-le"), kind)
    for name, kind in (
        ("EncryptedPackage", "password"),
        ("__properties_version1.0", "msg"),
        ("WordDocument", "doc"),
        ("PowerPoint Document", "ppt"),
        ("Workbook", "xls"),
        ("Book", "xls"),
    )
)
_ZIP_MARKS = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"), ("meta-inf/container.xml", "epub"))
_MAIL_HEADER = re.compile(
    r"(?im)^(?:from|to|subject|date|received|return-path|message-id|mime-version|delivered-to|content-type|x-[\w-]+):"
)
_MIN_MAIL_HEADERS = 3
_HTML_START = re.compile(r"(?is)^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]")
_MAX_CONTROL_SHARE = 0.05


def sniff(data: bytes, filename: str) -> str:
    """Return the kind of a file, one of the keys of the readers.

    Raises:
        ReadError: the file is empty or of a kind that is not read; the sentence says what to do.
    """
    if not data.strip(b"\x00 \t\r\n"):
        raise ReadError("empty", "This file is empty. Check that it was saved, and add it again.")
    head = data[:1024]
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"PK"):
        return _zip_kind(data)
    if head.startswith(_OLE):
        return _ole_kind(data)
    if head.lstrip().startswith(b"{\\rtf"):
        return "rtf"
    return _text_kind(data, PurePath(filename).suffix.lower().lstrip("."))


def _zip_kind(data: bytes) -> str:
    archive = Archive(data)
    if "mimetype" in archive:
        kind = archive.read("mimetype")[:100].strip().decode("ascii", "replace")
        if kind == "application/epub+zip":
            return "epub"
        if kind.startswith("application/vnd.oasis.opendocument."):
            return "opendocument"
    if "xl/workbook.bin" in archive:
        raise ReadError("unsupported", _REFUSALS["xlsb"])
    names = [name.lower() for name in archive.names()]
    for mark, kind in _ZIP_MARKS:
        if any(name.startswith(mark) for name in names):
            return kind
    raise ReadError("unsupported", _REFUSALS["archive"])


def _ole_kind(data: bytes) -> str:
    kind = next((kind for mark, kind in _OLE_MARKS if mark in data), "other")
    if kind == "msg":
        return kind
    if kind == "password":
        raise ReadError("password", "This file is protected by a password. Remove the password and add it again.")
    raise ReadError("unsupported", _REFUSALS[kind])


def _text_kind(data: bytes, suffix: str) -> str:
    head = data[:_HEAD_BYTES]
    signature = next((kind for mark, kind in _SIGNATURES if head.startswith(mark)), None)
    if signature is None and head[4:8] == b"ftyp":
        signature = "recording"
    if signature is None and head[:4] == b"RIFF":
        signature = "picture" if head[8:12] == b"WEBP" else "recording"
    text = decode(head)
    if _is_binary(head, text):
        if signature:
            raise ReadError("unsupported", _REFUSALS[signature])
        message = "This file holds no readable text: it is damaged or of a kind that can't be read."
        raise ReadError("binary", message)
    return _kind_of_text(text, suffix)


def _is_binary(head: bytes, text: str) -> bool:
    if not text:
        return True
    nulls = head.count(0)
    controls = len(_CONTROL.findall(text))
    return controls > _MAX_CONTROL_SHARE * len(text) or (nulls > 0 and controls > 0 and nulls >= len(head) // 20)


def _kind_of_text(text: str, suffix: str) -> str:
    kind = _TEXT_KINDS.get(suffix)
    if kind in {"markdown", "mdx", "rst", "jsonl"}:
        return kind
    if _HTML_START.match(text):
        return "html"
    if text.lstrip("\ufeff \t\r\n").startswith("<?xml"):
        return "xml"
    header = re.split(r"\r?\n\r?\n", text.lstrip(), maxsplit=1)[0]
    is_mail = len(set(map(str.lower, _MAIL_HEADER.findall(header)))) >= _MIN_MAIL_HEADERS
    if is_mail and kind != "csv":
        return "eml"
    return kind or "text"

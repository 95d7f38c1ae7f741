"""EPUB books (W3C EPUB 3.3, and 2), a chapter file a page."""

from posixpath import dirname, join, normpath
from urllib.parse import unquote

from lxml import etree

from knowledge.readers.archive import Archive
from knowledge.readers.base import ReadDocument, ReadError, build
from knowledge.readers.ooxml import attribute, local
from knowledge.readers.pictures import data_reference
from knowledge.readers.web import decode_html, fragment_markdown

_CONTAINER = "META-INF/container.xml"
_TEXT_TYPES = frozenset({"application/xhtml+xml", "text/html", "application/html", "text/x-oeb1-document"})


def read_epub(data: bytes, filename: str) -> ReadDocument:
    """Read a book in the order of its spine, without its table of contents.

    Raises:
        ReadError: its chapters are encrypted or it has none.
    """
    archive = Archive(data)
    package_name = _package_name(archive)
    package = archive.xml(package_name)
    chapters = _chapters(package, dirname(package_name))
    if "META-INF/encryption.xml" in archive and _is_encrypted(archive, chapters):
        raise ReadError("password", "This book is protected against copying. Add an unprotected copy.")
    found = [_chapter(archive, name) for name in chapters if name in archive]
    known = {
        local(mark): mark.text or ""
        for mark in reversed(list(package.iter()))
        if local(mark) in {"title", "creator", "language", "description"}
    }
    return build(
        filename=filename,
        markdown=found,
        titles=[known.get("title")],
        language=known.get("language", ""),
        metadata={"author": known.get("creator", ""), "description": known.get("description", "")},
    )


def _chapter(archive: Archive, name: str) -> str:
    def kept(address: str) -> str:
        part = normpath(join(dirname(name), unquote(address.partition("#")[0])))
        return data_reference(address) or (part if part in archive else "")

    return fragment_markdown(decode_html(archive.read(name)), kept)


def _package_name(archive: Archive) -> str:
    if _CONTAINER in archive:
        for mark in archive.xml(_CONTAINER).iter():
            if local(mark) == "rootfile" and attribute(mark, "full-path") in archive:
                return attribute(mark, "full-path")
    found = next((name for name in archive.names() if name.lower().endswith(".opf")), None)
    if found is None:
        raise ReadError("broken", "This book has no table of its files, so it can't be read. Save it again and retry.")
    return found


def _chapters(package: etree._Element, folder: str) -> list[str]:
    items = {attribute(mark, "id"): mark for mark in package.iter() if local(mark) == "item"}
    spine = [
        attribute(mark, "idref")
        for mark in package.iter()
        if local(mark) == "itemref" and attribute(mark, "linear") != "no"
    ]
    wanted = [items[key] for key in spine if key in items] or list(items.values())
    return [
        join(folder, unquote(attribute(item, "href")).partition("#")[0])
        for item in wanted
        if attribute(item, "media-type") in _TEXT_TYPES and "nav" not in attribute(item, "properties").split()
    ]


def _is_encrypted(archive: Archive, chapters: list[str]) -> bool:
    """Tell whether a chapter itself is encrypted; fonts often are, and do not matter."""
    marks = archive.xml("META-INF/encryption.xml").iter()
    encrypted = {unquote(attribute(mark, "URI")) for mark in marks if local(mark) == "CipherReference"}
    return not encrypted.isdisjoint(chapters)

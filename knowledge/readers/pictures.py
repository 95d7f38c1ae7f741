"""Where a file keeps its pictures, and their bytes: what a model that describes them is shown."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
import zlib
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pypdfium2

MAX_BYTES = 4_000_000  # of one picture as it is sent
MAX_PIXELS = 25_000_000
SMALLEST = 64  # pixels a side; what is smaller is a bullet or a line
PAGE_SIDE = 1_024  # pixels of the longer side of a picture taken from a PDF

_DATA = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp)(?:;[\w=-]+)*,[^\s\"'<>)]+", re.IGNORECASE)
_ON_PAGE = re.compile(r"page-(\d+)-picture-(\d+)$")


def data_reference(address: str) -> str:
    """Return a name for a picture that stands in the text itself ("data:image/png;…"), "" for any other address."""
    if not _DATA.fullmatch(address.strip()):
        return ""
    return f"data-{hashlib.sha256(address.strip().encode()).hexdigest()[:16]}"


def pictures_in(data: bytes, references: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of the pictures that a document's text refers to.

    Left out is what is missing, damaged, too small to show anything, too large to be sent, or neither PNG, JPEG, GIF
    nor WebP.
    """
    found: dict[str, bytes] = {}
    for reference, picture in _all(data, list(references)):
        size = size_of(picture)
        if size and min(size) >= SMALLEST and size[0] * size[1] <= MAX_PIXELS and len(picture) <= MAX_BYTES:
            found[reference] = picture
    return found


def media_type(picture: bytes) -> str:
    """Return what kind of picture this is, "" for none that models read."""
    marks = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "image/webp"
    return next((name for mark, name in marks.items() if picture.startswith(mark)), "")


def size_of(picture: bytes) -> tuple[int, int]:
    """Return width and height in pixels as the file declares them, (0, 0) where it does not."""
    kind = media_type(picture)
    try:
        if kind == "image/png":
            width, height = struct.unpack(">II", picture[16:24])
        elif kind == "image/gif":
            width, height = struct.unpack("<HH", picture[6:10])
        elif kind == "image/webp":
            width, height = _webp_size(picture)
        else:
            width, height = _jpeg_size(picture) if kind else (0, 0)
    except (struct.error, IndexError):
        return 0, 0
    return width, height


def _webp_size(picture: bytes) -> tuple[int, int]:
    """RFC 9649: simple lossy, lossless, and extended files keep their size in three ways."""
    if picture[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", picture[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if picture[12:16] == b"VP8L":
        bits = struct.unpack("<I", picture[21:25])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(picture[24:27], "little") + 1, int.from_bytes(picture[27:30], "little") + 1


def _jpeg_size(picture: bytes) -> tuple[int, int]:
    """ITU-T T.81, annex B: the frame header among the segments."""
    position = 2
    while picture[position] == 0xFF:  # noqa: PLR2004 - what begins a segment
        mark = picture[position + 1]
        if 0xC0 <= mark <= 0xCF and mark not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - the frame headers
            height, width = struct.unpack(">HH", picture[position + 5 : position + 9])
            return width, height
        position += 2 + int.from_bytes(picture[position + 2 : position + 4], "big")
    return 0, 0


def _all(data: bytes, references: list[str]) -> Iterator[tuple[str, bytes]]:
    on_pages = [reference for reference in references if _ON_PAGE.match(reference)]
    if data[:1024].find(b"%PDF-") >= 0:
        yield from _of_pdf(data, on_pages)
    elif data[:2] == b"PK":
        yield from _of_archive(data, references)
    else:
        yield from _of_text(data, references)


def _of_archive(data: bytes, references: list[str]) -> Iterator[tuple[str, bytes]]:
    # Only the file that is such a container pays for the module.
    from knowledge.readers.archive import Archive
    from knowledge.readers.base import ReadError

    archive = Archive(data)
    for reference in references:
        try:
            yield reference, archive.read(unquote(reference))
        except ReadError:
            continue


def _of_text(data: bytes, references: list[str]) -> Iterator[tuple[str, bytes]]:
    wanted = set(references)
    for found in _DATA.finditer(data.decode("utf-8", "replace")):
        reference = data_reference(found[0])
        if reference in wanted:
            head, _, body = found[0].partition(",")
            try:
                packed = unquote_to_bytes(body)
                yield reference, base64.b64decode(packed) if head.lower().endswith(";base64") else packed
            except (binascii.Error, ValueError):
                continue


def _of_pdf(data: bytes, references: list[str]) -> Iterator[tuple[str, bytes]]:
    import pypdfium2

    pdf = pypdfium2.PdfDocument(data)
    for reference in references:
        place = _ON_PAGE.match(reference)
        try:
            page = pdf[int(place[1]) - 1] if place else None
            if page is not None and place is not None:
                yield reference, _png(page_pictures(page)[int(place[2]) - 1])
        except (pypdfium2.PdfiumError, IndexError, ValueError):
            continue


def page_pictures(page: pypdfium2.PdfPage) -> list[pypdfium2.PdfImage]:
    """Return the pictures of a PDF's page that are large enough to show something, in the order of its content."""
    import pypdfium2.raw as pdfium

    found = page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=2)
    return [image for image in found if min(image.get_px_size()) >= SMALLEST]


def _png(image: pypdfium2.PdfImage) -> bytes:
    """Return a picture of a PDF as PNG (RFC 2083), every so many pixels where it is larger than is needed."""
    bitmap = image.get_bitmap()
    pixels = bitmap.to_numpy()
    step = max(1, -(-max(pixels.shape[:2]) // PAGE_SIDE))
    pixels = pixels[::step, ::step]
    if pixels.ndim == 2:  # noqa: PLR2004 - rows and columns, no channels
        pixels = pixels[:, :, None]
    color = {1: 0, 3: 2, 4: 2}[pixels.shape[2]]
    pixels = pixels[:, :, 2::-1] if color else pixels  # PDFium keeps blue first
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_part(kind, body) for kind, body in parts)


def _png_part(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

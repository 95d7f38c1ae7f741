"""Pictures in documents: where they stand, their words, and their bytes."""

import base64
import io
import re
import struct
import zipfile
import zlib

import docx
import pptx
import pytest
from docx.shared import Inches

from knowledge.readers.base import ReadError, read
from knowledge.readers.markup import picture
from knowledge.readers.pictures import media_type, pictures_in, size_of

pytestmark = pytest.mark.unit


def png(width: int = 80, height: int = 80) -> bytes:
    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes([200, 10, 10]) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


URI = "data:image/png;base64," + base64.b64encode(png()).decode()


def references(markdown: str) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^()]+)\)", markdown)


def saved(document) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def word(*, alt: str = "", caption: str = "Figure 1: The lamp") -> bytes:
    document = docx.Document()
    document.add_paragraph("See the lamp.")
    document.add_picture(io.BytesIO(png()), width=Inches(2))
    document.inline_shapes[0]._inline.docPr.set("descr", alt)
    if caption:
        document.add_paragraph(caption, style="Caption")
    document.add_paragraph("It blinks.")
    return saved(document)


def test_a_picture_of_a_word_document_has_its_words_and_caption():
    data = word(alt="A red lamp")
    markdown = read(data, "a.docx").markdown

    assert markdown == "See the lamp.\n\n![A red lamp](word/media/image1.png)\nFigure 1: The lamp\n\nIt blinks."
    assert pictures_in(data, references(markdown)) == {"word/media/image1.png": png()}


def test_a_caption_of_something_else_stays_a_paragraph():
    document = docx.Document()
    document.add_paragraph("Table 1: Plans", style="Caption")
    document.add_paragraph("Text.")

    assert read(saved(document), "a.docx").markdown == "Table 1: Plans\n\nText."


def test_a_document_of_pictures_alone_has_no_text():
    document = docx.Document()
    document.add_picture(io.BytesIO(png()), width=Inches(2))

    with pytest.raises(ReadError, match="no text"):
        read(saved(document), "a.docx")


def test_a_picture_on_a_slide():
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "The lamp"
    slide.shapes.add_picture(io.BytesIO(png()), 0, 0, width=pptx.util.Inches(3))
    data = saved(deck)

    markdown = read(data, "a.pptx").markdown

    assert markdown == "# The lamp\n\n![](ppt/media/image1.png)"
    assert list(pictures_in(data, references(markdown))) == ["ppt/media/image1.png"]


def test_figures_and_lone_pictures_of_a_page_are_blocks_and_icons_are_words():
    html = (
        f"<p>Press <img src='{URI}' alt='the gear icon'> twice.</p><figure><img src='{URI}' alt='Lamp'>"
        "<figcaption>Figure 1: it blinks</figcaption></figure><p><img src='https://x.example/y.png' alt='A map'></p>"
        "<img src='https://x.example/pixel.gif'>"
    )
    markdown = read(f"<html><body>{html}</body></html>".encode(), "a.html").markdown

    (reference,) = references(markdown)
    assert markdown == f"Press the gear icon twice.\n\n![Lamp]({reference})\nFigure 1: it blinks\n\n![A map]()"
    assert pictures_in(html.encode(), [reference]) == {reference: png()}


def test_a_picture_on_a_line_of_markdown():
    text = f"A ![gear icon](x.png) here.\n\n![A red lamp]({URI} 'title')\n\n![](x.png)\n\n[![badge](b.svg)](https://x)"
    markdown = read(text.encode(), "a.md").markdown

    (reference,) = references(markdown)
    assert markdown == f"A gear icon here.\n\n![A red lamp]({reference})\n\nbadge"


def test_a_picture_of_a_book():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr(
            "OPS/book.opf",
            "<package><manifest><item id='c' href='text/one.xhtml' media-type='application/xhtml+xml'/></manifest>"
            "<spine><itemref idref='c'/></spine></package>",
        )
        book.writestr(
            "OPS/text/one.xhtml", "<html><body><p>See.</p><p><img src='../lamp.png' alt='Red lamp'/></p></body></html>"
        )
        book.writestr("OPS/lamp.png", png())
    markdown = read(file.getvalue(), "a.epub").markdown

    assert markdown == "See.\n\n![Red lamp](OPS/lamp.png)"
    assert pictures_in(file.getvalue(), ["OPS/lamp.png"]) == {"OPS/lamp.png": png()}


@pytest.mark.parametrize("words", ["", "image1.png", "Picture 3", "IMG_0042", "Bild", " - "])
def test_names_that_programs_give_are_no_words(words):
    assert picture(words) == ""
    assert picture(words, "a b(1).png") == "![](a%20b%281%29.png)"


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 broken", b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF0000WEBPVP8 ", png()[:20]]
)
def test_damaged_pictures_have_no_size(data):
    assert size_of(data) == (0, 0)
    assert pictures_in(b"text", ["data-1"]) == {}


def test_what_is_too_small_is_left_out():
    tiny = "data:image/png;base64," + base64.b64encode(png(8, 8)).decode()
    text = f"Words.\n\n![A dot]({tiny})"

    assert pictures_in(text.encode(), references(read(text.encode(), "a.md").markdown)) == {}


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        (png(70, 90), "image/png", (70, 90)),
        (b"GIF89a" + struct.pack("<HH", 70, 90), "image/gif", (70, 90)),
        (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 90, 70) + b"\0" * 10,
            "image/jpeg",
            (70, 90),
        ),
        (b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x45\0\0\x59\0\0", "image/webp", (70, 90)),
    ],
)
def test_kind_and_size_come_from_the_first_bytes(data, kind, size):
    assert (media_type(data), size_of(data)) == (kind, size)

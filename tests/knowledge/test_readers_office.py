# ruff: noqa: E501, DTZ001 - dates in sheets have no zone; whole documents stand in one line

import io
import zipfile
from datetime import date, datetime

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import OxmlElement

from knowledge.readers.archive import MAX_ENTRIES, MAX_UNPACKED_BYTES
from knowledge.readers.base import ReadDocument, ReadError, read

pytestmark = pytest.mark.unit


def saved(document) -> bytes:
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def packed(files: dict[str, bytes | str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def refused(data: bytes) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data, "a.docx")
    return caught.value


def read_word(build) -> ReadDocument:
    document = docx.Document()
    build(document)
    return read(saved(document), "a.docx")


def test_word_document():
    def build(document):
        document.core_properties.title = "Laptop manual"
        document.add_heading("Battery", level=1)
        document.add_paragraph("Charge it fully.")
        document.add_paragraph("first", style="List Bullet")
        document.add_paragraph("second", style="List Bullet")
        document.add_paragraph("one", style="List Number")
        document.add_paragraph("two", style="List Number")
        table = document.add_table(rows=2, cols=2)
        for cell, text in zip(table._cells, ("Model", "Hours", "X1", "12"), strict=True):
            cell.text = text
        document.add_heading("Care", level=2)
        document.add_paragraph("# 1 rule: keep dry")

    document = read_word(build)
    assert document.title == "Laptop manual"
    assert document.markdown == (
        "# Battery\n\nCharge it fully.\n\n- first\n- second\n1. one\n2. two\n\n"
        "| Model | Hours |\n| --- | --- |\n| X1 | 12 |\n\n## Care\n\n\\# 1 rule: keep dry"
    )


def test_word_merged_cells():
    def build(document):
        table = document.add_table(rows=3, cols=3)
        for row in table.rows:
            for cell in row.cells:
                cell.text = "x"
        table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
        table.cell(1, 2).merge(table.cell(2, 2)).text = "tall"

    lines = read_word(build).markdown.split("\n")
    assert lines[0] == "| wide |  | x |"
    assert lines[2:] == ["| x | x | tall |", "| x | x | tall |"]


def test_word_deleted_text_is_gone_and_inserted_text_stays():
    def build(document):
        paragraph = document.add_paragraph("kept ")
        for mark, text in (("w:ins", "inserted"), ("w:del", "deleted")):
            change = OxmlElement(mark)
            run = OxmlElement("w:r")
            words = OxmlElement("w:t" if mark == "w:ins" else "w:delText")
            words.text = text
            run.append(words)
            change.append(run)
            paragraph._p.append(change)

    assert read_word(build).markdown == "kept inserted"


def test_bold_lines_are_headings_where_no_style_says_so():
    def build(document):
        document.add_paragraph().add_run("Shipping costs").bold = True
        document.add_paragraph("Free from 50 euros.")

    assert read_word(build).markdown == "## Shipping costs\n\nFree from 50 euros."


def test_presentation():
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Warranty"
    slide.placeholders[1].text = "Two years\nWorldwide"
    slide.notes_slide.notes_text_frame.text = "Mention the receipt."
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = "Prices"
    table = second.shapes.add_table(2, 2, 0, 2_000_000, 4_000_000, 1_000_000).table
    for place, text in {(0, 0): "Item", (0, 1): "Price", (1, 0): "Bag", (1, 1): "5"}.items():
        table.cell(*place).text = text
    document = read(saved(show), "a.pptx")
    assert document.markdown == (
        "# Warranty\n\n- Two years\n- Worldwide\n\nMention the receipt.\n\n# Prices\n\n| Item | Price |\n| --- | --- |\n| Bag | 5 |"
    )
    assert document.markdown[document.pages[1] :].startswith("# Prices")


def test_presentation_without_slides():
    with pytest.raises(ReadError) as caught:
        read(saved(pptx.Presentation()), "a.pptx")
    assert caught.value.code == "no-pages"


def test_workbook():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Orders"
    sheet.append(["Item", "When", "Price", "Sent"])
    sheet.append(["Bag | box", date(2026, 3, 1), 19.99, True])
    sheet.append(["Cup", datetime(2026, 3, 2, 14, 30), 1000000, False])
    sheet["A6"] = "Second table"
    sheet["B6"] = "Count"
    sheet["A7"] = "x"
    sheet["B7"] = 3
    hidden = book.create_sheet("Internal")
    hidden["A1"] = "secret"
    hidden.sheet_state = "hidden"
    book.create_sheet("Notes")["A1"] = "All prices in euros."
    text = read(saved(book), "orders.xlsx").markdown
    assert text == (
        "## Orders\n\n| Item | When | Price | Sent |\n| --- | --- | --- | --- |\n| Bag \\| box | 2026-03-01 | 19.99 | TRUE |\n"
        "| Cup | 2026-03-02 14:30 | 1000000 | FALSE |\n\n| Second table | Count |\n| --- | --- |\n| x | 3 |\n\n"
        "## Notes\n\nAll prices in euros."
    )


@pytest.mark.parametrize(("mark", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.tsv"), ("|", "a.csv")])
def test_separated_values(mark, name):
    source = f'name{mark}note\nBag{mark}"two\nlines"\nCup{mark}\n'
    assert read(source.encode(), name).markdown == "| name | note |\n| --- | --- |\n| Bag | two lines |\n| Cup |  |"


def test_opendocument():
    content = (
        '<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="b"><office:body><office:text>'
        '<text:h text:outline-level="2">Care</text:h><text:p>Keep<text:s/>dry<text:tab/>always.</text:p>'
        "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>deep</text:p></text:list-item>"
        "</text:list></text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>A</text:p>"
        '</table:table-cell><table:table-cell><text:p>B</text:p></table:table-cell><table:table-cell table:number-columns-repeated="9999"/>'
        "</table:table-row></table:table></office:text></office:body></office:document-content>"
    )
    files = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}
    assert (
        read(packed(files), "a.odt").markdown
        == "## Care\n\nKeep dry always.\n\n- one\n   - deep\n\n| A | B |\n| --- | --- |"
    )


def test_wrong_extension():
    book = openpyxl.Workbook()
    book.active["A1"] = "hello"
    assert read(saved(book), "a.docx").metadata["format"] == "xlsx"


def test_plain_archive_is_no_document():
    assert "Unpack it" in str(refused(packed({"a.txt": "x", "b.txt": "y"})))


def test_zip_bomb_is_not_opened():
    data = packed(
        {"word/document.xml": b" " * (MAX_UNPACKED_BYTES // 4), "word/x.xml": b" " * (MAX_UNPACKED_BYTES // 4)}
    )
    assert refused(data).code == "bomb"


def test_too_many_entries():
    assert refused(packed({f"word/{number}": "" for number in range(MAX_ENTRIES + 1)})).code == "bomb"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entity_bomb(encoding):
    xml = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><d>&b;</d>'
    assert refused(packed({"word/document.xml": xml.encode(encoding)})).code == "bomb"


def test_encrypted_zip_member():
    data = bytearray(packed({"word/document.xml": "<w/>"}))
    data[6] |= 1  # the flag in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    assert refused(bytes(data)).code == "password"


def test_damaged_documents_are_answered():
    document = docx.Document()
    document.add_paragraph("text")
    whole = saved(document)
    assert refused(whole[: len(whole) // 2]).code == "broken"
    assert refused(packed({"word/document.xml": "not xml at all"})).code in {"broken", "no-text"}
    assert refused(packed({"word/styles.xml": "<a/>"})).code == "broken"

import pytest

from knowledge.readers.base import ReadError, read
from knowledge.readers.pdf import MAX_PAGES

pytestmark = pytest.mark.unit

# (x, y, size, font, text): font 1 is Helvetica, 2 its bold, 3 Courier
Piece = tuple[float, float, float, int, str]
FONTS = ("Helvetica", "Helvetica-Bold", "Courier")


def pdf(pages: list[list[Piece]], *, trailer: str = "", info: str = "") -> bytes:
    """A PDF made by hand: each page a list of texts at their places, in points from the lower left."""
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    fonts = " ".join(f"/F{number} {number + 2} 0 R" for number in range(1, 4))
    objects = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}/MediaBox[0 0 595 842]/Resources<</Font<<{fonts}>>>>>>",
        **{
            number + 3: f"<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>"
            for number, name in enumerate(FONTS)
        },
        6: f"<<{info}>>",
    }
    for number, pieces in enumerate(pages):
        content = " ".join(
            f"BT /F{font} {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET" for x, y, size, font, text in pieces
        )
        objects[10 + 2 * number] = f"<</Type/Page/Parent 2 0 R/Contents {11 + 2 * number} 0 R>>"
        objects[11 + 2 * number] = f"<</Length {len(content)}>>\nstream\n{content}\nendstream"
    body = "%PDF-1.4\n" + "\n".join(f"{key} 0 obj\n{value}\nendobj" for key, value in objects.items())
    return f"{body}\ntrailer\n<</Root 1 0 R/Info 6 0 R {trailer}>>\n%%EOF".encode("latin-1")


def paragraph(y: float, *lines: str, x: float = 72, size: float = 11) -> list[Piece]:
    return [(x, y - 14 * number, size, 1, line) for number, line in enumerate(lines)]


LONG = "This sentence is long enough to reach the right margin of the page, as text does"


def markdown(*pages: list[Piece]) -> str:
    return read(pdf(list(pages)), "a.pdf").markdown


def test_headings_paragraphs_and_title():
    document = read(
        pdf(
            [
                [
                    (72, 780, 20, 2, "User manual"),
                    (72, 740, 14, 2, "Charging"),
                    *paragraph(715, LONG, "and goes on."),
                    *paragraph(670, "Second paragraph."),
                    (72, 640, 11, 2, "Bold heading"),
                    *paragraph(620, "More text."),
                ]
            ]
        ),
        "a.pdf",
    )
    assert document.title == "User manual"
    assert document.markdown == (
        f"# User manual\n\n## Charging\n\n{LONG} and goes on.\n\nSecond paragraph.\n\n### Bold heading\n\nMore text."
    )


def test_divided_words_become_whole():
    assert "the informa" not in markdown(paragraph(700, LONG + " informa-", "tion is here."))
    assert "information is here." in markdown(paragraph(700, LONG + " informa-", "tion is here."))


def test_lists_stay_lists():
    text = markdown(
        paragraph(
            700,
            "You need:",
            "\\225 a box that is big enough for the device",
            "\\225 tape",
            "1. Pack it.",
            "2. Send it.",
        )
    )
    assert "- a box that is big enough for the device\n\n- tape\n\n1. Pack it.\n\n2. Send it." in text


def test_table():
    rows = [
        ("Model", "Weight", "Price"),
        ("X1 Laptop", "1.4 kg", "$1,299"),
        ("G1", "2.3 kg", "$1,399"),
        ("S12", "", "$699"),
    ]
    pieces = [
        (x, 700 - 18 * number, 10, 1, cell)
        for number, row in enumerate(rows)
        for x, cell in zip((72, 220, 360), row, strict=True)
        if cell
    ]
    text = markdown([*paragraph(740, "Our models are these:"), *pieces, *paragraph(600, "Prices include tax.")])
    assert text == (
        "Our models are these:\n\n| Model | Weight | Price |\n| --- | --- | --- |\n| X1 Laptop | 1.4 kg | $1,299 |\n"
        "| G1 | 2.3 kg | $1,399 |\n| S12 |  | $699 |\n\nPrices include tax."
    )


def test_text_in_two_columns_is_read_column_by_column():
    left = [f"left column line number {number} of the article" for number in range(8)]
    right = [f"right column line number {number} of the article" for number in range(8)]
    pieces = [
        piece
        for pair in zip(paragraph(700, *left, size=9), paragraph(700, *right, x=320, size=9), strict=True)
        for piece in pair
    ]
    text = markdown(pieces)
    assert "|" not in text
    assert text.index("left column line number 7") < text.index("right column line number 0")


def test_content_out_of_order_is_read_from_top_to_bottom():
    text = markdown(
        [*paragraph(300, "Last of all."), *paragraph(500, "In the middle."), *paragraph(700, "First of all.")]
    )
    assert text == "First of all.\n\nIn the middle.\n\nLast of all."


def test_code_keeps_its_lines_and_indents():
    code = [(72, 650, 10, 3, "def f\\(\\):"), (96, 637, 10, 3, "return 1")]
    assert markdown([*paragraph(700, LONG, LONG), *code]).endswith("```\ndef f():\n    return 1\n```")


def test_running_titles_and_page_numbers_are_left_out():
    pages = [
        [
            (72, 810, 9, 1, "TechPro manual"),
            *paragraph(700, f"Body of chapter {'ABCD'[number]}."),
            (290, 30, 9, 1, f"{number + 1}"),
        ]
        for number in range(4)
    ]
    document = read(pdf(pages), "a.pdf")
    assert document.markdown == "\n\n".join(f"Body of chapter {letter}." for letter in "ABCD")
    assert [document.markdown[offset:][:17] for offset in document.pages] == [
        f"Body of chapter {letter}" for letter in "ABCD"
    ]


def test_declared_title_wins():
    assert read(pdf([paragraph(700, "text")], info="/Title(Price list)"), "a.pdf").title == "Price list"


def refused(data: bytes) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data, "a.pdf")
    return caught.value


def test_scanned_pdf_says_what_to_do():
    error = refused(pdf([[]]))
    assert error.code == "no-text"
    assert "OCR" in str(error)


def test_locked_pdf():
    locked = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'11' * 32}>/U<{'22' * 32}>>>/ID[<00><00>]"
    assert refused(pdf([paragraph(700, "secret")], trailer=locked)).code == "password"


def test_too_many_pages_are_refused_with_their_number():
    error = refused(pdf([[]] * (MAX_PAGES + 1)))
    assert error.code == "too-many-pages"
    assert "5,001 pages" in str(error)


def test_zero_pages():
    assert refused(pdf([])).code in {"no-pages", "broken"}

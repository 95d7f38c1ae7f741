import pytest

from chat.passages import _lead, _open_fence, highlighted
from knowledge.models import Chunk, DocumentVersion

pytestmark = pytest.mark.unit


def marked(markdown: str, wanted: str) -> str:
    start = markdown.index(wanted)
    return highlighted(markdown, start, start + len(wanted))


def test_a_sentence_is_marked_inside_its_paragraph():
    assert marked("One. Two. Three.", "Two.") == '<p>One. <mark id="passage">Two.</mark> Three.</p>\n'


def test_a_passage_over_two_paragraphs_is_marked_in_each():
    html = marked("One.\n\nTwo.\n\nThree.", "One.\n\nTwo.")
    assert html == '<p><mark id="passage">One.</mark></p>\n<p><mark>Two.</mark></p>\n<p>Three.</p>\n'


@pytest.mark.parametrize(
    ("markdown", "tag"),
    [("# Head\n\nText.", "<h3>"), ("- one\n- two", "<li>"), ("3. one\n4. two", "<li>"), ("> said", "<p>")],
)
def test_a_mark_at_the_beginning_of_a_block_leaves_it_a_block(markdown, tag):
    html = highlighted(markdown, 0, len(markdown))
    assert f'{tag}<mark id="passage">' in html
    assert "#" not in html


def test_cells_of_a_table_are_marked_one_by_one():
    table = "| a | b |\n| --- | --- |\n| one | two |"
    html = marked(table, "| one | two |")
    assert "<td><mark" in html
    assert "two</mark></td>" in html
    assert "<table" in html


def test_emphasis_and_code_inside_a_passage_are_kept():
    html = marked("Press **both** keys `A` and B now.", "Press **both** keys `A` and B")
    assert '<mark id="passage">Press </mark><strong><mark>both</mark></strong>' in html
    assert "<code><mark>A</mark></code>" in html
    assert html.endswith("now.</p>\n")


@pytest.mark.parametrize(("start", "end"), [(0, 0), (5, 2), (-4, 99), (99, 120), (3, 4)])
def test_bounds_outside_of_the_text_mark_what_there_is(start, end):
    assert "Some text" in highlighted("Some text", start, end).replace('<mark id="passage">', "").replace("</mark>", "")


def test_html_and_marks_in_the_text_itself_do_nothing():
    html = highlighted("A <script>alert(1)</script> \ufdd0B\ufdd1 [1] ![x](https://e.example/x.png)", 2, 6)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("<mark") == 1
    assert "\ufdd0" not in html
    assert "[1]" in html


def test_a_picture_is_shown_by_its_words():
    html = marked("See.\n\n![A <red> lamp](word/media/1.png)\nFigure 1", "![A <red> lamp](word/media/1.png)")
    assert "<em>" in html
    assert "Picture: A &lt;red&gt; lamp" in html
    assert "<img" not in html
    assert "word/media" not in html


def chunk(kind: str, found_by: str = "") -> Chunk:
    return Chunk(kind=kind, found_by=found_by, version=DocumentVersion())


def test_the_rest_of_a_long_table_is_shown_below_its_header():
    rows = "| Pro | 20 € |\n| Max | 30 € |"
    lead = _lead(chunk("table", "Our plans:\nPlan | Price"), 500, rows)
    assert lead == "| Plan | Price |\n| --- | --- |\n"
    assert "<th" in highlighted(lead + rows, len(lead), len(lead) + 14)


@pytest.mark.parametrize(
    ("found_by", "text"),
    [
        ("Plan | Price", "| Plan | Price |\n| --- | --- |\n| Pro | 20 € |"),  # begins with its header
        ("Pro | Price | Seats", "| 20 € | 5 |"),  # a part of a row
        ("", "| Pro | 20 € |"),
        ("Plan | Price", "Text before."),
    ],
)
def test_other_excerpts_of_tables_stay_as_they_are(found_by, text):
    assert _lead(chunk("table", found_by), 500, text) == ""


@pytest.mark.parametrize(
    ("before", "fence"),
    [
        ("Run:\n\n```sh\nmake\n", "```\n"),
        ("Run:\n\n```sh\nmake\n```\n\nThen:\n", ""),
        ("~~~~\na\n```\n", "~~~~\n"),
        ("", ""),
    ],
)
def test_code_that_began_before_an_excerpt_is_shown_as_code(before, fence):
    assert _open_fence(before) == fence

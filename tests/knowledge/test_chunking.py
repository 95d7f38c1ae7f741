import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import MAX_PARENT_CHARS, chunk_document, split_sentences
from knowledge.readers.base import ReadDocument

pytestmark = pytest.mark.unit

HEADING = re.compile(r"#{1,6}[ \t]+\S")


def pieces(text: str) -> int:
    return len(re.findall(r"\w{1,5}|[^\w\s]", text))


def chunks(markdown: str, limit: int = 30, pages: tuple[int, ...] = ()):
    return chunk_document(ReadDocument("t", markdown, pages), pieces, max_pieces=limit)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def test_one_short_paragraph_is_one_chunk():
    (chunk,) = chunks("You can return it within 30 days. It is free.")
    assert chunk.text == "You can return it within 30 days. It is free."
    assert (chunk.ordinal, chunk.start, chunk.end, chunk.heading_path, chunk.page) == (0, 0, 45, (), None)
    assert chunk.sentences == ((0, 33), (34, 45))


def test_blank_document_has_no_chunks():
    assert chunks("") == []
    assert chunks(" \n\n ") == []


def test_chunks_never_cross_a_heading_and_know_those_above():
    found = chunks("intro\n\n# A\n\none\n\n## B\n\ntwo\n\n### C\n\nthree\n\n## D\n\nfour\n\n# E\n\nfive")
    assert [(chunk.heading_path, chunk.text) for chunk in found] == [
        ((), "intro"),
        (("A",), "one"),
        (("A", "B"), "two"),
        (("A", "B", "C"), "three"),
        (("A", "D"), "four"),
        (("E",), "five"),
    ]
    assert [chunk.ordinal for chunk in found] == list(range(6))


def test_heading_with_nothing_under_it_is_a_chunk_of_its_own():
    assert [(chunk.heading_path, chunk.text) for chunk in chunks("# A\n\n## B\n\ntext\n\n## C")] == [
        (("A", "B"), "text"),
        (("A", "C"), "C"),
    ]


def test_hash_signs_in_code_are_no_headings():
    (chunk,) = chunks("text\n\n```sh\n# comment\nrun\n```\n\nend")
    assert chunk.heading_path == ()


def test_code_and_tables_stay_whole_where_they_fit():
    code = "```\n" + "\n\n".join(f"line {number}" for number in range(6)) + "\n```"
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |"
    found = [chunk.text for chunk in chunks(f"{'word ' * 25}\n\n{code}\n\n{'word ' * 25}\n\n{table}", limit=40)]
    assert code in found
    assert any(text.endswith(table) for text in found)


def test_large_table_is_cut_between_rows():
    table = "\n".join(["| name | value |", "| --- | --- |", *(f"| row {number} | {number} |" for number in range(40))])
    found = chunks(table, limit=40)
    assert len(found) > 1
    assert all(line.startswith("|") and line.endswith("|") for chunk in found for line in chunk.text.split("\n"))


def test_long_paragraph_is_cut_between_sentences():
    text = " ".join(f"This is sentence number {number}." for number in range(30))
    found = chunks(text, limit=30)
    assert len(found) > 3
    assert all(chunk.text.startswith("This") and chunk.text.endswith(".") for chunk in found)


def test_endless_sentence_and_endless_word_are_cut():
    assert max(pieces(chunk.text) for chunk in chunks("word " * 500)) <= 30
    assert max(pieces(chunk.text) for chunk in chunks("x" * 5000)) <= 30


def test_list_items_are_whole_with_their_further_lines():
    items = [f"- item {number} has some words\n  and a second line of them" for number in range(10)]
    for chunk in chunks("\n".join(items), limit=30):
        assert chunk.text.startswith("- item")
        assert chunk.text.endswith("of them")


def test_page_is_where_the_chunk_begins():
    markdown = "# A\n\n" + "one " * 20 + "\n\n" + "two " * 20
    second = markdown.index("two")
    assert [chunk.page for chunk in chunks(markdown, limit=20, pages=(0, second))] == [1, 2]


def test_parent_is_the_section():
    markdown = "# A\n\none\n\n# B\n\n" + "two words. " * 30 + "\n\n# C\n\nthree"
    for chunk in chunks(markdown):
        parent = markdown[chunk.parent_start : chunk.parent_end]
        assert parent.startswith(f"# {chunk.heading_path[0]}")
        assert parent.count("# ") == 1
        assert chunk.text in parent


def test_parent_of_a_long_section_is_bounded():
    markdown = "# A\n\n" + "Some words of it. " * 2000
    found = chunks(markdown)
    assert all(chunk.parent_end - chunk.parent_start <= MAX_PARENT_CHARS for chunk in found)
    assert all(chunk.parent_start <= chunk.start and chunk.end <= chunk.parent_end for chunk in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith paid 3.50 dollars. Then he left.", ["Dr. Smith paid 3.50 dollars.", "Then he left."]),
        ("Use e.g. a cup. See J. R. Tolkien.", ["Use e.g. a cup.", "See J. R. Tolkien."]),
        ('He said "Stop." She did.', ['He said "Stop."', "She did."]),
        ("Wait... what? Version 2.0 is out. Yes", ["Wait... what?", "Version 2.0 is out.", "Yes"]),
        ("Das gilt z.B. für Kabel. Am 3. Mai endet es.", ["Das gilt z.B. für Kabel.", "Am 3. Mai endet es."]),
        ("¿Cuánto cuesta? La Sra. Díaz lo sabe.", ["¿Cuánto cuesta?", "La Sra. Díaz lo sabe."]),
        ("今天下雨。你好吗？很好！", ["今天下雨。", "你好吗？", "很好！"]),
        ("هل يمكنني الإرجاع؟ نعم. شكرا", ["هل يمكنني الإرجاع؟", "نعم.", "شكرا"]),
        ("यह अच्छा है। वह भी।", ["यह अच्छा है।", "वह भी।"]),
        ("Это стоит 5 руб. за штуку. Да.", ["Это стоит 5 руб. за штуку.", "Да."]),
        ("- one\n- two\n  more", ["- one", "- two\n  more"]),
        ("1. Pack it\n2. Send it", ["1. Pack it", "2. Send it"]),
        ("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("wrapped line\ngoes on. End", ["wrapped line\ngoes on.", "End"]),
        ("para one\n\npara two", ["para one", "para two"]),
        ("Is it free? No. It costs 5.", ["Is it free?", "No.", "It costs 5."]),
        ("See No. 5 and Fig. 3. Done", ["See No. 5 and Fig. 3.", "Done"]),
        ("Run:\n```\na. B\nc. D\n```\nDone.", ["Run:", "```\na. B\nc. D\n```", "Done."]),
        ("It weighs 5 kg. The X1 is 12. Next", ["It weighs 5 kg.", "The X1 is 12.", "Next"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_in_many_languages(text, expected):
    assert sentences(text) == expected


MARKDOWN = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "# A",
                "## B",
                "",
                "```",
                "~~~",
                "- item",
                "  more",
                "| a | b |",
                "1. x",
                "> q",
                "word. Word! 你好。",
                "    code",
            ]
        ),
        st.text(alphabet="ab .!?|#-`\t\u0301字。\u2028\x0c", max_size=60),
    ),
    max_size=40,
).map("\n".join)


def visible(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=200, deadline=None)
@given(MARKDOWN, st.integers(min_value=3, max_value=40))
def test_everything_but_headings_is_in_exactly_one_chunk(markdown, limit):
    found = chunks(markdown, limit)
    position = 0
    left: list[str] = []
    for chunk in found:
        assert markdown[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != ""
        assert chunk.start >= position
        left.append(markdown[position : chunk.start])
        position = chunk.end
        assert chunk.parent_start <= chunk.start
        assert chunk.end <= chunk.parent_end
        assert visible("".join(chunk.text[start:end] for start, end in chunk.sentences)) == visible(chunk.text)
    left.append(markdown[position:])
    rest = [line for between in left for line in between.split("\n") if line.strip()]
    assert all(HEADING.match(line) or set(line.strip()) <= {"#"} for line in rest)


@settings(max_examples=200, deadline=None)
@given(MARKDOWN)
def test_chunks_keep_to_the_limit(markdown):
    assert all(pieces(chunk.text) <= 48 for chunk in chunks(markdown, 48))


def test_a_large_document_takes_linear_time():
    text = "Some words in a sentence of usual length.\n" * 20_000 + "| row | cell |\n" * 20_000 + "x" * 500_000
    assert len(chunks(text, 220)) > 100

import pytest

from knowledge.readers.base import MAX_MARKDOWN_CHARS, ReadError, build, choose_title, clean, read

pytestmark = pytest.mark.unit


def refused(data: bytes, filename: str) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data, filename)
    return caught.value


def test_clean_makes_text_that_postgresql_accepts():
    text = clean("a\x00b \ud800c\r\nd\u00a0e\n\n\n\nf   \n")
    assert text == "ab c\nd e\n\nf"
    text.encode("utf-8")


def test_clean_composes_letters():
    assert clean("Cafe\u0301") == "Caf\u00e9"


def test_clean_takes_linear_time_on_a_long_run_of_spaces():
    assert clean("a" + " " * 3_000_000 + "b").endswith("b")


def test_pages_begin_where_they_say():
    document = build(filename="a.pdf", markdown=["one", "", "three"])
    assert document.markdown == "one\n\nthree"
    assert document.pages == (0, 3, 5)
    assert document.markdown[document.pages[2] :] == "three"


@pytest.mark.parametrize(
    ("candidates", "title"),
    [
        (["Microsoft Word - draft.doc", "Returns policy"], "Returns policy"),
        (["untitled", ""], "my file"),
        (["(anonymous)", "report.docx"], "my file"),
        (["  Two\n lines "], "Two lines"),
    ],
)
def test_title_is_the_first_that_says_something(candidates, title):
    assert choose_title(candidates, "my_file.pdf") == title


@pytest.mark.parametrize("data", [b"", b"   \n\t", b"\x00" * 100])
def test_empty_file(data):
    error = refused(data, "a.txt")
    assert error.code == "empty"
    assert "empty" in str(error)


def test_text_of_signs_only_has_no_text():
    assert refused(b"--- *** ---", "a.txt").code == "no-text"


def test_too_much_text_is_refused():
    assert refused(b"word " * (MAX_MARKDOWN_CHARS // 5 + 1), "a.txt").code == "too-large"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "unsupported"),
        (b"\x7fELF" + bytes(range(256)) * 4, "unsupported"),
        (bytes(range(256)) * 40, "binary"),
        (b"PK\x03\x04 this is no zip", "broken"),
        (b"%PDF-1.7\nnothing more", "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "unsupported"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "unsupported"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__properties_version1.0".encode("utf-16-le"), "broken"),
    ],
)
def test_what_cannot_be_read_says_so(data, code):
    error = refused(data, "a.docx")
    assert error.code == code
    assert str(error).endswith(".")


def test_old_word_document_says_what_to_do():
    error = refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "a.doc")
    assert "Save it as DOCX" in str(error)


@pytest.mark.parametrize(
    ("data", "filename", "kind"),
    [
        (b"<!DOCTYPE html><title>T</title><p>text", "a.pdf", "html"),
        (b"just plain words", "a.docx", "text"),
        (b"From: a@b.c\nTo: d@e.f\nSubject: S\n\nbody", "a.txt", "eml"),
        (b"{\\rtf1 hello}", "a.doc", "rtf"),
        (b"# Title\n\ntext", "a.md", "markdown"),
        (b"a,b\n1,2\n", "a.csv", "csv"),
    ],
)
def test_content_decides_before_the_name(data, filename, kind):
    assert read(data, filename).metadata["format"] == kind


def test_every_beginning_of_a_file_is_answered():
    sources = [
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>",
        b"{\\rtf1{\\fonttbl{\\f0 A;}}\\par x",
        b"<html><body><table><tr><td>x",
    ]
    for source in sources:
        for end in range(1, len(source)):
            try:
                read(source[:end], "a.bin")
            except ReadError as error:
                assert str(error)  # noqa: PT017 - both outcomes are fine; only the kind of exception is checked

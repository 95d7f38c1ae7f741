# ruff: noqa: E501 - whole documents stand in one line; signs of many languages are meant

import io
import zipfile

import pytest

from knowledge.readers.base import ReadError, read
from knowledge.readers.web import fragment_markdown

pytestmark = pytest.mark.unit

PAGE = """<!DOCTYPE html><html lang="de"><head><title>Returns | TechPro</title><meta property="og:site_name" content="TechPro">
<meta name="description" content="How to return"><link rel="canonical" href="https://techpro.example/returns"></head><body>
<header><a href="/">Home</a></header><nav><ul><li>Menu entry</li></ul></nav><div class="cookie-banner">We use cookies</div>
<main><h1>Returns</h1><p>You have <b>30 days</b> to <a href="/x">send it back</a>.</p><script>alert("no")</script>
<h2>Steps</h2><ol><li>Pack it<ul><li>in a box</li></ul></li><li>Send it</li></ol>
<pre><code class="language-sh">track --all
  now</code></pre>
<table><tr><th>Country</th><th>Days</th></tr><tr><td rowspan="2">EU | EEA</td><td>30</td></tr><tr><td>45</td></tr></table>
<blockquote><p>Quoted</p></blockquote><dl><dt>Fee</dt><dd>None</dd></dl>
<p>Line one<br>line two</p></main><footer>Imprint</footer></body></html>"""


def test_page():
    document = read(PAGE.encode(), "returns.html")
    assert document.title == "Returns"
    assert document.language == "de"
    assert document.metadata["source_url"] == "https://techpro.example/returns"
    assert document.markdown == (
        "# Returns\n\nYou have 30 days to send it back.\n\n## Steps\n\n1. Pack it\n   - in a box\n2. Send it\n\n"
        "```sh\ntrack --all\n  now\n```\n\n| Country | Days |\n| --- | --- |\n| EU \\| EEA | 30 |\n| EU \\| EEA | 45 |\n\n"
        "> Quoted\n\nFee: None\n\nLine one\nline two"
    )


def test_a_page_of_navigation_only_still_says_something():
    assert "Delivery" in read(b"<html><body><nav><a>Delivery</a> <a>Returns</a></nav></body></html>", "a.html").markdown


def test_xml_of_unknown_meaning():
    source = b'<?xml version="1.0"?><a><b>one <i>two</i> three</b><c k="no">four</c></a>'
    assert read(source, "a.xml").markdown == "one\n\ntwo\n\nthree\n\nfour"


def test_declared_character_set():
    source = '<html><head><meta charset="windows-1251"></head><body><p>Доставка бесплатна</p></body></html>'
    assert read(source.encode("cp1251"), "a.html").markdown == "Доставка бесплатна"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p># not a heading</p>", "\\# not a heading"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
        ("<p>x<sup>2</sup> &amp; y</p>", "x2 & y"),
        ("<table><tr><td><h2>Layout</h2><p>text</p></td><td>side</td></tr></table>", "## Layout\n\ntext\n\nside"),
        ("<p>unclosed <b>bold<p>next", "unclosed bold\n\nnext"),
        ("<p>use <code>pip install</code></p>", "use `pip install`"),
        ("<ul><li><p>one</p><p>more</p></li></ul>", "- one\n\n  more"),
    ],
)
def test_fragments(source, expected):
    assert fragment_markdown(source) == expected


def test_deep_nesting_is_read():
    assert "deep" in fragment_markdown("<div>" * 1500 + "deep" + "</div>" * 1500)


def book(chapters: dict[str, str], extra: dict[str, str] | None = None) -> bytes:
    manifest = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="O/b.opf"/></rootfiles></container>',
        "O/b.opf": '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Manual</dc:title>'
        f"<dc:creator>Ann</dc:creator><dc:language>en</dc:language></metadata><manifest>{manifest}</manifest>"
        f"<spine>{spine}</spine></package>",
        **{f"O/{name}": f"<html><body>{text}</body></html>" for name, text in chapters.items()},
        **(extra or {}),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


def test_epub():
    document = read(
        book({"a.xhtml": "<h1>Start</h1><p>Plug in.</p>", "b.xhtml": "<h1>End</h1><p>Unplug.</p>"}), "x.epub"
    )
    assert (document.title, document.language, document.metadata["author"]) == ("Manual", "en", "Ann")
    assert document.markdown == "# Start\n\nPlug in.\n\n# End\n\nUnplug."
    assert document.markdown[document.pages[1] :].startswith("# End")


def test_epub_with_encrypted_chapters():
    mark = '<encryption><CipherReference URI="O/a.xhtml"/></encryption>'
    with pytest.raises(ReadError, match="protected") as caught:
        read(book({"a.xhtml": "<p>x</p>"}, {"META-INF/encryption.xml": mark}), "x.epub")
    assert caught.value.code == "password"

# ruff: noqa: E501 - whole documents stand in one line; signs of many languages are meant

import pytest

from knowledge.readers.base import ReadError, read
from knowledge.readers.jsonl import Record, iter_jsonl
from knowledge.readers.text import plain_markdown

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_of_any_encoding(encoding):
    text = "Größe und Gewicht: Das Gerät wiegt fünf Kilogramm und hört auf den Namen Müller.\nÜber uns"
    assert read(text.encode(encoding), "a.txt").markdown == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Возврат товара возможен в течение тридцати дней с момента получения заказа покупателем.", "cp1251"),
        ("返品は商品到着後三十日以内に限り承ります。送料はお客様のご負担となります。", "shift_jis"),
    ],
)
def test_text_of_old_encodings(text, encoding):
    assert read(text.encode(encoding), "a.txt").markdown == text


def test_text_cut_off_inside_a_letter():
    assert read("naïve café".encode()[:-1], "a.txt").markdown == "naïve caf"


def test_front_matter_gives_title_and_description():
    document = read(
        b'---\ntitle: "How to return"\ndescription: All about returns.\n---\n\n## Steps\n\nPack it.', "a.md"
    )
    assert document.title == "How to return"
    assert document.markdown == "All about returns.\n\n## Steps\n\nPack it."
    assert document.metadata["description"] == "All about returns."


def test_first_heading_gives_the_title():
    assert read(b"# Warranty\n\nTwo years.", "x.md").title == "Warranty"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("See [the *guide*](https://x.y/a_(b)) now", "See the *guide* now"),
        ("![a photo](x.png) of **two** things", "a photo of two things"),
        ("[text][ref]\n\n[ref]: https://x.y", "text\n\n"),
        ("Title\n=====\n\nSub\n---", "# Title\n\n## Sub"),
        ("## Closed ##", "## Closed"),
        ("## Named {#anchor}", "## Named"),
        ("a &amp; b &nbsp;c", "a & b \u00a0c"),
        ("keep `**code** <b>` as is", "keep `**code** <b>` as is"),
        ("set <your-domain> here<br/>now", "set <your-domain> here now"),
        ("<!-- hidden\nnote -->shown", "shown"),
        (":::tip Title\ntext\n:::", "Title\ntext\n"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n|---|---|\n| 1 | 2 |"),
    ],
)
def test_markdown_keeps_text_and_structure(source, expected):
    assert plain_markdown(source) == expected


def test_code_is_left_alone():
    code = "```html\n<b>[x](y)</b> **z**\n# no heading\n```"
    assert plain_markdown(code) == code


def test_html_table_in_markdown_becomes_a_table():
    text = plain_markdown("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>")
    assert "| A | B |\n| --- | --- |\n| 1 | 2 |" in text


def test_mdx_loses_its_programming():
    source = """---
title: Vouchers
---
import Tabs from "@theme/Tabs";

export const Badge = (props) => (
  <span style={{ color: "red" }}>{props.text}</span>
);

<Note>
  Keep the receipt.
</Note>

<Badge text="Since 3.21" class="x" />

<Card title="Shipping" href="/a>b">
  Within *two* days{" "} or so. {/* secret */}
</Card>

```jsx
<Badge text="example" />
```
"""
    text = read(source.encode(), "a.mdx").markdown
    assert "Keep the receipt." in text
    assert "Since 3.21" in text
    assert "Shipping\n\nWithin *two* days" in text
    assert '<Badge text="example" />' in text
    for gone in ("import", "export", "props", "secret", "<Note", "<Card", "href"):
        assert gone not in text


def test_mdx_with_an_unclosed_brace_keeps_what_follows_the_statement():
    assert "end" in read(b"text\n\nexport const a = 1;\n\nend", "a.mdx").markdown


def test_jsonl_yields_records_and_names_bad_lines():
    data = b'{"id": 1, "title": "A", "text": "one", "metadata": {"k": 2}}\n\nnot json\n[1]\n{"id": "x"}\n{"text": "four"}\n'
    first, *errors, last = iter_jsonl(data)
    assert first == Record(line=1, id="1", title="A", text="one", metadata={"k": "2"})
    assert last == Record(line=6, id="line-6", title="", text="four", metadata={})
    assert [str(error).split(" is ")[0].split(" has ")[0] for error in errors] == ["Line 3", "Line 4", "Line 5"]
    assert all(isinstance(error, ReadError) for error in errors)


def test_jsonl_nested_to_death_is_a_bad_line():
    (error,) = iter_jsonl(b"[" * 100_000)
    assert isinstance(error, ReadError)


def test_jsonl_as_one_document():
    document = read(
        b'{"id": "a", "title": "Returns", "text": "Thirty days."}\n{"id": "b", "text": "More."}', "faq.jsonl"
    )
    assert document.markdown == "## Returns\n\nThirty days.\n\n## b\n\nMore."
    assert document.title == "faq"

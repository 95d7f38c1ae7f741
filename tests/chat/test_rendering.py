import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.rendering import render_partial, render_reply

pytestmark = pytest.mark.unit

SOURCES = [
    {"n": 1, "title": 'X1 "manual" <b>', "url": "https://shop.example/x1"},
    {"n": 2, "title": "Returns", "url": ""},
]


def html(text, citations=SOURCES):
    return render_reply(text, slug="acme", message="m1", citations=citations)


def test_a_marker_of_a_source_becomes_a_link_to_it():
    assert html("12 hours [1].") == (
        '<p>12 hours<a class="cite" href="/acme/messages/m1/sources/1/" data-n="1" '
        'aria-label="Source 1: X1 &quot;manual&quot; &lt;b&gt;">1</a>.</p>\n'
    )


@pytest.mark.parametrize("marker", ["[3]", "[0]", "[999]"])
def test_a_marker_without_a_source_is_dropped(marker):
    assert html(f"12 hours {marker}.") == "<p>12 hours.</p>\n"


def test_brackets_in_code_stay():
    assert "<code>a[1]</code>" in html("Use `a[1]` here")
    assert "x = a[1]" in html("```python\nx = a[1]\n```")


def test_a_table_gets_the_shape_of_the_stylesheet():
    table = html("| a | b |\n|---|--:|\n| 1 [1] | 2 |")
    assert table.startswith(
        '<div class="table-wrap" tabindex="0" role="region" aria-label="Table"><table class="table">'
    )
    assert '<th scope="col">a</th>' in table
    assert 'class="cite"' in table


def test_headings_start_below_those_of_the_page():
    assert html("# One") == "<h3>One</h3>\n"
    assert html("###### Six") == "<h6>Six</h6>\n"


def test_only_links_of_the_sources_are_links():
    assert html("[here](https://shop.example/x1)") == (
        '<p><a href="https://shop.example/x1" rel="noopener nofollow">here</a></p>\n'
    )


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![alt](https://evil.example/pixel.png)",
        "[a](https://evil.example)",
        "[a](javascript:alert(1))",
        "[a](data:text/html,x)",
        "[a](/acme/messages/m1/sources/1/)",
        "[1]: https://evil.example\n\n[1] [a][1]",
        "<https://evil.example>",
        "https://evil.example",
        "[a](https://shop.example/x1@evil.example)",
        '| <svg onload="x"> |\n|--|\n| y |',
        '```"><script>\nx\n```',
    ],
)
def test_nothing_foreign_runs_loads_or_leads_away(attack):
    for rendered in (html(attack), render_partial(attack)):
        assert "<script" not in rendered
        assert "<img" not in rendered
        assert "<svg" not in rendered
        assert 'href="https://evil' not in rendered
        assert "javascript:" not in rendered or "<a " not in rendered


def test_a_source_with_a_dangerous_address_gives_no_link():
    assert "<a" not in html("[x](javascript:alert(1))", [{"n": 1, "title": "t", "url": "javascript:alert(1)"}])


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("It is **very", "<p>It is <strong>very</strong></p>\n"),
        ("It is **", "<p>It is</p>\n"),
        ("Use `pip", "<p>Use <code>pip</code></p>\n"),
        ("See\n```py\nx = 1", '<p>See</p>\n<pre><code class="language-py">x = 1\n</code></pre>\n'),
        ("Two lines\n-", "<p>Two lines</p>\n"),
        ("As said [1", "<p>As said</p>\n"),
        ("As said [1] and", "<p>As said and</p>\n"),
        ("", ""),
    ],
)
def test_an_unfinished_reply_is_shown_as_if_it_ended_here(text, rendered):
    assert render_partial(text) == rendered


@given(st.text(alphabet="*_`[]()|-#<>!12 \nab&\"'~=:/"))
def test_no_text_breaks_the_renderer(text):
    for rendered in (html(text), render_partial(text)):
        assert "<script" not in rendered
        assert rendered.count("<a ") == rendered.count("</a>")

import itertools
import random

import pytest

from agents.guardrails.output import MAX_HELD, OutputFilter

OWN = "https://help.example/x1"


def pieces(text, cuts, passages=5):
    checked = OutputFilter(passages=passages, urls={OWN}, link_removed="(link removed)")
    bounds = [0, *cuts, len(text)]
    shown = "".join(checked.feed(text[a:b]) for a, b in itertools.pairwise(bounds))
    return shown + checked.finish(), checked


CASES = {
    "numbers in order of first use": ("A [3] b [1], c [3].", "A [1] b [2], c [1]."),
    "invented numbers go with the space before them": ("True [9]. Also true [1][77].", "True. Also true [1]."),
    "several in one bracket": ("Both [2, 3] and [3; 2; 9].", "Both [1][2] and [2][1]."),
    "other ways to write them": ("a [Source 2] b [^3]", "a [1] b [2]"),
    "an exclamation mark before one": ("Great![1]", "Great![1]"),
    "a number made a link": ("x [1](https://evil.example)", "x [1]"),
    "brackets that are no citation": ("- [ ] one\n- [x] two [todo]", "- [ ] one\n- [x] two [todo]"),
    "a foreign link keeps its words": ("See [the page](https://evil.example/a_(b)).", "See the page."),
    "an own link stays": (f"See [the manual]({OWN}/).", f"See [the manual]({OWN}/)."),
    "an own bare address stays": (f"See {OWN}, please.", f"See {OWN}, please."),
    "a foreign bare address goes": (
        "See https://evil.example/?q=1, or www.evil.example.",
        "See (link removed), or (link removed).",
    ),
    "an address as link text": ("[https://evil.example](https://evil.example)", "(link removed)"),
    "other schemes": ("[x](javascript:alert(1)) [y](data:text/html,1)", "x y"),
    "an image": ("a ![alt](https://evil.example/i.png) b", "a b"),
    "an image in a link": ("[![a](http://e.example/i)](http://e.example) end", "[] end"),
    "tags": ("<script>x</script><b>bold</b><img src=x onerror=y>.", "xbold."),
    "line breaks in cells": ("a<br>b", "a b"),
    "less than": ("a < b and x<3", "a < b and x<3"),
    "a tag that never ends": ("a <img src=x", "a < img src=x"),
    "two tags, one broken": ("x<y then <b>z</b>", "x< y then z"),
    "autolinks": ("<https://evil.example> <me@shop.example>", "(link removed) me@shop.example"),
    "inline code is left alone": ("use `a[7]` or ``b ` <i>`` here", "use `a[7]` or ``b ` <i>`` here"),
    "a lone backtick is no code": ("a ` b [9]\n\nc [9] ` d", "a ` b\n\nc ` d"),
    "a code block is left alone": ("```py\na[9] = '<b>'\n```\nend [9]", "```py\na[9] = '<b>'\n```\nend"),
    "a fence with a backtick behind it is none": ("```a`\n[9] x", "a`\n x"),
    "an indented fence comes to the margin, and ends": ("- a\n\n  ```\nb [9]", "- a\n\n```\nb [9]\n```"),
    "an indented end of a fence": ("```\na\n  ````\nb [9]", "```\na\n```\nb"),
    "a fence behind a mark is none": ("> ```\n![x](//evil.example)\n``` end", "> \n\n end"),
    "tildes make no fence": ("~~~\n```\n~~~\n[9]", "```\n~~~\n[9]\n```"),
    "backticks on two lines are no code": ("a `b\n- ![x](//evil.example) ` c", "a b\n- ` c"),
    "a cell ends code": ("| `a | ![x](//evil.example) ` |", "| a | ` |"),
    "a bar in code": ("use `a|b` here", "use `a|b` here"),
    "an escaped backtick opens nothing": ("\\`![x](//evil.example)\\`", "\\`\\`"),
    "a definition of a link": ("[x]\n\n[x]: //evil.example", "[x]\n\n[x] : (link removed)"),
    "a definition under a number": ("a [1]\n\n[1]: //evil.example", "a [1]\n\n[1] : (link removed)"),
    "an address on two lines": ("[x](//evil.example\n'a')", "[x] ((link removed)\n'a')"),
    "many brackets in an address": ("[x](//evil.example/((a)))", "[x] ((link removed))))"),
    "a link put together": ("[x][unknown](//evil.example)", "[x]"),
    "a link put together by an image": ("[1]![x](y)(//evil.example)", "[1] ((link removed))"),
    "a tag put together": ("<[unknown]img src=//evil.example>", "< img src=(link removed)>"),
    "a tag in a tag": ("<<b>img src=//evil.example>", "< img src=(link removed)>"),
    "a tag out of a label": ("[<img src=//evil.example ](x) >", "< img src=(link removed)  >"),
    "code out of a label": ("[`](x) b ` ![y](//evil.example) `", "b ` ![y](//evil.example) `"),
    "an address put together": ("ww<b>w.evil.example w<i>ww.evil.example", "ww w.evil.example w ww.evil.example"),
    "a longer address": (f"{OWN}<b>.evil.example", f"{OWN} .evil.example"),
    "an autolink with a sign": ("<https://evil.example/?a@b>", "(link removed)"),
    "entities": (
        "https&#58;//evil.example www&#x2e;evil.example &lt;b> &amp;",
        "https(link removed) www .evil.example &lt;b> &amp;",
    ),
    "an address without a scheme": ("at //evil.example/a, a//b, // why", "at (link removed), a//b, // why"),
    "carriage returns": ("```\r![x](//evil.example)\r\n[9] a", "```![x](//evil.example)\n[9] a\n```"),
    "white space around the answer": ("\n\n Hello [1] \n", "Hello [1]"),
    "a table": ("| a | b |\n|---|---|\n| c | d [4] |", "| a | b |\n|---|---|\n| c | d [1] |"),
    "looks like the start of an address": ("with http and www, f", "with http and www, f"),
    "unfinished brackets": ("ends [1", "ends [1"),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_filters(text, expected):
    assert pieces(text, [])[0] == expected


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_splitting_the_stream_changes_nothing(text, expected):
    rng = random.Random(7)
    assert pieces(text, range(1, len(text)))[0] == expected
    for _ in range(25):
        cuts = sorted(rng.sample(range(1, len(text)), min(4, len(text) - 1)))
        assert pieces(text, cuts)[0] == expected, cuts


def test_says_which_numbers_were_shown():
    assert pieces("A [3] b [1] [8].", [])[1].numbers == {3: 1, 1: 2}


@pytest.mark.parametrize("text", ["[unknown]", "I am not sure. [Unknown]"])
def test_recognises_that_the_provider_does_not_know(text):
    shown, checked = pieces(text, [3])
    assert checked.unknown
    assert "nknown" not in shown


def test_text_is_not_held_back_without_a_reason():
    checked = OutputFilter(passages=2)
    assert checked.feed("Twelve hours") == "Twelve hours"
    assert checked.feed(" [") == ""
    assert checked.feed("2] ") == " [1]"
    assert checked.feed("more") == " more"


@pytest.mark.parametrize("start", ["[", "![", "`", "<a", "](", "```\n", "]:", "~~~", "&#5"])
def test_what_never_ends_is_held_back_only_so_long(start):
    checked = OutputFilter(passages=2)
    shown = checked.feed(start) + "".join(checked.feed("word \n") for _ in range(MAX_HELD))
    assert len(shown) > MAX_HELD


@pytest.mark.parametrize("attack", ["[", "`", "<", "[a", "](", "![", " h"])
def test_repeated_openings_take_linear_time(attack):
    checked = OutputFilter(passages=2)
    for _ in range(2000):
        checked.feed(attack * 10)
    assert isinstance(checked.finish(), str)

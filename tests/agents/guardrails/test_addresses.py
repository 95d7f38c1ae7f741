"""Addresses of web pages in names that the shop's records bring along."""

import random

import pytest

from agents.events import Delta
from agents.guardrails.addresses import without_addresses
from agents.guardrails.output import OutputFilter
from agents.reply import Reply
from agents.tools.base import Card
from agents.trace import Trace
from benchmarks.obedience import followed

pytestmark = pytest.mark.unit
CASES = {
    "Pay at https://evil.example/a, now.": "Pay at (gone), now.",
    "www.evil.example": "(gone)",
    "see //evil.example": "see (gone)",
    "javascript://evil.example/%0aalert": "(gone)",
    "24 x 36 in / 2.5 kg, a/b, 3 // 4": "24 x 36 in / 2.5 kg, a/b, 3 // 4",
    "ann@example.com": "ann@example.com",
}
PIECES = [
    "`", "``", "```", "~~~", "\n", "\n\n", "  ", "\t", "> ", "- ", "1. ", "[", "]", "(", ")", "!", "[x]",
    "[x](", "[x]: ", "//evil.example", "https://evil.example", "www.", "evil.example", " ", "<", "<b>", ">",
    "<img src=//evil.example>", "&#x2f;", "![i](//evil.example)", "[1]", "[9]", "[unknown]", "|", "\\",
    "&#58;", "\r", '"', "|-|", "<!--", "*", "a",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_addresses_are_replaced(text, expected):
    assert without_addresses(text, "(gone)") == expected
    assert without_addresses({"names": [text], "n": 1}, "(gone)") == {"names": [expected], "n": 1}


def test_names_make_no_links_in_what_askwell_says(make_turn):
    turn = make_turn("Where is it?")
    reply = Reply(turn, Trace(turn))
    events = reply.say("Cancel [Lamp](https://evil.example) <img src=x> ![i](//evil.example)?")
    assert events == [Delta("Cancel Lamp?")]
    [shown] = reply.show_cards([Card("products", {"products": [{"name": "Lamp www.evil.example"}]})])
    assert shown.data == {"products": [{"name": "Lamp (link removed)"}]}


def test_no_mixture_of_marks_makes_a_link():
    """What is left of any text holds nothing to follow or load, for a client that renders all of Markdown."""
    assert list(followed("[x](//evil.example) <b>"))
    chance = random.Random(11)
    for _ in range(2_000):
        text = "".join(chance.choices(PIECES, k=chance.randint(2, 24)))
        checked = OutputFilter(passages=5, link_removed="(link removed)")
        cut = chance.randint(0, len(text))
        shown = checked.feed(text[:cut]) + checked.feed(text[cut:]) + checked.finish()
        assert not list(followed(shown)), text

"""What streams to a customer without other people's data: the same however it is cut, and never half of it first."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.guardrails.checksums import luhn
from agents.guardrails.output import OutputFilter
from agents.guardrails.personal import AHEAD, HELD, PersonalFilter, Stated
from agents.guardrails.screen import Screen
from agents.guardrails.seen import as_seen
from agents.llm.base import Message, ToolRequest

pytestmark = pytest.mark.unit

MARK = "(removed)"
CARD = "4242424242424242"
PIECES = [
    "4242", "4111 1111 1111 1111", CARD, "1", "12", "0", " ", "  ", "   ", "\n", "\n\n", "-", ".", "/", "(", ")", "+",
    "+49", "a", "Z", "call ", "order ", "card ", "GB82 WEST 1234 5698 7654 32", "GB82", " WEST", "@", "x@y.example",
    ".com", "jane", "`", "[", "]", "[1]", "|", "*", "**", "_", "\u200b", "\u00a0", "٤", "４",
    "①", "1\ufe0f\u20e3", "日本", "é",
    "sk-proj-abc123abc123abc123abc123", "-----", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "MIIEvQ",
    "555-123-4567", " ext. 12", "219-09-9999", ",", ":", ";", "\t", "w" * 30, "9" * 25, "Bearer ", "-Office",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
cuts = st.lists(st.integers(0, 400), max_size=12)


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place for place in places if place < len(text))})
    return [text[a:b] for a, b in pairwise(edges)] or [""]


def passed(pieces: list[str], *, shown: bool = False) -> list[str]:
    filtered = PersonalFilter(lambda _: shown, MARK)
    return [*(filtered.feed(piece) for piece in pieces), filtered.finish()]


def clean(text: str) -> str:
    return "".join(passed([text]))


KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----"


@settings(max_examples=150, deadline=None)
@example(KEY + "4242", [len(KEY)])
@example("4242    \n", [6])
@given(texts, cuts)
def test_joins_to_the_same_however_cut(text, places):
    whole = clean(text)
    assert "".join(passed(cut(text, places))) == whole
    assert "".join(passed(list(text))) == whole


@settings(max_examples=60, deadline=None)
@given(texts, cuts)
def test_shows_everything_that_is_known(text, places):
    shown = "".join(passed(cut(text, places), shown=True))
    squeezed = re.compile(r"[\s\u200b\u200c\u200d]+")
    assert squeezed.sub("", shown) == squeezed.sub("", text) or "PRIVATE KEY" in text


@settings(max_examples=60, deadline=None)
@given(texts)
def test_never_holds_more_than_a_window(text):
    filtered = PersonalFilter(lambda _: False, MARK)
    for letter in text:
        filtered.feed(letter)
        assert len(filtered._pending) <= HELD + AHEAD + 12


ways = st.sampled_from(
    [
        " ",
        "-",
        "",
        ".",
        "  ",
        "\u00a0",
        "\u202f",
        " - ",
        "\u200b",
        "*",
        "** **",
        "\\-",
        "–",
        "/",
        "` `",
        " | ",
        "\n",
        "\u2060",
        "_",
    ]
)
prefixes = st.sampled_from(["400000", "511111", "222300", "601100", "353000"])


@st.composite
def cards(draw):
    digits = draw(prefixes) + "".join(map(str, draw(st.lists(st.integers(0, 9), min_size=9, max_size=9))))
    last = next(str(n) for n in range(10) if luhn(digits + str(n)))
    return digits + last


letters = st.sampled_from(["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "⓪①②③④⑤⑥⑦⑧⑨"])


@settings(max_examples=100, deadline=None)
@given(
    cards(), ways, letters, st.sampled_from([1, 2, 4]), cuts, st.sampled_from(["It is ", "", "Order 12 has: ", "**"])
)
def test_a_card_is_never_seen_while_it_streams(card, way, script, size, places, lead):
    written = way.join(card[n : n + size] for n in range(0, 16, size)).translate({48 + n: script[n] for n in range(10)})
    text = f"{lead}{written} and that is all"
    for pieces in (cut(text, places), list(text), [text]):
        outer, inner, seen = OutputFilter(link_removed="(link removed)"), PersonalFilter(lambda _: False, MARK), ""
        for piece in pieces:
            seen += inner.feed(outer.feed(piece))
            assert not in_view(seen, card), (text, seen)
        seen += inner.feed(outer.finish()) + inner.finish()
        assert not in_view(seen, card), (text, seen)
        assert seen.endswith("and that is all")


@settings(max_examples=60, deadline=None)
@given(cards(), st.integers(0, 30), st.sampled_from(["", " ", "-"]))
def test_a_card_that_breaks_off_is_not_seen_either(card, length, way):
    text = "The number is " + way.join(card[n : n + 4] for n in range(0, 16, 4))
    assert not in_view(clean(text[: 14 + length]), card)


def in_view(text: str, card: str) -> bool:
    digits = "".join(letter for letter in as_seen(text) if letter.isdigit())
    return any(card[n : n + 8] in digits for n in range(9))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to bob@shop.example.", "Write to (removed)."),
        ("Call +49 151 23456789 now", "Call (removed) now"),
        ("Call (415) 555-2671, please", "Call (removed), please"),
        ("SSN 219-09-9999!", "SSN (removed)!"),
        ("IBAN GB82 WEST 1234 5698 7654 32 is it", "IBAN (removed) is it"),
        ("IBAN DE89370400440532013000.", "IBAN (removed)."),
        ("[x]4242424242424242(/y)", "[x] (removed)(/y)"),
        ("**4242** **4242** **4242** **4242**", "**(removed)** **…** **…** **…**"),
        ("`4242` `4242` `4242` `4242` ok", "`(removed)` `…` `…` `…` ok"),
        ("4242 4242[1] 4242 4242", "(removed)[1] …"),
        ("key sk-proj-abcdefABCDEF0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG, x", "key (removed) x"),
        ("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer (removed)"),
        (
            "```\n-----BEGIN RSA PRIVATE KEY-----\nMIIEabc+/=\nabc\n-----END RSA PRIVATE KEY-----\n```\ndone",
            "```\n(removed)\n```\ndone",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIEabc", "(removed)"),
        ("-----\nBEGIN it -----", "-----\nBEGIN it -----"),
    ],
)  # fmt: skip
def test_takes_out(text, expected):
    assert clean(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Order ORD-1002 of 2024-05-01 costs 1,249.00 €, arrives in 3 to 5 days.",
        "| Size | Stock |\n| ---: | ---: |\n| 38 | 12 |\n| 39 | 4 |",
        "Version 10.0.19045.3803, 1920x1080, 220-240 V.",
        "1. First\n2. Second\n   1. Third",
        "The sum is 4,242,424,242.00",
    ],
)
def test_leaves_ordinary_numbers(text):
    assert clean(text) == text


def test_own_passwords_are_never_shown(settings):
    from agents.guardrails import credentials

    settings.SECRET_KEY = "correct-horse-battery-staple-and-more"
    credentials._own.cache_clear()
    try:
        filtered = PersonalFilter(lambda span: span.kind != "own secret", MARK)
        assert filtered.feed("It is correct-horse-battery-staple-and-more , yes ") == "It is (removed) , yes "
    finally:
        credentials._own.cache_clear()


def stated(*messages: Message) -> Stated:
    told = Stated()
    told.tell(messages)
    return told


def shows(told: Stated, text: str) -> bool:
    screen = Screen(told, MARK)
    return MARK not in screen.feed(text) + screen.finish()


def test_what_was_told_may_be_shown():
    told = stated(
        Message("system", "Call us on 0800 123 4567."),
        Message("user", "I am Bob@Mail.example, 0171 1234567, card 4242 4242 4242 4242"),
        Message("tool", '{"iban": "GB82WEST12345698765432"}', tool_call_id="1"),
    )
    assert shows(told, "Your mail is bob@mail.example.")
    assert shows(told, "We call +49 171 1234567.")
    assert shows(told, "The card 4242-4242-4242-4242 it is")
    assert shows(told, "to GB82 WEST 1234 5698 7654 32.")
    assert shows(told, "Phone: 0800-1234567")
    assert not shows(told, "Your mail is rob@mail.example.")
    told.add("Our mail is rob@mail.example")
    assert shows(told, "Your mail is rob@mail.example.")


def test_messages_that_come_later_count():
    messages = [Message("user", "hi")]
    told = Stated()
    told.tell(messages)
    assert not shows(told, "It is a@b.example ")
    messages.append(Message("tool", "a@b.example", tool_call_id="x"))
    assert shows(told, "It is a@b.example ")


def test_a_tool_does_not_launder_what_the_model_made_up():
    call = ToolRequest("c1", "calculate", '{"expression": "4242424242424242"}')
    told = stated(
        Message("user", "hi"),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "4242424242424242", tool_call_id="c1"),
    )
    assert not shows(told, "It is 4242424242424242 ")

"""What counts as personal data in a text, and what looks like it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.guardrails import checksums, pii
from agents.guardrails.masking import Masking, masked_text, masked_trace
from agents.guardrails.seen import as_seen

pytestmark = pytest.mark.unit


def kinds(text):
    return [(span.kind, text[span.start : span.end]) for span in pii.find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mail <bob.o'neil+x@mail.example.co.uk>, please.", [("email", "bob.o'neil+x@mail.example.co.uk")]),
        ("bob@＠x", []),
        ("Bob＠mail.example", [("email", "Bob＠mail.example")]),
        ("call +44 (0)20 7946 0958 now", [("phone", "+44 (0)20 7946 0958")]),
        ("or 0044 20 7946 0958", [("phone", "0044 20 7946 0958")]),
        ("(415) 555-2671", [("phone", "(415) 555-2671")]),
        ("415.555.2671x12", [("phone", "415.555.2671x12")]),
        ("Tel. 06 12 34 56 78 / 07 98 76 54 32", [("phone", "06 12 34 56 78"), ("phone", "07 98 76 54 32")]),
        ("order 415-555-2671", []),
        ("call me at 4155552671", [("phone", "4155552671")]),
        ("number 4155552671 sold", []),
        ("4242-4242-4242-4242", [("card", "4242-4242-4242-4242")]),
        ("4242-4242-4242-4241", []),
        ("３７８２ ８２２４６３ １０００５", [("card", "３７８２ ８２２４６３ １０００５")]),
        ("42\u200b42 4242 4242 4242", [("card", "42\u200b42 4242 4242 4242")]),
        ("A4242424242424242", []),
        ("de89 3704 0044 0532 0130 00 is it", [("iban", "de89 3704 0044 0532 0130 00")]),
        ("DE88 3704 0044 0532 0130 00", []),
        ("SSN: 219-09-9999", [("ssn", "219-09-9999")]),
        ("SSN 666-09-9999 or 900-12-3456 or 219-00-9999", []),
        ("my social security number is 219099999", [("ssn", "219099999")]),
        ("part number 219-09-9999", []),
        ("DNI 12345678Z", [("national_id", "12345678Z")]),
        ("DNI 12345678A", []),
        ("codice RSSMRA85T10A562S", [("national_id", "RSSMRA85T10A562S")]),
        ("CPF 529.982.247-25", [("national_id", "529.982.247-25")]),
        ("tax id 86095742719", [("national_id", "86095742719")]),
        ("item 86095742719", []),
        ("on 2024-03-15 14:32 for 1.249,00 €", []),
        ("36 38 40 42 44 46 48 50", []),
        ("10.0.19045.3803 at 192.168.100.254", []),
    ],
)
def test_finds(text, found):
    assert kinds(text) == found


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("0123456789 -.@()+aZé٤\u200b\n,*GB"), max_size=200))
def test_spans_are_in_order_and_apart(text):
    spans = pii.find(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))


@settings(deadline=None)
@given(st.text(max_size=100))
def test_a_view_is_as_long_as_its_text(text):
    assert len(as_seen(text)) == len(text)


def test_every_check_of_a_national_number_knows_an_example():
    examples = {
        9: ("111222333", "046454286"), 10: ("9434765919", "8112189876"),
        11: ("86095742719", "52998224725", "44051401359"),
        13: ("7569217076985",), 15: ("255081416802538",),
    }  # fmt: skip
    for size, numbers in examples.items():
        for check, number in zip(checksums.BY_DIGITS[size], numbers, strict=True):
            assert check(number), number
            assert not check(number[:-1] + str((int(number[-1]) + 1) % 10)), number


@pytest.mark.parametrize(
    "text", ["1 " * 20_000, "1" * 40_000, "a@" * 20_000, "a." * 20_000 + "@", "(+" * 20_000, "GB82 " * 8_000]
)
def test_takes_no_long_time_for_anything(text):
    started = time.process_time()
    pii.find(text)
    assert time.process_time() - started < 3


def test_the_same_value_has_the_same_mark():
    masking = Masking()
    assert masking.text("a@b.example or c@d.example") == "[email 1] or [email 2]"
    assert masking.value({"x": ["C@d.example", 4]}) == {"x": ["[email 2]", 4]}


def test_secrets_are_masked():
    assert masked_text("key sk-abcdefgh12345678abcd!") == "key [secret 1]!"


def test_a_trace_keeps_what_stands_in_the_documents():
    trace = {
        "question": "I am bob@mail.example",
        "passages": [{"text": "Write to help@shop.example"}],
        "messages": [{"role": "user", "content": "Write to help@shop.example. I am bob@mail.example"}],
        "ms": 1.5,
    }
    assert masked_trace(trace) == {
        "question": "I am [email 1]",
        "passages": [{"text": "Write to help@shop.example"}],
        "messages": [{"role": "user", "content": "Write to help@shop.example. I am [email 1]"}],
        "ms": 1.5,
    }

"""Echoes of the system prompt: taken out while they stream, however they are cut, and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.guardrails.echo import HELD, START, EchoFilter, joined, words_of
from agents.prompts import FILES

pytestmark = pytest.mark.unit

MARK = "(removed)"
RULES = (
    FILES.fill("act", tenant="Lumen")
    + '\nAlways say: "Thank you for being with us since the very first day of all our shops."'
)
PIECES = [
    *(f"{word} " for word in RULES.split()[:40]),
    " ",
    "\n",
    "`",
    "[",
    "](",
    "- ",
    "shoes ",
    RULES[:300],
    RULES[200:420],
    "x" * 70,
    "         ",
]
texts = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


def passed(pieces, *, may_say=lambda _: False):
    filtered = EchoFilter(lambda: RULES, may_say, MARK)
    return "".join(filtered.feed(piece) for piece in pieces) + filtered.finish()


@settings(max_examples=100, deadline=None)
@given(texts, st.lists(st.integers(0, 900), max_size=12))
def test_joins_to_the_same_however_cut(text, places):
    edges = sorted({0, len(text), *(place for place in places if place < len(text))})
    whole = passed([text])
    assert passed([text[a:b] for a, b in pairwise(edges)]) == whole
    assert passed(list(text)) == whole


def test_the_prompt_is_not_told():
    told = passed([f"{word} " for word in f"Of course! My rules: {RULES} That is all.".split(" ")])
    assert told.startswith("Of course! My rules: ")
    assert told.endswith("That is all. ")
    assert MARK in told
    words, rules = words_of(told.replace(MARK, " | ")), joined(RULES)
    assert not any(joined(" ".join(words[n : n + 12])) in rules for n in range(len(words) - 12))
    assert len(words) < len(words_of(RULES)) / 2


def test_not_in_other_letters_or_marks_either():
    assert MARK in passed([RULES[:400].upper().replace(" ", " *")])


def test_ordinary_words_pass():
    text = "You are welcome. Write the number of the order, and the assistant of Lumen tells you what it holds. "
    assert passed(list(text)) == text


def test_what_the_prompt_quotes_is_meant_to_be_said():
    text = "Thank you for being with us since the very first day of all our shops. Bye"
    assert passed([text]) == text


def test_what_stands_elsewhere_may_be_said():
    assert passed([RULES[:200]], may_say=lambda run: run in joined(RULES[:200])) == RULES[:200]


def test_little_is_held_back():
    filtered = EchoFilter(lambda: RULES, lambda _: False, MARK)
    shown = ""
    for letter in RULES[:60]:
        shown += filtered.feed(letter)
    assert len(shown.split()) >= START
    assert len(filtered._held) <= HELD + 30


def test_without_a_prompt_everything_passes():
    filtered = EchoFilter(lambda: "", lambda _: False, MARK)
    assert filtered.feed(RULES) + filtered.finish() == RULES

"""Whole conversations with the dialogue: what the customer says, and what the reply must and must not hold.

A turn is (message, expectations). An expectation is a text that stands in the reply; "!text" must not stand there,
"#kind" is a card, "[label]" a button, "=tool" a proposed change, "?" a question left to the documents.
"""

import pytest

from commerce.models import Customer
from tests.agents.dialogue.cases import CASES


def problems(said, expected):
    """What of the expectations does not hold."""
    text = said.text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    checks = {
        "#": lambda wanted: wanted in said.kinds,
        "[": lambda wanted: wanted.rstrip("]") in said.buttons,
        "=": lambda wanted: wanted in said.tools if wanted else bool(said.tools),
        "?": lambda _: bool(said.questions),
    }
    for wanted in expected:
        absent, rest = wanted.startswith("!"), wanted.removeprefix("!")
        check = checks.get(rest[0])
        holds = check(rest[1:]) if check else rest.lower() in text.lower()
        if holds == absent:
            yield wanted


@pytest.mark.parametrize(
    ("language", "who", "turns"), [pytest.param(*case[:2], case[3], id=f"{case[0]}: {case[2]}") for case in CASES]
)
def test_conversation(shop, talk_as, language, who, turns):
    customer = Customer.objects.get(code=who) if who else None
    talk = talk_as(customer, language=language)
    for message, *expected in turns:
        said = talk.say(message)
        wrong = list(problems(said, expected))
        assert not wrong, f"{message} -> {said.text} {said.kinds} {said.buttons} {said.tools}"

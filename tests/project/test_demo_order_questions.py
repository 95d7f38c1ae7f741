"""The demo's questions about orders and products can be answered from the demo shop, by those who ask them."""

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).parents[2] / "project" / "demo"
SHOP: dict[str, Any] = json.loads((DEMO / "shop.json").read_text(encoding="utf-8"), parse_float=Decimal)
LINES = (DEMO / "order_questions.jsonl").read_text(encoding="utf-8").splitlines()
QUESTIONS: dict[str, dict[str, Any]] = {question["id"]: question for question in map(json.loads, LINES)}
INTENTS = {"product_info", "order_status", "complaint", "refund", "delivery", "comparison", "general"}
ASKERS = {"sofia@techpro.example", "daniel@techpro.example", "lena@techpro.example", None}
NUMBER = re.compile(r"\b(?:ORD|CMP|RFD)-\d{4}\b")
ASKED_BACK = {"e-mail"}  # what the answer to somebody unknown asks for


def spoken(question: dict[str, Any]) -> str:
    """What the customer typed, before and now."""
    return f"{question.get('after', '')} {question['text']}"


def asker(question: dict[str, Any]) -> dict[str, Any] | None:
    """The customer who is signed in, or proves who they are by an e-mail address or a postcode; None is nobody."""
    for user in SHOP["users"].values():
        proofs = (user["email"], user["address"]["zip"])
        if question["as"] == user["email"] or any(proof in spoken(question) for proof in proofs):
            return dict(user)
    return None


def records_of(user: dict[str, Any] | None) -> str:
    """Everything that is this customer's, as plain text in small letters, amounts without commas."""
    if user is None:
        return ""
    orders = [SHOP["orders"][order] for order in user["orders"]]
    refunds = [refund for refund in SHOP["refunds"] if refund["order_id"] in user["orders"]]
    complaints = [complaint for complaint in SHOP["complaints"] if complaint["user_id"] == user["user_id"]]
    totals = [order["payment_history"][0]["amount"] for order in orders]
    return plain([user, orders, refunds, complaints, totals])


def plain(records: object) -> str:
    return json.dumps(records, default=str, ensure_ascii=False).casefold().replace("_", " ")


CATALOGUE = plain(SHOP["products"])


def test_there_are_enough_questions_of_every_kind() -> None:
    assert len(QUESTIONS) == len(LINES) >= 40
    intents = Counter(intent for question in QUESTIONS.values() for intent in question["intents"])
    assert set(intents) == INTENTS
    assert sum(len(question["intents"]) > 1 for question in QUESTIONS.values()) >= 5
    assert sum("after" in question for question in QUESTIONS.values()) >= 5
    assert {question["as"] for question in QUESTIONS.values()} == ASKERS


@pytest.mark.parametrize("code", QUESTIONS)
def test_questions_expect_something_that_is_so(code: str) -> None:
    question = QUESTIONS[code]
    known = records_of(asker(question)) + CATALOGUE + "2 years"  # 24 months of warranty
    echoed = NUMBER.findall(spoken(question))
    assert question["expect"] or question["intents"] == ["general"]
    for words in {*question["expect"]} - {*echoed} - ASKED_BACK:
        assert words.casefold().replace(",", "") in known.replace(",", ""), words


@pytest.mark.parametrize("code", QUESTIONS)
def test_only_the_owner_of_an_order_is_told_about_it(code: str) -> None:
    question = QUESTIONS[code]
    own = records_of(asker(question))
    foreign = [number for number in NUMBER.findall(spoken(question)) if number.casefold() not in own]
    assert bool(foreign) <= bool(question.get("absent"))
    if foreign:
        assert not {*question["expect"]} - {*foreign} - ASKED_BACK
    for words in question.get("absent", ()):
        assert words.casefold() not in spoken(question).casefold()
        assert words.casefold().replace(",", "") in plain(SHOP) + "434.00"  # a total of two items

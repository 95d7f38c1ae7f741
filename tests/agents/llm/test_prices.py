"""What tokens cost."""

from decimal import Decimal

import pytest

from agents.llm import prices
from agents.llm.base import Message, ToolRequest, ToolSpec
from agents.llm.registry import Model

pytestmark = pytest.mark.unit


def model(reads, writes):
    reads, writes = (None if price is None else Decimal(price) for price in (reads, writes))
    return Model("primary", "small", "http://127.0.0.1/v1", "key", reads, writes)


@pytest.mark.parametrize(
    ("reads", "writes", "cost"),
    [
        ("0.40", "1.60", "0.0012000000"),
        ("0", "0", "0"),
        (None, "1.60", "0.0008000000"),
        (None, None, "0"),
        ("0.000001", "0", "0.0000000010"),
    ],
)
def test_a_million_tokens_cost_the_price(reads, writes, cost):
    assert prices.cost_of(model(reads, writes), 1_000, 500) == Decimal(cost)


def test_what_is_smaller_than_the_tables_hold_is_rounded_half_up():
    assert prices.cost_of(model("0.00005", "0"), 1, 0) == Decimal("0.0000000001")
    assert prices.cost_of(model("0.000049", "0"), 1, 0) == 0


@pytest.mark.parametrize(("reads", "writes", "known"), [("0", "0", True), ("1", None, False), (None, "1", False)])
def test_a_price_of_nothing_is_a_price(reads, writes, known):
    assert prices.is_priced(model(reads, writes)) is known


def test_a_prompt_is_its_messages_calls_and_tools():
    asked = Message("assistant", "", tool_calls=(ToolRequest("1", "find", '{"q": 1}'),))
    tool = ToolSpec("find", "Finds.", {"type": "object"})
    assert prices.prompt_size([Message("user", "Grüße"), asked], ()) == 7 + 4 + 8
    assert prices.prompt_size([], [tool]) == 4 + 6 + len('{"type":"object"}')
    assert prices.estimated_tokens(19) == 4


def test_a_slip_of_the_finger_in_a_price_still_fits_the_tables():
    assert prices.cost_of(model("999999", "999999"), 10**9, 10**9) == prices.LARGEST

"""Calls of tools from their pieces, the ways servers stream them."""

import pytest

from agents.llm.base import ToolCallDelta, ToolRequest
from agents.llm.pieces import MAX_CALLS, Calls

pytestmark = pytest.mark.unit


def put_together(*pieces):
    calls = Calls(100)
    for piece in pieces:
        calls.add(ToolCallDelta(*piece))
    return calls.requests(1)


@pytest.mark.parametrize(
    "pieces",
    [
        [(0, "a", "find", '{"order": '), (0, "", "", "11}")],
        [(0, "a", "find", '{"order": '), (0, "a", "find", "11}")],  # id and name in every piece
        [(0, "a", "find", '{"order": 11}'), (0, "a", "find", '{"order": 11}')],  # the whole call twice
        [(0, "a", "find", '{"order": '), (0, "", "", "11}"), (0, "", "", '{"order": 11}')],  # the whole at the end
        [(0, "a", "find", '{"order": '), (0, "a", "find", '{"order": '), (0, "", "", "11}"), (0, "", "", "11}")],
        [(0, "a", "find", '{"order": '), (0, "", "", "11}"), (0, "a", "find", '{"order": '), (0, "", "", "11}")],
        [(0, "a", "find", '{"order": 1'), (0, "", "", "1"), (0, "", "", "}")],  # the same piece twice, rightly
    ],
)
def test_what_is_said_twice_counts_once(pieces):
    assert put_together(*pieces) == [ToolRequest("a", "find", '{"order": 11}')]


def test_calls_that_share_an_index_stay_apart():
    assert put_together((0, "a", "find", "{}"), (0, "b", "track", '{"n": '), (0, "", "", "2}")) == [
        ToolRequest("a", "find", "{}"),
        ToolRequest("b", "track", '{"n": 2}'),
    ]


def test_calls_come_in_the_order_of_their_indexes():
    assert [call.name for call in put_together((1, "b", "second", "{}"), (0, "a", "first", "{}"))] == [
        "first",
        "second",
    ]


def test_what_is_no_json_stays_as_it_is():
    assert put_together((0, "", "find", "{order"), (0, "", "", "{order")) == [
        ToolRequest("call_1_0", "find", "{order{order")
    ]
    assert put_together((0, "", "find", "")) == [ToolRequest("call_1_0", "find", "")]


def test_what_nobody_needs_is_dropped():
    assert len(put_together((0, "", "find", "x" * 90), (0, "", "", "y" * 90))[0].arguments) == 100
    assert len(put_together(*((n, "", "find", "{}") for n in range(MAX_CALLS + 5)))) == MAX_CALLS

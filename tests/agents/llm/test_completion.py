"""What is read from the events of servers that keep to the protocol more or less."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest

from agents.llm.base import Finished, LLMError, ToolCallDelta, Usage
from agents.llm.completion import CompletionReader
from agents.llm.openai_compatible import LONGEST_WAIT, _retry_after

pytestmark = pytest.mark.unit


def event(**choice):
    return orjson.dumps({"choices": [choice]})


def test_a_character_cut_in_two_is_joined_again():
    reader = CompletionReader()
    halves = [b'{"choices": [{"delta": {"content": "%b"}}]}' % half for half in (b"a\\ud83d", b"\\udd0b b")]
    assert [reader.read([half])[0] for half in halves] == ["a", "🔋 b"]


def test_half_a_character_alone_is_no_reason_to_fail():
    assert CompletionReader().read([b'{"choices": [{"delta": {"content": "a\\udd0bb"}}]}'])[0] == "a\ufffdb"


def test_zeros_are_left_out():
    assert CompletionReader().read([event(delta={"content": "a\0b"})])[0] == "ab"


def test_a_whole_message_is_read_like_a_piece_of_one():
    call = {"id": "c", "function": {"name": "find", "arguments": {"order": 1}}}
    reader = CompletionReader()
    said = reader.read([event(message={"content": "Hello", "tool_calls": [call]}, finish_reason="stop")])
    assert said == ("Hello", [ToolCallDelta(0, "c", "find", '{"order":1}')])
    assert reader.finish == Finished("stop")


@pytest.mark.parametrize(
    ("reason", "read"), [("eos", "stop"), ("function_call", "tool_calls"), ("truncated", "stop"), (["x"], "stop")]
)
def test_reasons_of_other_servers_are_understood(reason, read):
    reader = CompletionReader()
    reader.read([event(delta={}, finish_reason=reason)])
    assert reader.finish == Finished(read)


@pytest.mark.parametrize(
    "broken", [b"{", b"[]", b"7", b'{"choices": [1]}', b'{"choices": [{"delta": {"content": 7}}]}', b"\\ud" + b"[" * 9]
)
def test_what_is_no_event_is_refused(broken):
    with pytest.raises(LLMError) as refused:
        CompletionReader().read([broken])
    assert refused.value.kind == "protocol"


@pytest.mark.parametrize("finish", ["error", "stop"])
def test_a_failure_that_is_reported_is_one(finish):
    with pytest.raises(LLMError) as reported:
        CompletionReader().read([orjson.dumps({"error": "x" * 9000, "choices": [{"finish_reason": finish}]})])
    assert reported.value.kind == "error_event"
    assert len(str(reported.value)) <= 500


@pytest.mark.parametrize("tokens", [-1, 10**12, "many", None, 1.5])
def test_a_count_that_cannot_be_is_none(tokens):
    reader = CompletionReader()
    reader.read([orjson.dumps({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": tokens}})])
    assert reader.usage == Usage()


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("7", 7), ("0.5", 0.5), ("0", None), ("-3", None), ("nan", None), ("inf", LONGEST_WAIT), ("soon", None)],
)
def test_a_wait_is_a_number_of_seconds(asked, seconds):
    assert _retry_after(asked) == seconds


def test_a_wait_may_be_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < _retry_after(later) <= 90
    assert _retry_after("Sat, 01 Jan 2000 00:00:00 GMT") is None
    assert _retry_after("Fri, 31 Dec 9999 23:59:59 GMT") == LONGEST_WAIT

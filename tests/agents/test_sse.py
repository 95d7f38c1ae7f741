import pytest

from agents.llm.sse import MAX_EVENT_BYTES, EventDecoder, EventTooLargeError

STREAM = b': hello\n\ndata: {"a": "\xc3\xa9"}\r\n\r\nevent: x\ndata:one\ndata: two\n\n: ping\n\ndata: [DONE]\n\n'
EVENTS = [b'{"a": "\xc3\xa9"}', b"one\ntwo", b"[DONE]"]


def test_decodes_events_and_ignores_comments():
    assert EventDecoder().feed(STREAM) == EVENTS


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_reads_may_end_anywhere(size):
    decoder = EventDecoder()
    events = [event for at in range(0, len(STREAM), size) for event in decoder.feed(STREAM[at : at + size])]
    assert events == EVENTS


def test_the_last_event_may_lack_its_empty_line():
    decoder = EventDecoder()
    assert decoder.feed(b"data: last") == []
    assert decoder.finish() == [b"last"]


def test_an_endless_event_is_refused():
    decoder = EventDecoder()
    decoder.feed(b"data: " + b"x" * (MAX_EVENT_BYTES // 2))
    with pytest.raises(EventTooLargeError):
        decoder.feed(b"x" * MAX_EVENT_BYTES)

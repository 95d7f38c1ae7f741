import asyncio
import uuid

import orjson
import pytest

from chat.framelog import SHOWN_AHEAD
from chat.streams import ConversationStream

pytestmark = pytest.mark.unit


class Listener:
    def __init__(self, *, wants_html=False):
        self.wants_html, self.frames = wants_html, []

    def push(self, frames):
        self.frames.extend(orjson.loads(frame) for frame in frames)

    @property
    def numbers(self):
        return [frame["seq"] for frame in self.frames]


@pytest.fixture
def stream():
    return ConversationStream(None, uuid.uuid4(), 10, asyncio.Lock())


def test_frames_are_numbered_and_shown_at_once(stream):
    here, there = Listener(), Listener()
    stream.attach(here, 10)
    stream.emit("run.step", label="one")
    stream.attach(there, 10)
    stream.emit("run.step", label="two")
    assert here.frames == there.frames
    assert here.numbers == [11, 12]
    assert {frame["conversation"] for frame in here.frames} == {str(stream.conversation)}


def test_one_who_comes_late_gets_only_what_follows(stream):
    for _ in range(5):
        stream.emit("run.step")
    late = Listener()
    stream.attach(late, 13)
    stream.emit("run.step")
    assert late.numbers == [14, 15, 16]


def test_one_who_left_gets_nothing(stream):
    gone = Listener()
    stream.attach(gone, 10)
    stream.detach(gone)
    stream.detach(gone)
    stream.emit("run.step")
    assert gone.frames == []


def test_a_durable_frame_and_those_behind_it_wait_for_the_log(stream):
    here = Listener()
    stream.attach(here, 10)
    stream.emit("message.delta")
    stream.emit("message.accepted", durable=True)
    stream.emit("message.delta")
    stream.emit("message.done", durable=True)
    assert here.numbers == [11]
    stream.confirm(13)
    assert here.numbers == [11, 12, 13]
    stream.confirm(14)
    assert here.numbers == [11, 12, 13, 14]


def test_no_more_frames_are_shown_ahead_of_the_log_than_a_successor_skips(stream):
    here = Listener()
    stream.attach(here, 10)
    for _ in range(SHOWN_AHEAD + 5):
        stream.emit("message.delta")
    assert here.numbers[-1] == 10 + SHOWN_AHEAD
    stream.confirm(13)
    assert here.numbers[-1] == 13 + SHOWN_AHEAD
    assert len(here.numbers) == len(set(here.numbers))


def test_what_is_in_the_log_can_be_forgotten(stream):
    for _ in range(6):
        stream.emit("message.delta")
    stream.confirm(14)
    stream.trim()
    assert (stream.base, stream.seq, stream.ahead) == (14, 16, 2)
    late = Listener()
    stream.attach(late, 14)
    assert late.numbers == [15, 16]
    assert [orjson.loads(f)["seq"] for f in stream.unflushed()] == [15, 16]


def test_frames_of_another_process_reach_only_those_who_lack_them(stream):
    ahead, behind = Listener(), Listener()
    stream.attach(ahead, 12)
    stream.attach(behind, 10)
    stream.install([orjson.dumps({"seq": n}).decode() for n in (11, 12, 13)])
    assert ahead.numbers == [13]
    assert behind.numbers == [11, 12, 13]


def test_abandoned_frames_are_not_sent_again(stream):
    here = Listener()
    stream.attach(here, 10)
    stream.emit("message.delta")
    stream.emit("message.delta")
    stream.abandon()
    assert (stream.seq, stream.ahead, stream.unflushed()) == (10, 0, [])
    stream.install([orjson.dumps({"seq": n}).decode() for n in (11, 12, 13)])
    assert here.numbers == [11, 12, 13]


def test_whispers_go_to_those_who_asked(stream):
    page, program = Listener(wants_html=True), Listener()
    stream.attach(page, 10)
    stream.attach(program, 10)
    stream.whisper("message.html", message="m", html="<p>x</p>")
    assert program.frames == []
    assert page.frames == [
        {"type": "message.html", "conversation": str(stream.conversation), "message": "m", "html": "<p>x</p>"}
    ]

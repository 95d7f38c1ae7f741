import asyncio
import uuid
from decimal import Decimal
from types import SimpleNamespace

import orjson
import pytest

from agents.events import (
    ActionDone,
    ActionProposed,
    Answer,
    CardShown,
    Citation,
    Delta,
    Failed,
    Finished,
    Handover,
    Reset,
    Step,
)
from agents.llm.base import Usage
from chat import replies
from chat.framelog import Job
from chat.models import State
from chat.replies import RunningReply
from chat.streams import ConversationStream

pytestmark = pytest.mark.unit


class Page:
    wants_html = False

    def __init__(self):
        self.frames = []

    def push(self, frames):
        self.frames.extend(orjson.loads(frame) for frame in frames)


class Stage:
    """A reply on a stream that a page watches; the log is told of every frame at once."""

    def __init__(self, decision=None):
        self.page = Page()
        self.stream = ConversationStream(SimpleNamespace(pk=1), uuid.uuid4(), 0, asyncio.Lock())
        self.stream.attach(self.page, 0)
        tenant, turn = SimpleNamespace(slug="acme", language="en"), SimpleNamespace(decision=decision)
        self.job = Job(tenant, self.stream.conversation, "p", uuid.uuid4(), uuid.uuid4(), turn)
        self.reply = RunningReply(self.stream, self.job)

    async def play(self, *events, pause=0.0):
        async def run(turn):
            for event in events:
                if isinstance(event, BaseException):
                    raise event
                yield event
                await asyncio.sleep(pause)

        ending = await self.reply.play(run)
        self.stream.confirm(self.stream.seq)
        return ending

    @property
    def kinds(self):
        return [frame["type"] for frame in self.page.frames]

    @property
    def deltas(self):
        return [frame["text"] for frame in self.page.frames if frame["type"] == "message.delta"]


@pytest.fixture
async def stage():
    return Stage()


CITATION = Citation(1, "x1", 7, 70, "X1", "https://shop.example/x1", 3, "Battery", (5, 13), "12 hours")


async def test_an_answer_becomes_deltas_and_an_end_with_everything_about_it(stage):
    answer = Answer(
        "12 hours [1].", (CITATION,), 0.8, ("battery",), Usage(10, 4, estimated=False), Decimal("0.0012"),
        cached=False, model="m", summary="asked of the battery", trace={"rewritten": "q\0"},
    )  # fmt: skip
    ending = await stage.play(Step("search", "Searching"), Delta("12 hours"), Delta(" [1]."), Finished(answer))
    assert stage.kinds == ["run.step", "message.delta", "message.delta", "message.done"]
    done = stage.page.frames[-1]
    assert done["text"] == "".join(stage.deltas) == "12 hours [1]."
    assert f'href="/acme/messages/{stage.job.reply}/sources/1/"' in done["html"]
    assert done["citations"] == [
        {
            "n": 1, "document": "x1", "document_id": 7, "chunk": 70, "title": "X1", "url": "https://shop.example/x1",
            "page": 3, "heading": "Battery", "span": [5, 13], "quote": "12 hours",
        }
    ]  # fmt: skip
    assert done["usage"] == {"prompt_tokens": 10, "completion_tokens": 4, "estimated": False}
    assert (done["confidence"], done["intents"], done["cost"]) == (0.8, ["battery"], 0.0012)
    assert (done["cached"], done["model"], done["finish"]) == (False, "m", "stop")
    assert ending.summary == "asked of the battery"
    assert ending.columns["state"] == State.DONE
    assert ending.columns["cost"] == Decimal("0.0012")
    assert ending.columns["trace"] == {"rewritten": "q"}


async def test_the_first_piece_goes_at_once_and_later_ones_share_frames(stage, monkeypatch):
    monkeypatch.setattr(replies, "COALESCE_SECONDS", 0.02)
    text = "".join(str(n % 10) for n in range(40))
    await stage.play(*(Delta(c) for c in text), Finished(Answer(text)), pause=0.002)
    assert stage.deltas[0] == "0"
    assert 3 <= len(stage.deltas) <= 15
    assert "".join(stage.deltas) == text


async def test_pieces_share_more_where_many_replies_stream(stage, monkeypatch):
    monkeypatch.setattr(RunningReply, "playing", 3_000)  # of a process that sends 1,500 deltas a second
    await stage.play(*(Delta("x") for _ in range(20)), Finished(Answer("x" * 20)), pause=0.005)
    assert stage.deltas == ["x", "x" * 19]
    assert RunningReply.playing == 3_000


async def test_a_piece_that_is_held_back_comes_without_a_following_one(stage, monkeypatch):
    monkeypatch.setattr(replies, "COALESCE_SECONDS", 0.01)
    held = asyncio.Event()

    async def run(turn):
        yield Delta("a")
        yield Delta("b")
        await held.wait()
        yield Finished(Answer("ab"))

    playing = asyncio.ensure_future(stage.reply.play(run))
    await asyncio.sleep(0.05)
    assert stage.deltas == ["a", "b"]
    held.set()
    await playing


async def test_pieces_grow_while_the_log_is_far_behind(stage, monkeypatch):
    monkeypatch.setattr(replies, "COALESCE_SECONDS", 0.0)
    events = [Delta("x") for _ in range(200)]
    await stage.play(*events, Finished(Answer("x" * 200)))
    assert len(stage.deltas) < 64
    assert "".join(stage.deltas) == "x" * 200


async def test_a_reset_voids_what_was_said(stage):
    await stage.play(Delta("wrong"), Reset("fallback"), Delta("right"), Finished(Answer("right")))
    assert stage.kinds == ["message.delta", "message.reset", "message.delta", "message.done"]
    assert stage.page.frames[1]["reason"] == "fallback"
    assert stage.deltas[-1] == "right"


@pytest.mark.parametrize(
    ("said", "final", "kinds"),
    [
        ("12", "12 hours", ["message.delta", "message.delta", "message.done"]),
        ("about 12", "12 hours", ["message.delta", "message.reset", "message.delta", "message.done"]),
        ("all of it", "", ["message.delta", "message.reset", "message.done"]),
    ],
)
async def test_deltas_are_made_to_equal_the_final_text(stage, said, final, kinds):
    await stage.play(Delta(said), Finished(Answer(final)))
    assert stage.kinds == kinds
    assert stage.reply.text == stage.page.frames[-1]["text"] == final


async def test_what_cannot_be_kept_is_replaced_in_deltas_and_text_alike(stage):
    await stage.play(Delta("a\0"), Delta("b\ud83d"), Finished(Answer("a\0b\ud83d")))
    assert "".join(stage.deltas) == stage.page.frames[-1]["text"] == "ab\ufffd"


async def test_a_failure_is_told_in_the_words_of_the_agent(stage):
    ending = await stage.play(Failed("The model is away.", retryable=True, reason="timeout"))
    failed = stage.page.frames[-1]
    assert (failed["type"], failed["text"], failed["retryable"]) == ("message.failed", "The model is away.", True)
    assert ending.columns["error"] == "timeout"
    assert ending.columns["reference"] == failed["reference"]


async def test_text_before_a_failure_is_kept(stage):
    await stage.play(Delta("It is"), Failed("The model is away.", retryable=True, reason="timeout"))
    failed = stage.page.frames[-1]
    assert (failed["text"], failed["detail"]) == ("It is", "The model is away.")


async def test_an_error_gets_a_reference_that_the_log_has_too(stage, caplog):
    ending = await stage.play(Delta("It is"), ZeroDivisionError("inside"))
    failed = stage.page.frames[-1]
    assert failed["type"] == "message.failed"
    assert failed["reference"] in failed["detail"]
    assert failed["reference"] in caplog.text
    assert "inside" not in str(failed)
    assert "ZeroDivisionError: inside" in caplog.text
    assert (ending.columns["state"], ending.columns["error"]) == (State.FAILED, "ZeroDivisionError")


async def test_an_agent_that_says_nothing_has_failed(stage, caplog):
    await stage.play()
    assert stage.kinds == ["message.failed"]
    assert "without an answer" in caplog.text


async def test_a_reply_that_takes_too_long_ends(stage, monkeypatch, caplog):
    monkeypatch.setattr(replies, "RUN_SECONDS", 0.01)
    await stage.play(Delta("slow"), Finished(Answer("slow")), pause=0.5)
    assert stage.kinds == ["message.delta", "message.failed"]
    assert "took too long" in caplog.text


async def test_a_stopped_reply_keeps_its_text(stage):
    async def run(turn):
        yield Delta("It **is")
        yield Delta(" long")
        stage.reply.stop()
        await asyncio.sleep(5)

    stage.reply.task = asyncio.ensure_future(stage.reply.play(run))
    ending = await stage.reply.task
    stage.stream.confirm(stage.stream.seq)
    done = stage.page.frames[-1]
    assert (done["type"], done["finish"], done["text"]) == ("message.done", "stopped", "It **is long")
    assert "".join(stage.deltas) == "It **is long"
    assert ending.columns["state"] == State.STOPPED


async def test_a_reply_stopped_before_it_began_says_nothing(stage, script):
    stage.reply.task = asyncio.ensure_future(stage.reply.play(script))
    stage.reply.stop()
    ending = await stage.reply.task
    assert script.turns == []
    assert ending.columns["text"] == ""


async def test_the_end_of_the_process_is_no_end_of_the_reply(stage):
    async def run(turn):
        yield Delta("It is")
        await asyncio.sleep(5)

    task = asyncio.ensure_future(stage.reply.play(run))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "message.done" not in stage.kinds


async def test_a_wish_for_a_person_is_passed_on(stage):
    ending = await stage.play(
        Handover("customer_request"), Delta("A colleague comes."), Finished(Answer("A colleague comes."))
    )
    assert stage.kinds[-2:] == ["handover.requested", "message.done"]
    assert stage.page.frames[-2]["reason"] == "customer_request"
    assert ending.handover == ("customer_request", "")


async def test_a_page_gets_rendered_markdown_while_the_reply_grows(stage, monkeypatch):
    monkeypatch.setattr(replies, "HTML_SECONDS", 0.01)
    stage.page.wants_html = True
    await stage.play(Delta("It is **very"), Delta(" long**."), Finished(Answer("It is **very long**.")), pause=0.05)
    whispers = [f for f in stage.page.frames if f["type"] == "message.html"]
    assert whispers[0]["html"] == "<p>It is <strong>very</strong></p>\n"
    assert all("seq" not in f for f in whispers)


async def test_a_trace_that_cannot_be_kept_does_not_cost_the_answer(stage, caplog):
    ending = await stage.play(Delta("ok"), Finished(Answer("ok", trace={"x": "\ud83d"})))
    assert stage.kinds[-1] == "message.done"
    assert "lost" in ending.columns["trace"]


# Cards and changes

PHONE = {"code": "p1", "name": "<img src=x onerror=alert(1)>", "detail": "", "price": "$9.00", "available": True}


async def test_a_card_is_shown_once_and_kept(stage):
    shown = CardShown("products", {"products": [PHONE]})
    other = CardShown("choices", {"options": [{"label": "First", "text": "The first\0 one"}]})
    ending = await stage.play(shown, Delta("a"), Reset("fallback"), shown, other, Delta("b"), Finished(Answer("b")))
    cards = [f for f in stage.page.frames if f["type"] == "message.card"]
    assert [f["kind"] for f in cards] == ["products", "choices"]
    assert [{"kind": f["kind"], "data": f["data"]} for f in cards] == ending.columns["cards"]
    assert cards[0]["data"] == {"products": [PHONE]}
    assert cards[1]["data"]["options"][0]["text"] == "The first one"
    assert "&lt;img src=x onerror=alert(1)&gt;" in cards[0]["html"]
    assert "<img" not in cards[0]["html"]
    assert all(f["message"] == str(stage.job.reply) and "seq" in f for f in cards)


@pytest.mark.parametrize("end", [Failed("Away.", retryable=True, reason="x"), ZeroDivisionError()])
async def test_cards_of_a_reply_that_fails_are_kept(stage, end):
    ending = await stage.play(CardShown("choices", {"options": []}), end)
    assert ending.columns["cards"] == [{"kind": "choices", "data": {"options": []}}]


async def test_a_change_is_proposed_and_done_with_its_card(stage):
    action = str(uuid.uuid4())
    await stage.play(
        ActionProposed(action, "Cancel it", {"title": "Cancel <b>\0"}, "2020-01-01T00:00:00+00:00"),
        ActionDone(action, ok=False, summary="It has left already.", state="failed"),
        Finished(Answer("")),
    )
    proposed, done = stage.page.frames[:2]
    assert (proposed["type"], proposed["detail"]) == ("action.proposed", {"title": "Cancel <b>"})
    assert "This offer has expired." in proposed["html"]
    assert (done["type"], done["ok"], done["state"]) == ("action.done", False, "failed")
    assert "It has left already." in done["html"]


async def test_stopping_waits_for_a_decision_and_not_for_the_words_after_it():
    stage, action = Stage(decision="confirmed"), str(uuid.uuid4())

    async def run(turn):
        stage.reply.stop()
        yield ActionDone(action, ok=True, summary="Done.", state="done")
        yield Delta("never said")

    ending = await stage.reply.play(run)
    assert stage.kinds == ["action.done"]
    assert (ending.columns["state"], stage.reply.text) == (State.STOPPED, "")

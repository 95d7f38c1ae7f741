"""One reply under way: the agent's events in, frames of the conversation out, and how it ended."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any, cast

import orjson

from agents import runner
from agents.context import Turn
from agents.events import (
    ActionDone,
    ActionProposed,
    Answer,
    CardShown,
    Citation,
    Delta,
    Event,
    Failed,
    Finished,
    Handover,
    Reset,
    Step,
)
from agents.guardrails.masking import masked_trace
from agents.services import Services
from chat import cards, queries
from chat.framelog import SHOWN_AHEAD, Job, stopped_fields
from chat.frames import clean
from chat.journal import Ending
from chat.models import State
from chat.rendering import render_partial, render_reply
from chat.streams import ConversationStream
from chat.wording import words_of

log = logging.getLogger(__name__)
Runner = Callable[[Turn], AsyncIterator[Event]]

COALESCE_SECONDS = 0.03  # pieces of text that come closer together share a frame
DELTAS_PER_SECOND = 1_500  # of all replies of a process; where many stream at once, each sends fewer and longer ones
SLOW_SECONDS = 1.0  # the same, while the log is far behind
RUN_SECONDS = 300.0  # no reply takes longer
HTML_SECONDS = 0.15  # between two renderings of a reply that grows
HTML_SHARE = 0.05  # of the time may go into rendering one reply
REFERENCE_BYTES = 3
TRACE_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
APOLOGY = (
    "Something went wrong on our side. Please try again; if it happens again, tell us this reference: {reference}."
)


def agent(turn: Turn) -> AsyncIterator[Event]:
    """The runner of the product."""
    return runner.run(turn, Services(typed=queries.typed_by_customer))


class RunningReply:
    """Shows a reply as it grows. `text` is what the deltas since the last reset join to."""

    playing = 0
    """How many replies this process shows now."""

    def __init__(self, stream: ConversationStream, job: Job) -> None:
        self.stream, self.job, self.reply = stream, job, str(job.reply)
        self.text, self.task = "", cast("asyncio.Task[Any] | None", None)
        self.stopped = self._playing = False
        self.handover: tuple[str, str] | None = None
        self.why_stopped = ""
        self.slow = False
        """Whether the customer was told that it takes long, and a person is called."""
        self.called = False
        """Whether that is done."""
        self._progress_at = time.monotonic()
        self._cards: list[dict[str, Any]] = []
        self._binding = job.turn.decision is not None
        """Whether a decision of the customer's is still to be carried out: until then nothing stops the reply."""
        self._buffer: list[str] = []
        self._sent_at = -COALESCE_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._html_timer: asyncio.TimerHandle | None = None
        self._html_cost = 0.0

    def stop(self, why: str = "") -> None:
        """Ends the reply with the text it has; harmless when it has ended. What was decided is carried out first."""
        if not self.stopped:
            self.stopped, self.why_stopped = True, why
            if self._playing and not self._binding:
                self.cancel()

    @property
    def silence(self) -> float:
        """Seconds for which the customer has seen nothing new."""
        return time.monotonic() - self._progress_at

    def tell_slow(self) -> None:
        """Tells the customer that this takes long; whoever calls this calls a person as well."""
        self.slow = True
        self._emit("run.step", kind="slow", label=words_of(self.job.tenant.language)["slow"])

    def cancel(self) -> None:
        """Breaks the agent off; `play` raises CancelledError unless the customer asked for it."""
        if self.task:
            self.task.cancel()

    async def play(self, run: Runner) -> Ending:
        """Runs the agent and shows what it does; emits the terminal frame, which waits for the log."""
        self._playing = True
        self._progress_at = time.monotonic()
        RunningReply.playing += 1
        try:
            if self.stopped:
                raise asyncio.CancelledError  # noqa: TRY301 (asked to stop before it began)
            async with (
                asyncio.timeout(RUN_SECONDS),
                aclosing(cast("AsyncGenerator[Event]", run(self.job.turn))) as events,
            ):
                async for event in events:
                    ending = self._handle(event)
                    if ending:
                        return ending
            log.error("The agent ended without an answer: %s", self.reply)
            return self._failed(Failed("", retryable=True, reason="no_end"))
        except asyncio.CancelledError:
            if not self.stopped:
                raise
            return self._stopped()
        except Exception as error:  # noqa: BLE001 (whatever a provider or tool throws, the customer gets an end)
            return self._broken(error)
        finally:
            RunningReply.playing -= 1
            self._cancel_timers()

    def _handle(self, event: Event) -> Ending | None:
        match event:
            case Delta():
                self._delta(event.text)
            case Step():
                self._emit("run.step", kind=event.kind, label=clean(event.label))
            case Reset():
                self._reset(event.reason)
            case CardShown():
                self._card({"kind": event.kind, "data": _plain(event.data)})
            case ActionProposed():
                event = replace(event, detail=_plain(event.detail))
                self._emit("action.proposed", **cards.proposed_fields(event, self.job.tenant))
            case ActionDone():
                self._action_done(event)
            case Handover():
                self.handover = (event.reason, event.summary)
            case Finished():
                return self._done(event.answer)
            case Failed():
                return self._failed(event)
        return None

    def _card(self, card: dict[str, Any]) -> None:
        """Shows a card, once: a tool may be asked the same thing twice."""
        if card not in self._cards:
            self._cards.append(card)
            html = cards.render_card(card["kind"], card["data"], self.job.tenant)
            self._emit("message.card", **card, html=html)

    def _action_done(self, event: ActionDone) -> None:
        self._emit("action.done", **cards.done_fields(event, self.job.tenant))
        self._binding = False
        if self.stopped:
            raise asyncio.CancelledError  # asked for while the action ran

    def _emit(self, frame_type: str, /, *, last: bool = False, **fields: Any) -> None:
        self._send_buffer()
        if frame_type != "message.reset":
            self._progress_at = time.monotonic()
        if last and self.handover and not self.called:  # in one transaction with the row of the inbox
            self.stream.emit("handover.requested", durable=True, message=self.reply, reason=self.handover[0])
        self.stream.emit(frame_type, durable=last, message=self.reply, **fields)
        self.stream.sealed = last

    def _delta(self, text: str) -> None:
        if not text:
            return
        self._buffer.append(text)
        if self._timer is None:
            wait = SLOW_SECONDS if self.stream.ahead > SHOWN_AHEAD // 2 else self._pause()
            due = self._sent_at + wait - time.monotonic()
            if due <= 0:
                self._send_buffer()
            else:
                self._timer = asyncio.get_running_loop().call_later(due, self._send_buffer)

    @classmethod
    def _pause(cls) -> float:
        """Seconds between two deltas of one reply."""
        return max(COALESCE_SECONDS, cls.playing / DELTAS_PER_SECOND)

    def _send_buffer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._buffer:
            text = clean("".join(self._buffer))
            self._buffer.clear()
            self._sent_at = self._progress_at = time.monotonic()
            if text:
                self.text += text
                self.stream.emit("message.delta", message=self.reply, text=text)
                self.show_html()

    def _reset(self, reason: str) -> None:
        self._emit("message.reset", reason=reason)
        self.text = ""

    def _settle(self, text: str) -> None:
        """Sees to it that what was shown joins to the final text."""
        self._send_buffer()
        if not text.startswith(self.text):
            self._reset("corrected")
        if text != self.text:
            self._delta(text[len(self.text) :])
            self._send_buffer()

    def show_html(self) -> None:
        """Renders the text so far for the pages that want it, after a while and at a bounded cost."""
        if self._html_timer is None and any(socket.wants_html for socket in self.stream.sockets):
            wait = max(HTML_SECONDS, self._html_cost / HTML_SHARE)
            self._html_timer = asyncio.get_running_loop().call_later(wait, self._whisper_html)

    def _whisper_html(self) -> None:
        self._html_timer = None
        started = time.monotonic()
        self.stream.whisper("message.html", message=self.reply, html=render_partial(self.text))
        self._html_cost = time.monotonic() - started

    def _cancel_timers(self) -> None:
        for timer in (self._timer, self._html_timer):
            if timer:
                timer.cancel()

    def _done(self, answer: Answer) -> Ending:
        text = clean(answer.text)
        self._settle(text)
        citations = [_citation(c) for c in answer.citations]
        html = render_reply(text, slug=self.job.tenant.slug, message=self.reply, citations=citations)
        shared = {
            "text": text, "html": html, "citations": citations, "confidence": answer.confidence,
            "intents": list(answer.intents), "usage": asdict(answer.usage), "cached": answer.cached,
            "model": answer.model, "finish": answer.finish,
        }  # fmt: skip
        self._emit("message.done", last=True, **shared, cost=float(answer.cost), degraded=answer.degraded)
        columns = {
            **shared, "state": State.DONE, "cost": answer.cost, "known": answer.known, "degraded": answer.degraded,
            "trace": _plain(masked_trace(answer.trace)), "cards": self._cards,
        }  # fmt: skip
        return Ending(columns, summary=answer.summary, handover=self.handover, slow=self.slow)

    def _stopped(self) -> Ending:
        self._send_buffer()
        html = render_reply(self.text)
        self._emit("message.done", last=True, **stopped_fields(self.text, html))
        columns = {
            "state": State.STOPPED, "finish": "stopped", "text": self.text, "html": html, "cards": self._cards,
            "error": self.why_stopped,
        }  # fmt: skip
        return Ending(columns, handover=self.handover, slow=self.slow)

    def _failed(self, event: Failed, reference: str = "") -> Ending:
        reference = reference or _reference()
        detail = clean(event.text) or APOLOGY.format(reference=reference)
        self._send_buffer()
        text = self.text or detail
        self._emit(
            "message.failed", last=True, text=text, detail=detail, retryable=event.retryable, reference=reference
        )
        columns = {
            "state": State.FAILED, "finish": "failed", "text": text, "error": event.reason[:200],
            "reference": reference, "cards": self._cards,
        }  # fmt: skip
        return Ending(columns, handover=self.handover, slow=self.slow)

    def _broken(self, error: Exception) -> Ending:
        reference = _reference()
        if isinstance(error, TimeoutError):
            log.error("Reply %s took too long (reference %s)", self.reply, reference)
        else:
            log.error("Reply %s broke (reference %s)", self.reply, reference, exc_info=error)
        return self._failed(Failed("", retryable=True, reason=type(error).__name__), reference)


def _citation(c: Citation) -> dict[str, Any]:
    return {
        "n": c.n, "document": c.document, "document_id": c.document_id, "chunk": c.chunk, "title": c.title,
        "url": c.url, "page": c.page, "heading": c.heading, "span": list(c.span), "quote": clean(c.quote),
    }  # fmt: skip


def _plain(trace: dict[str, Any]) -> Any:
    """The trace as PostgreSQL can hold it, whatever a tool or provider put into it."""
    try:
        return orjson.loads(orjson.dumps(trace, default=str, option=TRACE_OPTIONS).replace(rb"\u0000", b""))
    except (TypeError, ValueError) as error:
        log.warning("A trace could not be kept: %s", error)
        return {"lost": str(error)}


def _reference() -> str:
    return secrets.token_hex(REFERENCE_BYTES).upper()

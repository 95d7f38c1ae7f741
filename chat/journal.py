"""How replies and their frames reach the database: the transactions of the process that runs them.

Every change first claims the conversation's row `WHERE server = me`: a process that was declared dead while it was only
slow finds no row, changes nothing, and hears of it (a fencing token in the sense of Kleppmann, "How to do distributed
locking", 2016).

Frames that a process had shown but not yet logged when it died are the one thing a log cannot know. A process shows at
most SHOWN_AHEAD of them, and whoever takes over leaves that many numbers to `frames.skipped`: so no number ever means
two things, and a client that was ahead of the log still gets the next number next.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from agents.context import Decision, Turn
from agents.models import Action, ActionState
from chat.frames import encode_numbered
from chat.handover import request_handover
from chat.models import Conversation, FrameLog, Message, Role, State
from chat.queries import history_before
from tenants.models import Tenant
from tenants.scope import current_tenant_id

#: Most frames a process shows before they are in the log: two seconds of a fast reply.
SHOWN_AHEAD = 64
INTERRUPTED = "The reply was interrupted on our side. Please try again."
GOES_ON = "The reply was interrupted on our side. Nothing is lost: it begins again by itself."
MOST_BREAKS = 3  # interrupted replies to one message after which it no longer begins again by itself


@dataclass(frozen=True, slots=True)
class Job:
    """A reply that is marked as running, for the process that is to run it."""

    tenant: Tenant
    conversation: uuid.UUID
    person: str
    question: uuid.UUID
    reply: uuid.UUID
    turn: Turn


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames `first` to `last` of a conversation to log, with the text so far of the reply they belong to.

    `announced` are customers' messages with the numbers of their `message.accepted` frames.
    """

    conversation: uuid.UUID
    first: int
    last: int
    frames: Sequence[str]
    reply: uuid.UUID | None = None
    text: str = ""
    announced: Sequence[tuple[uuid.UUID, int]] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a reply ended: the columns of its row, and what the conversation learns from it."""

    columns: dict[str, Any]
    summary: str | None = None
    handover: tuple[str, str] | None = None
    """Reason and summary, when a person is to take over."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """Frames now in the log after number `base`, and the reply to run next, if any."""

    base: int
    frames: list[str] = field(default_factory=list)
    job: Job | None = None


def write_frames(server: uuid.UUID, batches: Sequence[Batch]) -> dict[uuid.UUID, bool]:
    """Logs frames of several conversations at once.

    Returns for each conversation that this process still runs whether another process wants it to look; nothing is
    written for the others.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chat_conversation c SET last_seq = v.seq FROM unnest(%s::uuid[], %s::int[]) AS v(id, seq) "
            "WHERE c.id = v.id AND c.server = %s AND c.tenant_id = %s RETURNING c.id, c.attention",
            [[b.conversation for b in batches], [b.last for b in batches], server, current_tenant_id()],
        )
        mine: dict[uuid.UUID, bool] = dict(cursor.fetchall())
        batches = [b for b in batches if b.conversation in mine and b.frames]
        _log(cursor, batches)
        grown = [b for b in batches if b.reply]
        if grown:
            cursor.execute(
                "UPDATE chat_message m SET text = v.text FROM unnest(%s::uuid[], %s::text[]) AS v(id, text) "
                "WHERE m.id = v.id AND m.tenant_id = %s",
                [[b.reply for b in grown], [b.text for b in grown], current_tenant_id()],
            )
        _mark_announced(cursor, [a for b in batches for a in b.announced])
    return mine


def finish_reply(server: uuid.UUID, batch: Batch, ending: Ending, *, more: bool) -> bool | None:
    """Logs the last frames of a reply and its end, and lets go of the conversation unless `more` replies wait.

    Returns whether this process goes on with the conversation; None when it had lost it, and nothing was changed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chat_conversation SET last_seq = %s, summary = coalesce(%s, summary), "
            "server = CASE WHEN attention OR %s THEN server END "
            "WHERE id = %s AND server = %s AND tenant_id = %s RETURNING server",
            (
                *(batch.last, ending.summary),
                *(more, batch.conversation, server, current_tenant_id()),
            ),
        )
        row = cursor.fetchone()
        if row is None:
            return None
        _log(cursor, [batch])
        _mark_announced(cursor, batch.announced)
    Message.objects.filter(pk=batch.reply).update(finished_at=timezone.now(), **ending.columns)
    if ending.handover:
        reason, summary = ending.handover
        request_handover(conversation_id=batch.conversation, reason=reason, summary=summary)
    return row[0] is not None


def advance(server: uuid.UUID, tenant: Tenant, conversation_id: uuid.UUID, *, restart: bool = False) -> Advanced | None:
    """Announces messages that wait in a conversation where no reply runs, and starts the next reply.

    Lets go of the conversation when none waits; None when this process does not run it. `restart` begins a reply again
    that is marked as running though this process never began it, because it was not told that its commit went through.
    """
    conversation = Conversation.objects.select_for_update().filter(pk=conversation_id, server=server).first()
    if conversation is None:
        return None
    if restart:
        Message.objects.filter(conversation=conversation, state=State.RUNNING).update(state=State.QUEUED)
    return _advance(tenant, conversation, [])


def take_over(
    server: uuid.UUID, tenant: Tenant, conversation_id: uuid.UUID, *, living: Sequence[uuid.UUID]
) -> Advanced | None:
    """Goes on with a conversation whose process is gone: ends what ran as interrupted, starts what waited.

    A reply to a pressed button, or to what may be a plain yes, begins again by itself: what was confirmed must not wait
    for the customer to come back, and running an action twice does it once. None when another process was quicker.
    """
    lost = Conversation.objects.select_for_update(skip_locked=True).exclude(server=None).exclude(server__in=living)
    conversation = lost.filter(pk=conversation_id).first()
    if conversation is None:
        return None
    log = Log(conversation)
    replies = Message.objects.filter(conversation=conversation, state=State.RUNNING)
    running = replies.select_related("reply_to").defer("trace", "reply_to__trace").first()
    if running:
        for _ in range(SHOWN_AHEAD):
            log.add("frames.skipped")
        log.interrupt(running)
    conversation.server = server
    log.save()
    return _advance(tenant, conversation, log.frames)


def lost_conversations(living: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Conversations of the tenant in scope whose process is not among the living."""
    return list(Conversation.objects.exclude(server=None).exclude(server__in=living).values_list("pk", flat=True))


def conversations_run_by(server: uuid.UUID) -> list[uuid.UUID]:
    """Conversations of the tenant in scope that this process holds, by the database's account."""
    return list(Conversation.objects.filter(server=server).values_list("pk", flat=True))


def position(server: uuid.UUID, conversation_id: uuid.UUID) -> tuple[int, bool]:
    """The number of the last frame in the log, and whether this process runs the conversation.

    For a process whose last commit may or may not have gone through.
    """
    last, runner = Conversation.objects.values_list("last_seq", "server").get(pk=conversation_id)
    return last, runner == server


def _advance(tenant: Tenant, conversation: Conversation, before: Sequence[str]) -> Advanced:
    log = Log(conversation)
    for message in _unannounced(conversation.pk):
        log.accept(message)
    waiting = Message.objects.filter(conversation=conversation, state=State.QUEUED).order_by("created_at")
    job: Job | None = None
    more = False
    for reply in waiting.select_related("reply_to").defer("trace", "reply_to__trace"):
        if job:
            more = True
        elif reply.stop_asked:
            log.stop(reply)
        else:
            job = log.start(tenant, reply)
    if job is None:
        conversation.server = None
    log.save(attention=more)
    return Advanced(log.base - len(before), [*before, *log.frames], job)


def _unannounced(conversation_id: uuid.UUID) -> list[Message]:
    return list(
        Message.objects.filter(conversation_id=conversation_id, role=Role.CUSTOMER, seq=None)
        .order_by("created_at")
        .only("id", "client_id", "text", "action", "confirmed", "created_at")
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What another process left in a conversation: messages not announced yet, and replies to stop."""

    messages: list[Message]
    stops: list[uuid.UUID]
    queued: bool


def look(server: uuid.UUID, conversation_id: uuid.UUID) -> Waiting | None:
    """What waits in a conversation whose reply runs here; None when it does not."""
    mine = Conversation.objects.filter(pk=conversation_id, server=server).update(attention=False)
    if not mine:
        return None
    replies = Message.objects.filter(conversation_id=conversation_id, role=Role.ASSISTANT)
    stops = replies.filter(state=State.RUNNING, stop_asked=True).values_list("pk", flat=True)
    queued = replies.filter(state=State.QUEUED).exists()
    return Waiting(_unannounced(conversation_id), list(stops), queued)


class Log:
    """Frames added to a conversation whose row is locked, while no process numbers them in memory."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation, self.base, self.frames = conversation, conversation.last_seq, list[str]()
        self.announced: list[tuple[uuid.UUID, int]] = []

    def add(self, frame_type: str, /, **fields: Any) -> int:
        """Gives a frame the next number; returns it."""
        seq = self.conversation.last_seq = self.conversation.last_seq + 1
        self.frames.append(encode_numbered(str(self.conversation.pk), seq, frame_type, **fields))
        return seq

    def accept(self, message: Message) -> None:
        """Acknowledges a customer's message."""
        message.seq = self.add("message.accepted", **accepted_fields(message))
        self.announced.append((message.pk, message.seq))

    def start(self, tenant: Tenant, reply: Message) -> Job:
        """Marks a queued reply as running."""
        question = reply.reply_to
        assert question is not None  # noqa: S101 (every reply of the assistant answers a message)
        seq = self.add("run.started", message=str(reply.pk), reply_to=str(question.pk))
        Message.objects.filter(pk=reply.pk).update(state=State.RUNNING, seq=seq, started_at=timezone.now())
        return job_of(tenant, self.conversation, question, reply.pk)

    def stop(self, reply: Message) -> None:
        """Ends a reply that the customer stopped before it began."""
        seq = self.add("message.done", message=str(reply.pk), **stopped_fields(""))
        Message.objects.filter(pk=reply.pk).update(
            state=State.STOPPED, finish="stopped", finished_at=timezone.now(), seq=seq
        )

    def interrupt(self, reply: Message) -> None:
        """Ends a reply whose process is gone with the text it had; one that may hold a confirmation begins again."""
        question = reply.reply_to
        again = question is not None and _may_confirm(question) and _breaks(question) < MOST_BREAKS
        detail = GOES_ON if again else INTERRUPTED
        shown = reply.text or detail
        self.add("message.failed", message=str(reply.pk), text=shown, detail=detail, retryable=not again)
        Message.objects.filter(pk=reply.pk).update(
            state=State.INTERRUPTED, error="interrupted", finish="interrupted", finished_at=timezone.now()
        )
        if question and again:
            reply_to(question, reply.created_at).save(force_insert=True)  # ahead of those that wait

    def write(self) -> None:
        """Writes the frames."""
        with connection.cursor() as cursor:
            _log(cursor, [Batch(self.conversation.pk, self.base + 1, self.conversation.last_seq, self.frames)])
            _mark_announced(cursor, self.announced)

    def save(self, *, attention: bool = False) -> None:
        """Writes the frames and the conversation's row."""
        self.write()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE chat_conversation SET last_seq = %s, server = %s, attention = %s, updated_at = now() "
                "WHERE id = %s AND tenant_id = %s",
                (
                    *(self.conversation.last_seq, self.conversation.server, attention),
                    *(self.conversation.pk, current_tenant_id()),
                ),
            )


def _may_confirm(question: Message) -> bool:
    """Whether a message is a pressed button, or may be the plain yes to a change that is still open."""
    if question.action is not None:
        return True
    waiting = Q(state=ActionState.PROPOSED, expires_at__gt=timezone.now()) | Q(state=ActionState.RUNNING)
    proposed = Action.objects.filter(waiting, conversation=question.conversation_id)
    return bool(proposed.filter(created_at__lt=question.created_at).exists())


def _breaks(question: Message) -> int:
    """How many replies to a message have been interrupted."""
    count: int = Message.objects.filter(reply_to=question, state=State.INTERRUPTED).count()
    return count


def job_of(
    tenant: Tenant, conversation: Conversation, question: Message, reply: uuid.UUID, *, alone: bool = False
) -> Job:
    """The work of answering a question, with the conversation before it; `alone` says that there is none."""
    owner = f"user:{conversation.user_id}" if conversation.user_id else f"visitor:{conversation.visitor}"
    decision = Decision(question.action, confirmed=bool(question.confirmed)) if question.action else None
    turn = Turn(
        tenant_id=tenant.pk,
        tenant_name=tenant.name,
        language=tenant.language,
        conversation=str(conversation.pk),
        question=question.text,
        history=() if alone else history_before(conversation.pk, question),
        summary=conversation.summary,
        reply=str(reply),
        user=conversation.user_id,
        actor=owner.replace(":", " "),
        decision=decision,
    )
    return Job(tenant, conversation.pk, owner, question.pk, reply, turn)


def reply_to(question: Message, after: datetime) -> Message:
    """A queued reply that follows a moment: that of its question, or of the reply it takes the place of."""
    return Message(
        tenant_id=question.tenant_id, conversation_id=question.conversation_id, role=Role.ASSISTANT, reply_to=question,
        state=State.QUEUED, created_at=after + timedelta(microseconds=1),
    )  # fmt: skip


def accepted_fields(message: Message) -> dict[str, Any]:
    """Fields of `message.accepted`; the text is for the customer's other windows."""
    pressed = {"action": str(message.action), "confirmed": message.confirmed} if message.action else {}
    return {"client_id": message.client_id, "message": str(message.pk), "text": message.text, **pressed}


def stopped_fields(text: str, html: str = "") -> dict[str, Any]:
    """Fields of `message.done` for a reply that the customer stopped."""
    return {
        "text": text, "html": html, "citations": [], "confidence": 0.0, "intents": [],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "estimated": True},
        "cost": 0.0, "cached": False, "model": "", "finish": "stopped",
    }  # fmt: skip


def _log(cursor: Any, batches: Sequence[Batch]) -> None:
    batches = [b for b in batches if b.frames]
    if batches:
        cursor.execute(
            f"INSERT INTO {FrameLog._meta.db_table} (tenant_id, conversation_id, first_seq, last_seq, lines) "  # noqa: S608, SLF001 (a constant)
            "SELECT %s, * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::text[])",
            (
                *(current_tenant_id(), [b.conversation for b in batches], [b.first for b in batches]),
                *([b.last for b in batches], ["\n".join(b.frames) for b in batches]),
            ),
        )


def _mark_announced(cursor: Any, announced: Sequence[tuple[uuid.UUID, int]]) -> None:
    if announced:
        cursor.execute(
            "UPDATE chat_message m SET seq = v.seq FROM unnest(%s::uuid[], %s::int[]) AS v(id, seq) "
            "WHERE m.id = v.id AND m.tenant_id = %s",
            [[m for m, _ in announced], [seq for _, seq in announced], current_tenant_id()],
        )

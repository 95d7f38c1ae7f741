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
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from chat.framelog import SHOWN_AHEAD, Batch, Job, Log, Untold, mark_announced, untold, write_batches
from chat.handover import note_answer, request_handover
from chat.message_rows import update_message
from chat.models import TAKEN_OVER, Conversation, Handler, Message, Role, ServerProcess, State
from tenants.models import Tenant
from tenants.scope import current_tenant_id


@dataclass(frozen=True, slots=True)
class Ending:
    """How a reply ended: the columns of its row, and what the conversation learns from it."""

    columns: dict[str, Any]
    summary: str | None = None
    handover: tuple[str, str] | None = None
    """Reason and summary, when a person is to take over."""
    slow: bool = False
    """Whether a person was called meanwhile because nothing came."""


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
        write_batches(cursor, batches)
        grown = [b for b in batches if b.reply]
        if grown:
            cursor.execute(
                "UPDATE chat_message m SET text = v.text FROM unnest(%s::uuid[], %s::text[]) AS v(id, text) "
                "WHERE m.id = v.id AND m.tenant_id = %s",
                [[b.reply for b in grown], [b.text for b in grown], current_tenant_id()],
            )
        mark_announced(cursor, [a for b in batches for a in b.announced])
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
        write_batches(cursor, [batch])
        mark_announced(cursor, batch.announced)
    if batch.reply:
        update_message(batch.reply, {"finished_at": timezone.now(), **ending.columns})
    if ending.handover:
        reason, summary = ending.handover
        request_handover(conversation_id=batch.conversation, reason=reason, summary=summary)
    if ending.slow and ending.columns["state"] == State.DONE:
        note_answer(conversation_id=batch.conversation, text=ending.columns["text"])
    return row[0] is not None


def advance(server: uuid.UUID, tenant: Tenant, conversation_id: uuid.UUID) -> Advanced | None:
    """Announces messages that wait in a conversation where this process runs no reply, and starts the next reply.

    Lets go of the conversation when none waits; None when it is not this process's. A reply that is marked as running
    begins again: this process never began it, because it was not told that its commit went through.
    """
    conversation = Conversation.objects.select_for_update().filter(pk=conversation_id, server=server).first()
    if conversation is None:
        return None
    Message.objects.filter(conversation=conversation, state=State.RUNNING).update(state=State.QUEUED)
    return _advance(tenant, conversation, [])


def take_over(server: uuid.UUID, tenant: Tenant, conversation_id: uuid.UUID) -> Advanced | None:
    """Goes on with a conversation whose process is gone: ends what ran as interrupted, starts what waited.

    A reply to a pressed button, or to what may be a plain yes, begins again by itself: what was confirmed must not wait
    for the customer to come back, and running an action twice does it once.

    None when another process was quicker, or has the row locked: a transaction that the dead process left may last for
    as long as its connection does, and must not hold up all other conversations. Look again later.
    """
    conversation = _lost(server).select_for_update(skip_locked=True).filter(pk=conversation_id).first()
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


def lost_conversations(server: uuid.UUID) -> list[uuid.UUID]:
    """Conversations of the tenant in scope whose process is not among the living, as `server` is."""
    return list(_lost(server).values_list("pk", flat=True))


def _lost(server: uuid.UUID) -> QuerySet[Conversation]:
    """In one statement with who lives: a process that has just come must not be taken for a dead one."""
    living = ServerProcess.objects.values("pk")
    lost: QuerySet[Conversation] = Conversation.objects.exclude(server=None).exclude(server=server)
    return lost.exclude(server__in=living)


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
    for item in untold(conversation.pk):
        log.tell(item)
    waiting = Message.objects.filter(conversation=conversation, state=State.QUEUED).order_by("created_at")
    job: Job | None = None
    more = False
    for reply in waiting.select_related("reply_to").defer("trace", "reply_to__trace"):
        if job:
            more = True
        elif _silenced(conversation, reply):
            log.stop(reply, error=TAKEN_OVER)
        elif reply.stop_asked:
            log.stop(reply)
        else:
            job = log.start(tenant, reply)
    if job is None:
        conversation.server = None
    log.save(attention=more)
    return Advanced(log.base - len(before), [*before, *log.frames], job)


def _silenced(conversation: Conversation, reply: Message) -> bool:
    """Whether a person answers instead of the assistant; what the customer decided is still carried out."""
    assert reply.reply_to is not None  # noqa: S101 (every reply of the assistant answers a message)
    return conversation.handled_by == Handler.PERSON and reply.reply_to.action is None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What others left in a conversation: what is not told yet, and replies to stop; `taken`: because of a person."""

    untold: list[Untold]
    stops: list[uuid.UUID]
    taken: bool
    queued: bool


def look(server: uuid.UUID, conversation_id: uuid.UUID) -> Waiting | None:
    """What waits in a conversation whose reply runs here; None when it does not."""
    mine = Conversation.objects.filter(pk=conversation_id, server=server).update(attention=False)
    if not mine:
        return None
    replies = Message.objects.filter(conversation_id=conversation_id, role=Role.ASSISTANT)
    stops = replies.filter(state=State.RUNNING, stop_asked=True).values_list("pk", flat=True)
    queued = replies.filter(state=State.QUEUED).exists()
    taken = Conversation.objects.filter(pk=conversation_id, handled_by=Handler.PERSON).exists()
    return Waiting(untold(conversation_id), list(stops), taken, queued)
